#include "sim/cluster/cluster.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/cluster/observation_text.h"
#include "tests/sim/cluster/programs.h"

namespace odradek::sim {
namespace {

class LifeLog final : public ClusterObserver {
 public:
  void OnLife(const LifeEvent& event) override {
    said += (said.empty() ? "" : ", ") + std::to_string(event.node.value()) + " " + std::string(ToString(event.kind));
    if (!event.reason.empty()) said += " (" + event.reason + ")";
  }
  void OnObservation(NodeIndex, ShardId, const env::Observation& observation) override {
    observed.push_back(FormatObservation(observation));
  }
  std::string said;
  std::vector<std::string> observed;
};

struct EchoCluster {
  explicit EchoCluster(uint64_t seed) : cluster({.kernel = {.seed = seed}}) {
    cluster.AddNode({.name = "n1"}, RunMain(EchoServer));
    cluster.AddNode({.name = "c1", .role = "client"}, RunMain(EchoClient(answers)));
    cluster.BootAll();
  }
  int64_t answers = 0;
  Cluster cluster;
};

TEST(Cluster, ClientsTalkToServers) {
  EchoCluster echo(1);
  echo.cluster.RunFor(Duration::Seconds(1));
  EXPECT_GT(echo.answers, 100);
}

TEST(Cluster, CrashAndRestartGoOnAndLeaveNothing) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    EchoCluster echo(seed);
    Node& server = *echo.cluster.FindNode("n1");
    for (int round = 0; round < 6; ++round) {
      echo.cluster.RunFor(Duration::Millis(300 + 7 * static_cast<int64_t>(seed)));
      if (round % 2 == 0) {
        server.Crash();
      } else {
        server.PowerLoss();
      }
      EXPECT_EQ(echo.cluster.network().held_count(server.index()), 0u);
      server.BootAfter(Duration::Millis(50));
    }
    const int64_t before = echo.answers;
    echo.cluster.RunFor(Duration::Seconds(60));
    EXPECT_GT(echo.answers, before + 100) << seed;
    EXPECT_EQ(server.incarnation(), 7u);
  }
}

TEST(Cluster, SameSeedSameHashWithDeaths) {
  const auto run = [](uint64_t seed) {
    EchoCluster echo(seed);
    Node& server = *echo.cluster.FindNode("n1");
    echo.cluster.kernel().At(MonoTime::FromNanos(100'000'000), [&] {
      server.PowerLoss();
      server.BootAfter(Duration::Millis(10));
    });
    echo.cluster.RunFor(Duration::Seconds(2));
    return echo.cluster.kernel().hash();
  };
  EXPECT_EQ(run(0), run(0));
  EXPECT_EQ(run(3), run(3));
  EXPECT_NE(run(3), run(4));
}

TEST(Cluster, FatalIsADeathOfTheNodeAndASupervisorRestartsIt) {
  Cluster cluster({});
  LifeLog log;
  cluster.SetObserver(&log);
  int boots = 0;
  cluster.AddNode({.name = "n1", .restart_after_fatal = Duration::Seconds(1)},
                  RunMain([&](fiber::Fiber& self, env::Env& env) {
                    fiber::SleepFor(self, Duration::Millis(5));
                    if (++boots == 1) env.process.Fatal(self, "broken");
                  }));
  cluster.BootAll();
  cluster.RunFor(Duration::Seconds(5));
  EXPECT_EQ(boots, 2);
  EXPECT_EQ(log.said, "0 booted, 0 ended itself (broken), 0 booted");
}

TEST(Cluster, PauseFreezesTheProcessWhileItsClockGoesOn) {
  Cluster cluster({});
  std::vector<int64_t> gaps_millis;
  Node& node = cluster.AddNode({.name = "n1"}, RunMain([&](fiber::Fiber& self, env::Env& env) {
                                 while (true) {
                                   const MonoTime before = env.clock.Now();
                                   fiber::SleepFor(self, Duration::Millis(10));
                                   gaps_millis.push_back((env.clock.Now() - before).millis());
                                 }
                               }));
  node.Boot();
  cluster.RunFor(Duration::Millis(55));
  node.Pause();
  const size_t before = gaps_millis.size();
  cluster.RunFor(Duration::Seconds(1));
  EXPECT_EQ(gaps_millis.size(), before);
  node.Resume();
  cluster.RunFor(Duration::Millis(50));
  ASSERT_GT(gaps_millis.size(), before);
  EXPECT_GE(gaps_millis[before], 1000);
}

