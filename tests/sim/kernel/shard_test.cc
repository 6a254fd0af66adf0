#include "sim/kernel/shard.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "engine/fiber/sync.h"
#include "tests/sim/kernel/one_shard.h"

namespace odradek::sim {
namespace {

// A few fibers that sleep, signal each other and post between two shards.
Hash128 RunBusyNode(const KernelOptions& options) {
  Kernel kernel(options);
  TestNode node(kernel, {.shard_count = 2});
  fiber::Channel<int> channel(2);
  for (const char* name : {"a", "b", "c"}) {
    node.Spawn(name, [&](fiber::Fiber& self) {
      for (int i = 0; i < 20; ++i) {
        const uint64_t random = node.env().entropy.Next64();
        fiber::SleepFor(self, Duration::Micros(static_cast<int64_t>(random % 50)));
        channel.Send(self, i);
        node.env().shards.Post(ShardId(1), [] {});
      }
    });
  }
  node.Spawn("reader", [&](fiber::Fiber& self) {
    for (int i = 0; i < 60; ++i) channel.Receive(self);
  });
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(node.shard().holdings().fiber_count, 0u);
  return kernel.hash();
}

TEST(NodeShard, SameSeedGivesTheSameHash) {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{77}}) {
    EXPECT_EQ(RunBusyNode({.seed = seed}), RunBusyNode({.seed = seed}));
  }
  EXPECT_NE(RunBusyNode({.seed = 1}), RunBusyNode({.seed = 2}));
}

TEST(NodeShard, StrategiesGiveDifferentHistories) {
  const Hash128 random = RunBusyNode({.seed = 1});
  EXPECT_NE(RunBusyNode({.seed = 1, .strategy = Strategy::kFifo}), random);
  EXPECT_NE(RunBusyNode({.seed = 1, .strategy = Strategy::kPct}), random);
  EXPECT_EQ(RunBusyNode({.seed = 1, .strategy = Strategy::kPct}), RunBusyNode({.seed = 1, .strategy = Strategy::kPct}));
}

// Fibers that become ready together go on in the order of their priorities, every time.
TEST(NodeShard, PctRunsFibersByPriority) {
  constexpr int kTimes = 4;
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    Kernel kernel({.seed = seed, .strategy = Strategy::kPct, .pct = {.depth = 1}});
    TestNode node(kernel);
    fiber::WaitQueue all;
    std::string said;
    for (const char* name : {"a", "b", "c"}) {
      node.Spawn(name, [&, name](fiber::Fiber& self) {
        for (int i = 0; i < kTimes; ++i) {
          all.Wait(self);
          said += name;
        }
      });
    }
    node.Spawn("wakes", [&](fiber::Fiber& self) {
      for (int i = 0; i < kTimes; ++i) {
        fiber::SleepFor(self, Duration::Seconds(1));
        all.WakeAll();
      }
    });
    EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
    const std::string order = said.substr(0, 3);
    EXPECT_EQ(said, order + order + order + order);
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"abc", "acb", "bac", "bca", "cab", "cba"}));
}

TEST(NodeShard, PatternsInFreshMemoryDoNotChangeTheHash) {
  const Hash128 plain = RunBusyNode({.seed = 5});
  for (const int pattern : {0x5a, 0xff}) {
    mallopt(M_PERTURB, pattern);
    EXPECT_EQ(RunBusyNode({.seed = 5}), plain);
  }
  mallopt(M_PERTURB, 0);
}

TEST(NodeShard, ChargesVirtualTimeForSlices) {
  Kernel kernel({});
  TestNode node(kernel, {.shard = {.slice_cost_min = Duration::Micros(3), .slice_cost_max = Duration::Micros(3)}});
  std::vector<int64_t> starts;
  for (int i = 0; i < 4; ++i) {
    node.Spawn("slice", [&](fiber::Fiber&) { starts.push_back(kernel.Now().nanos()); });
  }
  kernel.Run({});
  EXPECT_EQ(starts, (std::vector<int64_t>{0, 3000, 6000, 9000}));
}

