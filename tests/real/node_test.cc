#include "engine/real/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/real/logging_observer.h"
#include "tests/real/real_world.h"

namespace odradek::real {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RealNode, SleepsAtLeastAsLongAsAsked) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    const MonoTime began = self.Now();
    fiber::SleepFor(self, Duration::Micros(2500));
    const int64_t slept_micros = (self.Now() - began).micros();
    EXPECT_GE(slept_micros, 2500);
    EXPECT_LT(slept_micros, 500000);
  });
}

TEST(RealNode, TimersFireInTheOrderOfTheirInstants) {
  RealWorld world;
  std::vector<int> order;
  world.Run([&](fiber::Fiber& self) {
    fiber::TaskGroup group(self);
    for (const int millis : {9, 3, 6}) {
      group.Spawn("sleeper", [&order, millis](fiber::Fiber& sleeper) {
        fiber::SleepFor(sleeper, Duration::Millis(millis));
        order.push_back(millis);
      });
    }
    group.Join(self);
  });
  EXPECT_THAT(order, ElementsAre(3, 6, 9));
}

TEST(RealNode, TheClockStandsStillWithinARound) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    const MonoTime mono = world.env().clock.Now();
    const WallTime wall = world.env().clock.WallNow();
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    EXPECT_EQ(world.env().clock.Now(), mono);
    EXPECT_GE((world.env().clock.Instant() - mono).millis(), 3);
    EXPECT_EQ(world.env().clock.WallNow(), wall);
    fiber::Yield(self);
    EXPECT_GE((world.env().clock.Now() - mono).millis(), 3);
    EXPECT_GE((world.env().clock.WallNow() - wall).millis(), 2);
    EXPECT_GT(wall.unix_millis(), int64_t{1700000000000});
  });
}

TEST(RealNode, AFiberThatIsAlwaysReadyDoesNotStarveTheSockets) {
  RealWorld world;
  bool stop = false;
  world.env().scheduler.Spawn("ping", [&](fiber::Fiber& self) {
    fiber::WaitQueue queue;
    fiber::TaskGroup group(self);
    // Two fibers that wake each other without end, in one round.
    for (const char* name : {"a", "b"}) {
      group.Spawn(name, [&](fiber::Fiber& child) {
        while (!stop) {
          queue.WakeAll();
          queue.Wait(child);
        }
        queue.WakeAll();
      });
    }
    group.Join(self);
  });
  world.Run([&](fiber::Fiber& self) {
    fiber::SleepFor(self, Duration::Millis(5));
    stop = true;
    fiber::Yield(self);
    fiber::Yield(self);
  });
  EXPECT_GT(world.node().counters().rounds_cut_short, 0u);
}

class CountedTask final : public env::RoundTask {
 public:
  CountedTask(env::Rounds& rounds, int again_count) : rounds_(rounds), again_count_(again_count) {}
  void OnRoundEnd() override {
    ++count_;
    if (again_count_-- > 0) rounds_.AtRoundEnd(*this);
  }
  int count() const { return count_; }

 private:
  env::Rounds& rounds_;
  int again_count_;
  int count_ = 0;
};

TEST(RealNode, RoundTasksRunAfterTheFibersOfTheRoundOncePerRound) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    CountedTask task(world.env().rounds, 2);
    world.env().rounds.AtRoundEnd(task);
    EXPECT_EQ(task.count(), 0);
    fiber::Yield(self);
    EXPECT_EQ(task.count(), 1);
    fiber::Yield(self);
    EXPECT_EQ(task.count(), 2);
    fiber::SleepFor(self, Duration::Millis(2));
    EXPECT_EQ(task.count(), 3);
  });
}

TEST(RealNode, OffloadRunsOnAnotherThreadWhileFibersGoOn) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    const std::thread::id shard_thread = std::this_thread::get_id();
    std::thread::id work_thread;
    int ticks = 0;
    fiber::TaskGroup group(self);
    group.Spawn("ticks", [&](fiber::Fiber& ticker) {
      for (; ticks < 5; ++ticks) fiber::SleepFor(ticker, Duration::Millis(1));
    });
    world.env().offload.Run(self, [&] {
      work_thread = std::this_thread::get_id();
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    });
    EXPECT_EQ(ticks, 5);
    EXPECT_NE(work_thread, shard_thread);
    group.Join(self);
  });
}

