#include "sim/clock/node_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/sim/kernel/one_shard.h"

namespace odradek::sim {
namespace {

MonoTime AtMillis(int64_t millis) {
  return MonoTime::FromNanos(millis * 1'000'000);
}

TEST(NodeClock, RunsWithTheKernelWithoutDrift) {
  NodeClock clock;
  EXPECT_EQ(clock.Mono(AtMillis(5)), AtMillis(5));
  EXPECT_EQ(clock.Wall(AtMillis(5)) - kWallTimeAtStart, Duration::Millis(5));
}

TEST(NodeClock, DriftChangesTheRateOfBothClocks) {
  NodeClock clock({.drift = {.ppm = 1000}});
  EXPECT_EQ(clock.Mono(AtMillis(1000)), AtMillis(1001));
  clock.SetDrift(AtMillis(1000), {.ppm = -1000});
  EXPECT_EQ(clock.Mono(AtMillis(1000)), AtMillis(1001));
  EXPECT_EQ(clock.Mono(AtMillis(2000)), AtMillis(2000));
  EXPECT_EQ(clock.Wall(AtMillis(2000)) - kWallTimeAtStart, Duration::Millis(2000));
}

TEST(NodeClock, StepsOfTheWallClockLeaveTheMonotonicClockAlone) {
  NodeClock clock;
  clock.StepWall(Duration::Seconds(-10));
  EXPECT_EQ(clock.Wall(AtMillis(5)) - kWallTimeAtStart, Duration::Millis(5 - 10'000));
  EXPECT_EQ(clock.Mono(AtMillis(5)), AtMillis(5));
}

TEST(NodeClock, BootStartsTheMonotonicClockAnew) {
  NodeClock clock;
  clock.Boot(AtMillis(100), AtMillis(3));
  EXPECT_EQ(clock.Mono(AtMillis(101)), AtMillis(4));
  EXPECT_EQ(clock.Wall(AtMillis(101)) - kWallTimeAtStart, Duration::Millis(101));
}

RC_GTEST_PROP(NodeClockProperty, KernelTimeOfIsTheFirstInstantOfAReading, ()) {
  const int32_t ppm = *rc::gen::inRange(-kDriftPpmMax, kDriftPpmMax + 1);
  const int64_t base = *rc::gen::inRange<int64_t>(0, 1'000'000'000'000);
  const int64_t ahead = *rc::gen::inRange<int64_t>(1, 100'000'000'000);
  NodeClock clock;
  clock.SetDrift(MonoTime::FromNanos(base), {.ppm = ppm});
  const MonoTime wanted = MonoTime::FromNanos(base + ahead);
  const MonoTime kernel = clock.KernelTimeOf(wanted);
  RC_ASSERT(clock.Mono(kernel) >= wanted);
  RC_ASSERT(clock.Mono(kernel - Duration::Nanos(1)) < wanted);
}

TEST(NodeClock, NeverStaysNever) {
  NodeClock clock({.drift = {.ppm = 50}});
  EXPECT_EQ(clock.KernelTimeOf(MonoTime::Never()), MonoTime::Never());
}

TEST(NodeClock, TimersFollowAChangeOfRate) {
  for (const int32_t ppm : {-50'000, 50'000}) {
    Kernel kernel({});
    NodeClock clock;
    const NodeIndex node = kernel.AddNode("n1");
    NodeShard shard(kernel, clock, {.node = node}, {.slice_cost_min = {}, .slice_cost_max = {}});
    MonoTime woken;
    shard.scheduler().Spawn("sleeper", [&](fiber::Fiber& self) {
      fiber::SleepUntil(self, AtMillis(1000));
      EXPECT_GE(self.Now(), AtMillis(1000));
      woken = kernel.Now();
    });
    kernel.At(AtMillis(500), [&] {
      clock.SetDrift(kernel.Now(), {.ppm = ppm});
      shard.ClockChanged();
    });
    kernel.Run({});
    EXPECT_EQ(woken, clock.KernelTimeOf(AtMillis(1000)));
    shard.CutOff();
    shard.Kill();
  }
}

}  // namespace
}  // namespace odradek::sim