TEST(NodeShard, NowStandsStillWithinARound) {
  Kernel kernel({.seed = 9});
  TestNode node(kernel, {.shard = {.round_slices_max = 4}});
  class Task final : public env::RoundTask {
   public:
    void OnRoundEnd() override { ++ends; }
    int ends = 0;
  };
  Task task;
  bool is_pending = false;
  int ends_before = 0;
  MonoTime round_now;
  size_t slices_in_round = 0;
  size_t most_slices = 0;
  const auto on_slice = [&] {
    if (is_pending && task.ends == ends_before) {
      EXPECT_EQ(node.env().clock.Now(), round_now);
      ++slices_in_round;
    } else {
      round_now = node.env().clock.Now();
      node.env().rounds.AtRoundEnd(task);
      is_pending = true;
      ends_before = task.ends;
      slices_in_round = 1;
    }
    most_slices = std::max(most_slices, slices_in_round);
  };
  for (int i = 0; i < 200; ++i) node.Spawn("slice", [&](fiber::Fiber&) { on_slice(); });
  kernel.Run({});
  EXPECT_GT(task.ends, 50);
  EXPECT_LE(most_slices, 4u);
  EXPECT_GT(most_slices, 1u);
}

TEST(NodeShard, TimersFireAtOrAfterTheirInstant) {
  Kernel kernel({.seed = 4});
  TestNode node(kernel);
  std::vector<int64_t> late_nanos;
  for (int64_t i = 0; i < 100; ++i) {
    node.Spawn("sleeper", [&, i](fiber::Fiber& self) {
      const MonoTime at = MonoTime::FromNanos((i * 37 % 100) * 1'000'000);
      fiber::SleepUntil(self, at);
      late_nanos.push_back((self.Now() - at).nanos());
    });
  }
  kernel.Run({});
  ASSERT_EQ(late_nanos.size(), 100u);
  for (const int64_t late : late_nanos) {
    EXPECT_GE(late, 0);
    EXPECT_LT(late, 5'000'000);
  }
}

TEST(NodeShard, DisarmedTimersLeaveNothingInTheQueue) {
  Kernel kernel({});
  TestNode node(kernel);
  fiber::WaitQueue queue;
  node.Spawn("waiter", [&](fiber::Fiber& self) {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(queue.WaitUntil(self, self.Now() + Duration::Seconds(30)), fiber::Wake::kSignalled);
    }
  });
  node.Spawn("waker", [&](fiber::Fiber& self) {
    for (int i = 0; i < 1000; ++i) {
      while (queue.empty()) fiber::SleepFor(self, Duration::Micros(10));
      queue.WakeOne();
      fiber::Yield(self);
    }
  });
  size_t most_pending = 0;
  while (kernel.Run({.events_max = 1}) == RunOutcome::kEventLimit) {
    most_pending = std::max(most_pending, kernel.pending_event_count());
  }
  EXPECT_EQ(node.shard().holdings().fiber_count, 0u);
  EXPECT_LT(most_pending, 8u);
}

TEST(NodeShard, MailboxesAreFifoForEachPair) {
  Kernel kernel({.seed = 11});
  TestNode node(kernel, {.shard_count = 3});
  std::vector<int> from_0;
  std::vector<int> from_1;
  for (int i = 0; i < 200; ++i) {
    node.env(0).shards.Post(ShardId(2), [&, i] { from_0.push_back(i); });
    node.env(1).shards.Post(ShardId(2), [&, i] { from_1.push_back(i); });
  }
  kernel.Run({});
  ASSERT_EQ(from_0.size(), 200u);
  ASSERT_EQ(from_1.size(), 200u);
  EXPECT_TRUE(std::is_sorted(from_0.begin(), from_0.end()));
  EXPECT_TRUE(std::is_sorted(from_1.begin(), from_1.end()));
}