TEST(RealNode, ACancelledFibersOffloadHasEndedBeforeItUnwinds) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    std::atomic<bool> running = false;
    fiber::TaskGroup group(self);
    bool was_running_at_unwind = true;
    group.Spawn("worker", [&](fiber::Fiber& worker) {
      try {
        world.env().offload.Run(worker, [&] {
          running = true;
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          running = false;
        });
      } catch (const fiber::Killed&) {
        was_running_at_unwind = running;
        throw;
      }
    });
    while (!running) fiber::SleepFor(self, Duration::Millis(1));
    group.Cancel();
    group.Join(self);
    EXPECT_FALSE(was_running_at_unwind);
  });
}

TEST(RealNode, WorkThatHasNotBegunIsDroppedWithItsFiber) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    std::atomic<bool> started = false;
    std::atomic<bool> second_ran = false;
    fiber::TaskGroup group(self);
    group.Spawn("first", [&](fiber::Fiber& first) {
      world.env().offload.Run(first, [&] {
        started = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      });
    });
    while (!started) fiber::SleepFor(self, Duration::Millis(1));
    fiber::TaskGroup second_group(self);
    second_group.Spawn("second",
                       [&](fiber::Fiber& second) { world.env().offload.Run(second, [&] { second_ran = true; }); });
    fiber::SleepFor(self, Duration::Millis(1));
    second_group.Cancel();
    second_group.Join(self);
    group.Join(self);
    fiber::SleepFor(self, Duration::Millis(5));
    EXPECT_FALSE(second_ran);
  });
}

TEST(RealNode, EntropyDiffers) {
  RealWorld world;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(world.env().entropy.Next64());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(RealNode, MessagesBetweenShardsKeepTheirOrder) {
  RealNode::Options options;
  options.shard_count = 2;
  RealWorld world(std::move(options));
  std::vector<int> received;
  constexpr int kMessages = 1000;
  env::Env& second = world.node().env(ShardId(1));
  EXPECT_EQ(second.shards.self(), ShardId(1));
  EXPECT_EQ(second.shards.count(), 2);
  world.env().scheduler.Spawn("sender", [&](fiber::Fiber& self) {
    for (int i = 0; i < kMessages; ++i) {
      world.env().shards.Post(ShardId(1), [&, i] {
        received.push_back(i);
        if (i + 1 == kMessages) second.shards.Post(ShardId(0), [&] { world.node().Stop(); });
      });
      if (i % 100 == 0) fiber::Yield(self);
    }
  });
  world.node().Run();
  ASSERT_EQ(received.size(), static_cast<size_t>(kMessages));
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
}

TEST(RealNode, StopFromAnotherThreadEndsRun) {
  RealWorld world;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    world.node().Stop();
  });
  world.node().Run();
  other.join();
}

TEST(RealNode, WatchedSignalsReachTheCallback) {
  RealWorld world;
  std::vector<int> got;
  world.node().WatchSignals({SIGTERM, SIGINT}, [&](int number) {
    got.push_back(number);
    if (got.size() == 2) world.node().Stop();
  });
  world.env().scheduler.Spawn("killer", [](fiber::Fiber& self) {
    kill(getpid(), SIGTERM);
    fiber::SleepFor(self, Duration::Millis(1));
    kill(getpid(), SIGINT);
  });
  world.node().Run();
  EXPECT_THAT(got, ElementsAre(SIGTERM, SIGINT));
}

TEST(RealNode, TheObserverCounts) {
  RealWorld world;
  world.env().observer.On(env::NodeStarted{});
  world.env().observer.On(env::LogAppended{.size_bytes = 70});
  world.env().observer.On(env::LogAppended{.size_bytes = 30});
  EXPECT_EQ(world.node().counts().Count<env::LogAppended>(), 2u);
  EXPECT_EQ(world.node().counts().Count<env::NodeStarted>(), 1u);
  EXPECT_EQ(world.node().counts().Count<env::TopicCreated>(), 0u);
  EXPECT_EQ(world.node().counts().appended_bytes(), 100);
}

TEST(RealNode, RoundsAreMeasured) {
  RealWorld world;
  world.Run([](fiber::Fiber& self) {
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
    fiber::Yield(self);
  });
  EXPECT_GE(world.node().counters().longest_round_nanos, 4000000);
  const auto& rounds = world.node().counters().round_micros_log2;
  EXPECT_GE(std::accumulate(rounds.begin() + 12, rounds.end(), uint64_t{0}), 1u);  // 2^12 us and above
}

