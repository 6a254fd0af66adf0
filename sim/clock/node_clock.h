// The clocks of one node: both run at the node's own rate; the wall clock also has an offset and may step at any time.
// Integer arithmetic throughout. Owned by the node; outlives its processes.
//
// Invariants: between boots Mono() never goes back; a change of rate moves neither clock at the instant of the change.
#pragma once

#include <cstdint>

#include "engine/base/time.h"
#include "sim/kernel/node_time.h"

namespace odradek::sim {

// How much faster than the kernel's time a clock runs, in parts of a million; slower if negative.
struct Drift {
  int32_t ppm = 0;
};
// A clock that is off by a tenth is broken beyond what any protocol tolerates.
inline constexpr int32_t kDriftPpmMax = 100'000;

class NodeClock final : public NodeTime {
 public:
  struct Options {
    Duration wall_offset = {};
    Drift drift = {};
  };
  NodeClock() : NodeClock(Options{}) {}
  explicit NodeClock(const Options& options);

  MonoTime Mono(MonoTime kernel) const override;
  MonoTime KernelTimeOf(MonoTime mono) const override;
  WallTime Wall(MonoTime kernel) const override;

  // The machine starts: its monotonic clock begins at `mono`, whatever it showed before.
  void Boot(MonoTime kernel, MonoTime mono);
  // Forwards or backwards. The monotonic clock takes no notice.
  void StepWall(Duration step) { wall_at_base_ = wall_at_base_ + step; }
  // From `kernel` on. The shards of the node must be told (NodeShard::ClockChanged).
  void SetDrift(MonoTime kernel, Drift drift);
  Drift drift() const { return drift_; }

 private:
  // How far the node's clocks advance while the kernel's advances by `elapsed`.
  Duration Advance(Duration elapsed) const;
  void Rebase(MonoTime kernel);

  Drift drift_;
  MonoTime base_;
  MonoTime mono_at_base_;
  WallTime wall_at_base_;
};

}  // namespace odradek::sim
