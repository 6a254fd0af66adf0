// Clock, timers, rounds, shards, offloaded work, and what a death does to fibers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/env/world.h"

namespace odradek::env_test {
namespace loop_conformance {

class LoopConformance : public Conformance {};

TEST_P(LoopConformance, ClocksGoOn) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const env::Clock& clock = world.env().clock;
    MonoTime last = clock.Now();
    const WallTime wall = clock.WallNow();
    EXPECT_GT(wall, WallTime::FromUnixMillis(1'600'000'000'000));
    for (int i = 0; i < 100; ++i) {
      fiber::SleepFor(self, Duration::Micros(i));
      EXPECT_GE(clock.Now() - last, Duration::Micros(i));
      EXPECT_EQ(clock.Now(), self.Now());
      EXPECT_GE(clock.Instant(), clock.Now());
      last = clock.Now();
    }
  });
}

TEST_P(LoopConformance, TimersAreNeverEarlyAndKeepTheirOrder) {
  InEachWorld([](fiber::Fiber& self, World&) {
    std::vector<int> order;
    fiber::TaskGroup group(self);
    for (const int millis : {30, 10, 20, 0}) {
      group.Spawn("sleeper", [&order, millis](fiber::Fiber& sleeper) {
        const MonoTime due = sleeper.Now() + Duration::Millis(millis);
        fiber::SleepUntil(sleeper, due);
        EXPECT_GE(sleeper.Now(), due);
        order.push_back(millis);
      });
    }
    group.Join(self);
    EXPECT_EQ(order, (std::vector<int>{0, 10, 20, 30}));
  });
}

TEST_P(LoopConformance, WaitsEndByTheirDeadline) {
  InEachWorld([](fiber::Fiber& self, World&) {
    fiber::WaitQueue queue;
    EXPECT_EQ(queue.WaitUntil(self, self.Now() + Duration::Millis(2)), fiber::Wake::kTimeout);
    EXPECT_EQ(queue.WaitUntil(self, self.Now() - Duration::Millis(2)), fiber::Wake::kTimeout);
    fiber::TaskGroup group(self);
    group.Spawn("waker", [&queue](fiber::Fiber& waker) {
      fiber::SleepFor(waker, Duration::Millis(1));
      queue.WakeOne();
    });
    EXPECT_EQ(queue.WaitUntil(self, self.Now() + Duration::Seconds(60)), fiber::Wake::kSignalled);
    group.Join(self);
  });
}

TEST_P(LoopConformance, YieldLetsOthersRun) {
  InEachWorld([](fiber::Fiber& self, World&) {
    bool has_run = false;
    fiber::TaskGroup group(self);
    group.Spawn("other", [&has_run](fiber::Fiber&) { has_run = true; });
    while (!has_run) fiber::Yield(self);
    group.Join(self);
  });
}

TEST_P(LoopConformance, RoundTaskRunsOncePerAsking) {
  class Task final : public env::RoundTask {
   public:
    void OnRoundEnd() override { ++count; }
    int count = 0;
  };
  InEachWorld([](fiber::Fiber& self, World& world) {
    Task task;
    for (int asked = 1; asked <= 5; ++asked) {
      world.env().rounds.AtRoundEnd(task);
      EXPECT_EQ(task.count, asked - 1);
      fiber::SleepFor(self, Duration::Millis(1));
      fiber::Yield(self);
      EXPECT_EQ(task.count, asked);
    }
  });
}

TEST_P(LoopConformance, RoundTaskMayAskAgain) {
  class Again final : public env::RoundTask {
   public:
    explicit Again(env::Rounds& rounds) : rounds_(rounds) {}
    void OnRoundEnd() override {
      if (++count < 3) rounds_.AtRoundEnd(*this);
    }
    int count = 0;

   private:
    env::Rounds& rounds_;
  };
  InEachWorld([](fiber::Fiber& self, World& world) {
    Again again(world.env().rounds);
    world.env().rounds.AtRoundEnd(again);
    for (int i = 0; i < 10; ++i) fiber::SleepFor(self, Duration::Millis(1));
    EXPECT_EQ(again.count, 3);
  });
}

TEST_P(LoopConformance, ShardsKnowThemselves) {
  InEachWorld([](fiber::Fiber&, World& world) {
    EXPECT_EQ(world.env().shards.count(), 2);
    EXPECT_EQ(world.env(ShardId(0)).shards.self(), ShardId(0));
    EXPECT_EQ(world.env(ShardId(1)).shards.self(), ShardId(1));
  });
}

TEST_P(LoopConformance, MessagesBetweenShardsKeepTheirOrder) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    constexpr int kMessages = 200;
    std::vector<int> seen;  // of shard 0 only
    fiber::Event done;
    env::Shards& here = world.env(ShardId(0)).shards;
    env::Shards& there = world.env(ShardId(1)).shards;
    for (int i = 0; i < kMessages; ++i) {
      here.Post(ShardId(1), [&there, &seen, &done, i] {
        there.Post(ShardId(0), [&seen, &done, i] {
          seen.push_back(i);
          if (i == kMessages - 1) done.Set();
        });
      });
      if (i % 10 == 0) fiber::Yield(self);
    }
    done.Wait(self);
    ASSERT_EQ(seen.size(), static_cast<size_t>(kMessages));
    for (int i = 0; i < kMessages; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  });
}

TEST_P(LoopConformance, ShardMayPostToItself) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    fiber::Event arrived;
    world.env().shards.Post(ShardId(0), [&arrived] { arrived.Set(); });
    EXPECT_FALSE(arrived.is_set());
    arrived.Wait(self);
  });
}

TEST_P(LoopConformance, OffloadedWorkHasRunWhenTheCallReturns) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    std::vector<int> sums(8, 0);
    fiber::TaskGroup group(self);
    for (size_t i = 0; i < sums.size(); ++i) {
      group.Spawn("worker", [&world, &sums, i](fiber::Fiber& worker) {
        int sum = 0;
        world.env().offload.Run(worker, [&sum, i] {
          for (int n = 0; n < 1000; ++n) sum += static_cast<int>(i);
        });
        sums[i] = sum;
      });
    }
    group.Join(self);
    for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], static_cast<int>(i) * 1000);
  });
}

TEST_P(LoopConformance, EntropyDoesNotRepeat) {
  InEachWorld([](fiber::Fiber&, World& world) {
    const uint64_t first = world.env().entropy.Next64();
    const uint64_t second = world.env().entropy.Next64();
    EXPECT_NE(first, second);
  });
}

TEST_P(LoopConformance, DeathUnwindsFibersChildrenFirst) {
  ForEachWorld([](World& world) {
    std::string order;
    struct Leave {
      std::string& order;
      std::string_view name;
      ~Leave() { order += name; }
    };
    world.env().scheduler.Spawn("parent", [&order](fiber::Fiber& self) {
      const Leave leave{order, "parent "};
      fiber::TaskGroup group(self);
      group.Spawn("child", [&order](fiber::Fiber& child) {
        const Leave child_leave{order, "child "};
        fiber::SleepUntil(child, MonoTime::Never());
      });
      group.Join(self);
    });
    EXPECT_TRUE(world.Run([](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(1)); }));
    world.Kill();
    EXPECT_EQ(order, "child parent ");
  });
}

ODRADEK_CONFORMANCE_SUITE(LoopConformance);

}  // namespace loop_conformance
}  // namespace odradek::env_test
