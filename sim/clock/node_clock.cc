#include "sim/clock/node_clock.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

constexpr int64_t kMillionParts = 1'000'000;
// Deadlines further away than this (30 years) count as never.
constexpr int64_t kFarNanos = int64_t{1} << 60;

}  // namespace

NodeClock::NodeClock(const Options& options)
    : drift_(options.drift), wall_at_base_(kWallTimeAtStart + options.wall_offset) {
  REQUIRES(drift_.ppm >= -kDriftPpmMax);
  REQUIRES(drift_.ppm <= kDriftPpmMax);
}

Duration NodeClock::Advance(Duration elapsed) const {
  const auto gained = static_cast<__int128>(elapsed.nanos()) * drift_.ppm / kMillionParts;
  return Duration::Nanos(elapsed.nanos() + static_cast<int64_t>(gained));
}

MonoTime NodeClock::Mono(MonoTime kernel) const {
  REQUIRES(kernel >= base_);
  return mono_at_base_ + Advance(kernel - base_);
}

WallTime NodeClock::Wall(MonoTime kernel) const {
  REQUIRES(kernel >= base_);
  return wall_at_base_ + Advance(kernel - base_);
}

MonoTime NodeClock::KernelTimeOf(MonoTime mono) const {
  if (mono <= mono_at_base_) return base_;
  const int64_t distance = (mono - mono_at_base_).nanos();
  if (distance > kFarNanos) return MonoTime::Never();
  const auto guess = static_cast<__int128>(distance) * kMillionParts / (kMillionParts + drift_.ppm);
  int64_t elapsed = static_cast<int64_t>(guess);
  // Rounding leaves the guess within a few nanoseconds of the first instant.
  while (elapsed > 0 && Advance(Duration::Nanos(elapsed - 1)).nanos() >= distance) --elapsed;
  while (Advance(Duration::Nanos(elapsed)).nanos() < distance) ++elapsed;
  return base_ + Duration::Nanos(elapsed);
}

void NodeClock::Rebase(MonoTime kernel) {
  const MonoTime mono = Mono(kernel);
  const WallTime wall = Wall(kernel);
  base_ = kernel;
  mono_at_base_ = mono;
  wall_at_base_ = wall;
}

void NodeClock::Boot(MonoTime kernel, MonoTime mono) {
  Rebase(kernel);
  mono_at_base_ = mono;
}

void NodeClock::SetDrift(MonoTime kernel, Drift drift) {
  REQUIRES(drift.ppm >= -kDriftPpmMax);
  REQUIRES(drift.ppm <= kDriftPpmMax);
  Rebase(kernel);
  drift_ = drift;
}

}  // namespace odradek::sim
