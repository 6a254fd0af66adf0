#include "engine/fiber/fiber.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/fiber/sync.h"
#include "tests/engine/fiber/manual_executor.h"

namespace odradek::fiber {
namespace {

class FiberTest : public testing::Test {
 protected:
  void Say(const std::string& word) { said_ += said_.empty() ? word : " " + word; }

  StackPool stacks_;
  ManualExecutor executor_;
  Scheduler scheduler_{executor_, stacks_};
  std::string said_;
};

// Says a word when its scope ends: shows that a killed fiber unwinds.
class OnExit {
 public:
  OnExit(std::string& said, std::string word) : said_(said), word_(std::move(word)) {}
  ~OnExit() { said_ += said_.empty() ? word_ : " " + word_; }

 private:
  std::string& said_;
  std::string word_;
};

TEST_F(FiberTest, RunsUntilItWaitsAndGoesOnWhenWoken) {
  WaitQueue queue;
  scheduler_.Spawn("waiter", [&](Fiber& self) {
    Say("before");
    queue.Wait(self);
    Say("after");
  });
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "before");
  queue.WakeOne();
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "before after");
  EXPECT_EQ(scheduler_.fiber_count(), 0u);
  EXPECT_EQ(stacks_.in_use_count(), 0u);
}

TEST_F(FiberTest, WakesInTheOrderOfArrival) {
  WaitQueue queue;
  for (const char* name : {"a", "b", "c"}) {
    scheduler_.Spawn(name, [&, name](Fiber& self) {
      queue.Wait(self);
      Say(name);
    });
  }
  executor_.RunReady(scheduler_);
  queue.WakeAll();
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "a b c");
}

TEST_F(FiberTest, WaitUntilTellsTimeoutFromSignal) {
  WaitQueue queue;
  std::vector<Wake> wakes;
  scheduler_.Spawn("waiter", [&](Fiber& self) {
    wakes.push_back(queue.WaitUntil(self, self.Now() + Duration::Millis(5)));
    wakes.push_back(queue.WaitUntil(self, self.Now() + Duration::Millis(5)));
  });
  scheduler_.Spawn("signaller", [&](Fiber& self) {
    SleepFor(self, Duration::Millis(6));
    queue.WakeOne();
  });
  executor_.RunAll(scheduler_);
  EXPECT_EQ(wakes, (std::vector{Wake::kTimeout, Wake::kSignalled}));
  EXPECT_EQ(executor_.Now().nanos(), Duration::Millis(6).nanos());
}

TEST_F(FiberTest, KillUnwindsTheYoungestFirstAndNeverStartedOnesNotAtAll) {
  WaitQueue queue;
  for (const char* name : {"old", "young"}) {
    scheduler_.Spawn(name, [&, name](Fiber& self) {
      OnExit exit(said_, name);
      queue.Wait(self);
      Say("unreachable");
    });
  }
  executor_.RunReady(scheduler_);
  scheduler_.Spawn("unborn", [&](Fiber&) { Say("unborn"); });
  executor_.Kill(scheduler_);
  EXPECT_EQ(said_, "young old");
  EXPECT_EQ(stacks_.in_use_count(), 0u);
}

TEST_F(FiberTest, SwallowingKilledDoesNotKeepAFiberAlive) {
  WaitQueue queue;
  scheduler_.Spawn("stubborn", [&](Fiber& self) {
    for (int i = 0; i < 3; ++i) {
      try {
        queue.Wait(self);
      } catch (const Killed&) {
        Say("killed");
      }
    }
  });
  executor_.RunReady(scheduler_);
  executor_.Kill(scheduler_);
  EXPECT_EQ(said_, "killed killed killed");
}

TEST_F(FiberTest, DeadSchedulerIgnoresWakeUpsAndSpawns) {
  WaitQueue queue;
  scheduler_.Spawn("noisy", [&](Fiber& self) {
    try {
      queue.Wait(self);
    } catch (const Killed&) {
      scheduler_.Spawn("late", [&](Fiber&) { Say("late"); });
      queue.WakeAll();
      throw;
    }
  });
  executor_.RunReady(scheduler_);
  executor_.Kill(scheduler_);
  executor_.RunAll(scheduler_);
  EXPECT_EQ(said_, "");
}

TEST_F(FiberTest, SwitchInsideACatchBlockKeepsEachFibersException) {
  WaitQueue queue;
  for (const char* name : {"first", "second"}) {
    scheduler_.Spawn(name, [&, name](Fiber& self) {
      try {
        throw std::runtime_error(name);
      } catch (const std::exception&) {
        queue.Wait(self);
        try {
          throw;
        } catch (const std::exception& again) {
          Say(again.what());
        }
      }
    });
  }
  executor_.RunReady(scheduler_);
  EXPECT_EQ(std::current_exception(), nullptr);
  queue.WakeAll();
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "first second");
}

TEST_F(FiberTest, GroupJoinWaitsForEveryChild) {
  scheduler_.Spawn("owner", [&](Fiber& self) {
    TaskGroup group(self);
    for (int64_t delay : {3, 1, 2}) {
      group.Spawn("child", [&, delay](Fiber& child) {
        SleepFor(child, Duration::Millis(delay));
        Say(std::to_string(delay));
      });
    }
    group.Join(self);
    Say("joined");
  });
  executor_.RunAll(scheduler_);
  EXPECT_EQ(said_, "1 2 3 joined");
}