TEST(RealNodeDeathTest, FatalLogsTheReasonAndExitsWithItsStatus) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        RealNode node;
        node.env().scheduler.Spawn(
            "test", [&](fiber::Fiber& self) { node.env().process.Fatal(self, "the log directory is gone"); });
        node.Run();
      },
      testing::ExitedWithCode(kFatalExitStatus), "the log directory is gone");
}

std::string LogText(LogFormat format, absl::AnyInvocable<void(RealLog&)> write,
                    env::LogLevel level_min = env::LogLevel::kInfo) {
  char* text = nullptr;
  size_t size_bytes = 0;
  std::FILE* file = open_memstream(&text, &size_bytes);
  {
    RealLog log({.level_min = level_min, .format = format, .file = file});
    write(log);
  }
  std::fclose(file);
  std::string result(text, size_bytes);
  std::free(text);
  return result;
}

TEST(RealLog, WritesKeysAndValuesAndQuotesWhatNeedsIt) {
  const std::string text = LogText(LogFormat::kKeyValue, [](env::Log& log) {
    log.Write(env::LogLevel::kDebug, "storage", "not shown", {});
    log.Write(env::LogLevel::kInfo, "storage", "rolled", {{"topic", "a b\n\"c\""}, {"offset", "17"}});
  });
  EXPECT_THAT(text, HasSubstr(R"( level=info component=storage message=rolled topic="a b\n\"c\"" offset=17)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

// The lines without their times.
std::vector<std::string> LinesOf(env::LogLevel level_min) {
  const std::string text = LogText(
      LogFormat::kKeyValue,
      [](RealLog& log) {
        LoggingObserver observer(log);
        const env::PartitionName t0{"t", PartitionIndex(0)};
        observer.On(env::LogAppended{.partition = t0});
        observer.On(env::ProduceAnswered{.partition = t0});
        observer.On(env::LogRolled{t0, Offset(7)});
        observer.On(env::TopicCreated{"t", TopicId{}, 3});
        env::LogRecovered recovered{
            .partition = t0, .log_end_offset = Offset(9), .bytes_read = 70, .bytes_truncated = 5};
        recovered.previous_shutdown = env::ShutdownKind::kClean;
        observer.On(recovered);
        recovered.previous_shutdown = env::ShutdownKind::kUnclean;
        observer.On(recovered);
        EXPECT_EQ(observer.counts().Count<env::LogRecovered>(), 2u);
        EXPECT_EQ(observer.counts().Count<env::ProduceAnswered>(), 1u);
      },
      level_min);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const size_t from = text.find("level=", at);
    lines.push_back(text.substr(from, text.find('\n', at) - from));
  }
  return lines;
}

TEST(LoggingObserver, SaysAtInfoWhatAnOperatorWantsToKnowAndAtDebugAllButRequests) {
  const std::string created = "level=info component=engine message=\"topic created\" topic=t partition_count=3";
  const std::string recovered =
      " component=engine message=\"log recovered\" topic=t partition=0 log_start_offset=0 log_end_offset=9 "
      "recovery_point=0 bytes_read=70 bytes_truncated=5 was_clean=";
  EXPECT_THAT(
      LinesOf(env::LogLevel::kDebug),
      testing::ElementsAre("level=debug component=engine message=\"log rolled\" topic=t partition=0 base_offset=7",
                           created, "level=debug" + recovered + "1", "level=info" + recovered + "0"));
  EXPECT_THAT(LinesOf(env::LogLevel::kInfo), testing::ElementsAre(created, "level=info" + recovered + "0"));
  EXPECT_THAT(LinesOf(env::LogLevel::kWarning), testing::IsEmpty());
}

TEST(RealLog, WritesOneJsonObjectPerLine) {
  const std::string text = LogText(LogFormat::kJson, [](env::Log& log) {
    log.Write(env::LogLevel::kWarning, "net", "bad frame", {{"peer", "\x01\\"}});
  });
  EXPECT_THAT(text, testing::MatchesRegex(R"(\{"time":"20[^"]*Z","level":"warning","component":"net",)"
                                          R"("message":"bad frame","peer":"\\u0001\\\\"\}.)"));
}

}  // namespace
}  // namespace odradek::real