TEST(NodeShard, PauseStopsTheWorldAndLosesNothing) {
  Kernel kernel({});
  TestNode node(kernel, {.shard_count = 2});
  int beats = 0;
  int messages = 0;
  node.Spawn("heart", [&](fiber::Fiber& self) {
    for (int i = 0; i < 10; ++i) {
      fiber::SleepFor(self, Duration::Millis(1));
      ++beats;
    }
  });
  kernel.At(MonoTime::FromNanos(4'500'000), [&] { node.shard().Pause(); });
  kernel.At(MonoTime::FromNanos(5'000'000), [&] { node.env(1).shards.Post(ShardId(0), [&] { ++messages; }); });
  EXPECT_EQ(kernel.Run({.until = MonoTime::FromNanos(1'000'000'000)}), RunOutcome::kIdle);
  EXPECT_LE(beats, 5);
  EXPECT_EQ(messages, 0);
  node.shard().Resume();
  kernel.Run({});
  EXPECT_EQ(beats, 10);
  EXPECT_EQ(messages, 1);
}

TEST(NodeShard, KillLeavesNothingAndUnwindsFibers) {
  Kernel kernel({.seed = 2});
  TestNode node(kernel, {.shard_count = 2});
  int unwound = 0;
  struct Unwinds {
    int& count;
    ~Unwinds() { ++count; }
  };
  int messages_run = 0;
  for (int i = 0; i < 10; ++i) {
    node.Spawn("sleeper", [&](fiber::Fiber& self) {
      const Unwinds at_exit{unwound};
      while (true) {
        node.env().shards.Post(ShardId(1), [&] { ++messages_run; });
        fiber::SleepFor(self, Duration::Millis(1));
      }
    });
  }
  EXPECT_EQ(kernel.Run({.until = MonoTime::FromNanos(10'000'000)}), RunOutcome::kTimeLimit);
  EXPECT_GT(messages_run, 50);
  node.Kill();
  EXPECT_EQ(unwound, 10);
  EXPECT_EQ(kernel.stacks().in_use_count(), 0u);
  for (size_t i = 0; i < 2; ++i) {
    const NodeShard::Holdings left = node.shard(i).holdings();
    EXPECT_EQ(left.fiber_count + left.timer_count + left.message_count + left.task_count, 0u);
  }
  const int before = messages_run;
  node.Spawn("late", [](fiber::Fiber&) { FAIL(); });
  node.env().shards.Post(ShardId(1), [&] { ++messages_run; });
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(messages_run, before);
}

TEST(ShardProcess, FatalEndsTheNodeAfterTheSlice) {
  Kernel kernel({});
  TestNode node(kernel);
  std::string said;
  node.Spawn("bystander", [&](fiber::Fiber& self) {
    while (true) fiber::SleepFor(self, Duration::Millis(1));
  });
  node.Spawn("victim", [&](fiber::Fiber& self) {
    fiber::SleepFor(self, Duration::Millis(3));
    said += "dies";
    node.env().process.Fatal(self, "disk is gone");
  });
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(said, "dies");
  EXPECT_EQ(node.fatal_reason, "disk is gone");
  EXPECT_EQ(node.shard().holdings().fiber_count, 0u);
}

TEST(ShardOffload, RunsTheWorkOnceAndTakesTime) {
  Kernel kernel({});
  TestNode node(kernel);
  int runs = 0;
  MonoTime before;
  MonoTime after;
  node.Spawn("worker", [&](fiber::Fiber& self) {
    before = self.Now();
    node.env().offload.Run(self, [&] { ++runs; });
    after = self.Now();
  });
  kernel.Run({});
  EXPECT_EQ(runs, 1);
  EXPECT_GE((after - before).micros(), 5);
}

}  // namespace
}  // namespace odradek::sim