TEST_F(FiberTest, CancelUnwindsChildrenBeforeTheirOwner) {
  WaitQueue never;
  WaitQueue signal;
  scheduler_.Spawn("root", [&](Fiber& self) {
    TaskGroup group(self);
    group.Spawn("owner", [&](Fiber& owner) {
      OnExit exit(said_, "owner");
      TaskGroup inner(owner);
      inner.Spawn("child", [&](Fiber& child) {
        OnExit child_exit(said_, "child");
        never.Wait(child);
      });
      signal.Wait(owner);
    });
    SleepFor(self, Duration::Millis(1));
    group.Cancel();
    signal.WakeAll();  // the owner must still wait for its child
    group.Join(self);
    Say("joined");
  });
  executor_.RunAll(scheduler_);
  EXPECT_EQ(said_, "child owner joined");
}

TEST_F(FiberTest, ChannelKeepsOrderAndBlocksWhenFull) {
  Channel<int> channel(2);
  scheduler_.Spawn("sender", [&](Fiber& self) {
    for (int i = 0; i < 5; ++i) channel.Send(self, i);
    channel.Close();
  });
  executor_.RunReady(scheduler_);
  EXPECT_EQ(channel.size(), 2u);
  scheduler_.Spawn("receiver", [&](Fiber& self) {
    while (const auto value = channel.Receive(self)) Say(std::to_string(*value));
    Say("end");
  });
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "0 1 2 3 4 end");
}

TEST_F(FiberTest, MutexIsHandedOverInTheOrderOfTheCalls) {
  Mutex mutex;
  WaitQueue gate;
  scheduler_.Spawn("first", [&](Fiber& self) {
    MutexLock lock(self, mutex);
    gate.Wait(self);
    Say("first");
  });
  scheduler_.Spawn("second", [&](Fiber& self) {
    MutexLock lock(self, mutex);
    Say("second");
  });
  executor_.RunReady(scheduler_);
  gate.WakeOne();
  // Becomes ready behind the owner and ahead of the waiter that the owner will wake.
  scheduler_.Spawn("third", [&](Fiber& self) {
    MutexLock lock(self, mutex);
    Say("third");
  });
  executor_.RunReady(scheduler_);
  EXPECT_EQ(said_, "first second third");
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(FiberTest, CancelledWaiterPassesTheMutexOn) {
  Mutex mutex;
  WaitQueue gate;
  scheduler_.Spawn("root", [&](Fiber& self) {
    mutex.Lock(self);
    TaskGroup cancelled(self);
    TaskGroup stays(self);
    cancelled.Spawn("leaves", [&](Fiber& child) { MutexLock lock(child, mutex); });
    Yield(self);
    stays.Spawn("takes", [&](Fiber& child) {
      MutexLock lock(child, mutex);
      Say("taken");
    });
    Yield(self);
    mutex.Unlock();  // the waiter that is about to be cancelled owns it now
    cancelled.Cancel();
    cancelled.Join(self);
    stays.Join(self);
  });
  executor_.RunAll(scheduler_);
  EXPECT_EQ(said_, "taken");
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(FiberTest, WhoGivesUpOnAMutexLeavesTheLine) {
  Mutex mutex;
  WaitQueue gate;
  scheduler_.Spawn("owner", [&](Fiber& self) {
    MutexLock lock(self, mutex);
    gate.Wait(self);
  });
  scheduler_.Spawn("impatient", [&](Fiber& self) {
    MutexLock lock(self, mutex, self.Now() + Duration::Millis(1));
    EXPECT_FALSE(lock.owns());
    Say("left");
  });
  scheduler_.Spawn("patient", [&](Fiber& self) {
    MutexLock lock(self, mutex, self.Now() + Duration::Seconds(1));
    EXPECT_TRUE(lock.owns());
    Say("took");
  });
  scheduler_.Spawn("opener", [&](Fiber& self) {
    SleepFor(self, Duration::Millis(10));
    gate.WakeOne();
  });
  executor_.RunAll(scheduler_);
  EXPECT_EQ(said_, "left took");
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(FiberTest, SemaphoreBoundsConcurrency) {
  Semaphore semaphore(2);
  int running = 0;
  int most = 0;
  for (int i = 0; i < 6; ++i) {
    scheduler_.Spawn("worker", [&](Fiber& self) {
      semaphore.Acquire(self, 1);
      most = std::max(most, ++running);
      SleepFor(self, Duration::Millis(1));
      --running;
      semaphore.Release(1);
    });
  }
  executor_.RunAll(scheduler_);
  EXPECT_EQ(most, 2);
  EXPECT_EQ(semaphore.available(), 2);
}

TEST_F(FiberTest, ThousandsOfFibersShareThePool) {
  constexpr size_t kCount = 8000;  // the thread sanitizer of g++ 12 knows 8128 stacks at most
  WaitQueue gate;
  size_t done = 0;
  for (size_t i = 0; i < kCount; ++i) {
    scheduler_.Spawn("one", [&](Fiber& self) {
      gate.Wait(self);
      ++done;
    });
  }
  executor_.RunReady(scheduler_);
  EXPECT_EQ(stacks_.in_use_count(), kCount);
  gate.WakeAll();
  executor_.RunReady(scheduler_);
  EXPECT_EQ(done, kCount);
  EXPECT_EQ(stacks_.in_use_count(), 0u);
}

#if !defined(ODRADEK_FIBER_ASAN)
int Recurse(volatile char* above, int depth) {
  volatile char frame[4096];
  frame[0] = above[0];
  return depth == 0 ? frame[0] : Recurse(frame, depth - 1) + frame[0];
}

TEST(FiberDeathTest, StackOverflowFaultsInsteadOfReachingANeighbour) {
  EXPECT_DEATH(
      {
        StackPool stacks;
        ManualExecutor executor;
        Scheduler scheduler(executor, stacks);
        scheduler.Spawn("deep", [](Fiber&) {
          volatile char start[1] = {1};
          Recurse(start, 1000000);
        });
        executor.RunAll(scheduler);
      },
      "");
}
#endif

}  // namespace
}  // namespace odradek::fiber