TEST(Cluster, ShutDownWaitsForTheProgramAndKillsItWhenPatienceEnds) {
  class Polite final : public ProgramInstance {
   public:
    explicit Polite(env::Env& env) {
      env.scheduler.Spawn("main", [this](fiber::Fiber& self) { stop_.Wait(self); });
    }
    void RequestShutdown() override { stop_.Set(); }

   private:
    struct Flag {
      fiber::WaitQueue queue;
      bool is_set = false;
      void Wait(fiber::Fiber& self) {
        while (!is_set) queue.Wait(self);
      }
      void Set() {
        is_set = true;
        queue.WakeAll();
      }
    } stop_;
  };
  Cluster cluster({});
  LifeLog log;
  cluster.SetObserver(&log);
  Node& polite = cluster.AddNode(
      {.name = "n1"}, [](std::span<env::Env* const> shards) { return std::make_unique<Polite>(*shards[0]); });
  Node& stubborn = cluster.AddNode({.name = "n2"}, RunMain(EchoServer));
  cluster.BootAll();
  cluster.RunFor(Duration::Millis(10));
  polite.ShutDown({.patience = Duration::Seconds(1)});
  stubborn.ShutDown({.patience = Duration::Seconds(1), .restart_after = Duration::Millis(10)});
  cluster.RunFor(Duration::Seconds(2));
  EXPECT_EQ(log.said, "0 booted, 1 booted, 0 exited, 1 crashed (did not shut down in time), 1 booted");
}

TEST(Cluster, MonotonicClocksStartAnewOnlyWithTheMachine) {
  Cluster cluster({.kernel = {.seed = 8}});
  std::vector<MonoTime> starts;
  Node& node =
      cluster.AddNode({.name = "n1"}, RunMain([&](fiber::Fiber& self, env::Env&) { starts.push_back(self.Now()); }));
  node.Boot();
  cluster.RunFor(Duration::Seconds(1));
  node.Crash();
  node.Boot();
  cluster.RunFor(Duration::Seconds(1));
  node.PowerLoss();
  node.Boot();
  cluster.RunFor(Duration::Seconds(1));
  ASSERT_EQ(starts.size(), 3u);
  EXPECT_LT((starts[1] - starts[0]).millis(), 1100);
  EXPECT_GE((starts[1] - starts[0]).millis(), 1000);
  EXPECT_TRUE(starts[2] < starts[1] || (starts[2] - starts[1]).millis() > 1100);
}

TEST(Cluster, ObservationsReachTheObserverAndTheTrace) {
  Cluster cluster({});
  LifeLog log;
  TraceRing ring(100);
  cluster.SetObserver(&log);
  cluster.kernel().SetTrace(&ring);
  cluster.AddNode({.name = "n1"}, RunMain([&](fiber::Fiber&, env::Env& env) {
                    const env::PartitionName partition{"orders", PartitionIndex(3)};
                    env.observer.On(env::LogFlushed{partition, Offset(7)});
                  }));
  cluster.BootAll();
  cluster.RunFor(Duration::Seconds(1));
  EXPECT_EQ(log.observed, std::vector<std::string>{"log flushed orders-3 durable_end=7"});
  bool is_traced = false;
  for (const TraceEntry& entry : ring.entries()) is_traced |= entry.text == log.observed[0];
  EXPECT_TRUE(is_traced);
}

TEST(Cluster, ShardsOfANodeShareItsDeath) {
  Cluster cluster({.kernel = {.seed = 2}});
  int64_t hops = 0;
  class Hopping final : public ProgramInstance {
   public:
    Hopping(std::span<env::Env* const> shards, int64_t& hops) : hops_(hops) { Hop(*shards[0], *shards[1]); }

   private:
    void Hop(env::Env& from, env::Env& to) {
      from.shards.Post(to.shards.self(), [this, &from, &to] {
        ++hops_;
        Hop(to, from);
      });
    }
    int64_t& hops_;
  };
  Node& node = cluster.AddNode({.name = "n1", .shard_count = 2}, [&](std::span<env::Env* const> shards) {
    return std::make_unique<Hopping>(shards, hops);
  });
  node.Boot();
  cluster.RunFor(Duration::Millis(10));
  EXPECT_GT(hops, 100);
  node.Crash();
  const int64_t before = hops;
  EXPECT_EQ(cluster.kernel().Run({}), RunOutcome::kIdle);
  EXPECT_EQ(hops, before);
}

}  // namespace
}  // namespace odradek::sim
