#include "sim/nemesis/nemesis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sim/disk/sim_node_disk.h"
#include "sim/nemesis/generate.h"
#include "tests/sim/cluster/programs.h"

namespace odradek::sim {
namespace {

const Topology kTopology{.members = {{"n1", "broker"}, {"c1", "client"}, {"c2", "client"}}};

struct World {
  explicit World(uint64_t seed) : cluster({.kernel = {.seed = seed}}) {
    cluster.AddNode({.name = "n1"}, RunMain(EchoServer));
    cluster.AddNode({.name = "c1", .role = "client"}, RunMain(EchoClient(answers)));
    cluster.AddNode({.name = "c2", .role = "client"}, RunMain(EchoClient(answers)));
    cluster.BootAll();
  }
  int64_t answers = 0;
  Cluster cluster;
};

plan::Plan Parsed(std::string_view text) {
  absl::StatusOr<plan::Plan> plan = ParsePlan(text, "test", kTopology);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return plan.ok() ? *plan : plan::Plan();
}

std::string Said(const Nemesis& nemesis) {
  std::string text;
  for (const Strike& strike : nemesis.strikes()) {
    text += std::to_string(strike.event_id) + " " + strike.target + " " + std::string(ToString(strike.result)) + "; ";
  }
  return text;
}

TEST(Nemesis, CarriesOutEventsAtTheirTimes) {
  World world(1);
  Nemesis nemesis(world.cluster, Parsed(R"(
    event { id: 1 trigger { at_ns: 1000000000 } target { node: "n1" } action { crash { restart_after_ns: 500000000 } } }
    event { id: 2 trigger { at_ns: 1200000000 } target { node: "n1" } action { pause {} } }
    event { id: 3 trigger { at_ns: 2000000000 } target { any_of_role: "broker" } action { pause {} } })"),
                  nullptr);
  nemesis.Start();
  Node& server = *world.cluster.FindNode("n1");
  world.cluster.RunFor(Duration::Millis(1100));
  EXPECT_FALSE(server.is_up());
  world.cluster.RunFor(Duration::Millis(500));
  EXPECT_EQ(server.state(), Node::State::kRunning);
  world.cluster.RunFor(Duration::Millis(500));
  EXPECT_EQ(server.state(), Node::State::kPaused);
  EXPECT_EQ(Said(nemesis), "1 n1 done; 2  no target; 3 n1 done; ");
  EXPECT_EQ(nemesis.triggered_count(), 3u);
  nemesis.Heal();
  EXPECT_EQ(server.state(), Node::State::kRunning);
}

TEST(Nemesis, StrikesAtTheNthHitOfAProbe) {
  World world(2);
  Nemesis nemesis(world.cluster, Parsed(R"(
    event { id: 1 trigger { probe { name: "echo.read" count: 40 } } target { triggering {} }
            action { power_loss { restart_after_ns: 1000000 } } })"),
                  nullptr);
  nemesis.Start();
  world.cluster.RunFor(Duration::Seconds(10));
  EXPECT_EQ(Said(nemesis), "1 n1 done; ");
  EXPECT_EQ(world.cluster.FindNode("n1")->incarnation(), 2u);
  EXPECT_GT(world.answers, 100);
}

TEST(Nemesis, PartitionsEndAndOverlapAsLongAsTheLongest) {
  World world(3);
  Nemesis nemesis(world.cluster, Parsed(R"(
    event { id: 1 trigger { at_ns: 1000000000 } target { node: "n1" } action { cut { duration_ns: 2000000000 } } }
    event { id: 2 trigger { at_ns: 1500000000 } target { node: "n1" }
            action { cut { peer { node: "c1" } duration_ns: 4000000000 } } }
    event { id: 3 trigger { at_ns: 1500000000 } target { node: "c2" }
            action { cut { peer { node: "n1" } way: FROM_TARGET duration_ns: 4000000000 } } })"),
                  nullptr);
  nemesis.Start();
  world.cluster.RunFor(Duration::Millis(1100));
  const int64_t before = world.answers;
  world.cluster.RunFor(Duration::Millis(4300));
  EXPECT_LE(world.answers, before);
  world.cluster.RunFor(Duration::Seconds(8));
  EXPECT_GT(world.answers, before + 500);
}

TEST(Nemesis, SparesWhatTheClusterWouldNotSurvive) {
  class OnlyClients final : public Survivability {
   public:
    bool Allows(Cluster&, const Node& target, const plan::Action& action) override {
      return !action.has_crash() || target.role() == "client";
    }
  };
  World world(4);
  OnlyClients survivability;
  Nemesis nemesis(world.cluster, Parsed(R"(
    event { id: 1 trigger { at_ns: 1000 } target { all {} } action { crash {} } })"),
                  &survivability);
  nemesis.Start();
  world.cluster.RunFor(Duration::Millis(1));
  EXPECT_EQ(Said(nemesis), "1 n1 spared; 1 c1 done; 1 c2 done; ");
}

TEST(Nemesis, ClocksStepAndDrift) {
  World world(5);
  Nemesis nemesis(world.cluster, Parsed(R"(
    event { id: 1 trigger { at_ns: 0 } target { node: "n1" } action { clock_step { wall_ns: -5000000000 } } }
    event { id: 2 trigger { at_ns: 0 } target { node: "n1" } action { clock_drift { ppm: 50000 } } })"),
                  nullptr);
  nemesis.Start();
  Node& server = *world.cluster.FindNode("n1");
  world.cluster.RunFor(Duration::Seconds(10));
  const Duration wall = server.clock().Wall(world.cluster.kernel().Now()) - kWallTimeAtStart;
  EXPECT_EQ(wall.millis(), 10'500 - 5'000);
  nemesis.Heal();
  EXPECT_EQ(server.clock().drift().ppm, 0);
}

// A node that appends a word to a file and syncs it, again and again.
struct DiskWorld {
  explicit DiskWorld(uint64_t seed) : cluster({.kernel = {.seed = seed}}) {
    NodeOptions options{.name = "n1"};
    options.disk = [](Kernel& kernel, NodeIndex node) {
      return std::make_unique<SimNodeDisk>(kernel, node, DiskOptions{});
    };
    cluster.AddNode(std::move(options), RunMain([this](fiber::Fiber& self, env::Env& env) {
                      env::OpenResult opened = env.disk.Open(self, "/log", env::OpenMode::kCreate);
                      if (opened.error != env::DiskError::kNone) env.process.Fatal(self, ToString(opened.error));
                      const Bytes word = AsBytes("word");
                      for (int64_t at = 0;; at += 4) {
                        const env::IoResult written = opened.file->WriteAt(self, {&word, 1}, at);
                        (written.ok() ? writes : write_errors) += 1;
                        opened.file->Sync(self);
                        fiber::SleepFor(self, Duration::Millis(10));
                      }
                    }));
    cluster.BootAll();
  }
  int64_t writes = 0;
  int64_t write_errors = 0;
  Cluster cluster;
};
const Topology kOneNode{.members = {{"n1", "broker"}}};

TEST(Nemesis, StrikesAtTheNthDiskOperation) {
  DiskWorld world(1);
  const absl::StatusOr<plan::Plan> plan = ParsePlan(R"(
    event { id: 1 trigger { disk { kind: SYNC count: 20 path_part: "log" } } target { triggering {} }
            action { power_loss { restart_after_ns: 5000000 } } })",
                                                    "test", kOneNode);
  ASSERT_TRUE(plan.ok());
  Nemesis nemesis(world.cluster, *plan, nullptr);
  nemesis.Start();
  world.cluster.RunFor(Duration::Seconds(5));
  EXPECT_EQ(Said(nemesis), "1 n1 done; ");
  EXPECT_EQ(world.cluster.FindNode("n1")->incarnation(), 2u);
}

TEST(Nemesis, DiskFaultsBeginAndEnd) {
  DiskWorld world(2);
  const absl::StatusOr<plan::Plan> plan = ParsePlan(R"(
    event { id: 1 trigger { at_ns: 1000000000 } target { any {} }
            action { disk { kind: WRITE_ERROR duration_ns: 1000000000 } } })",
                                                    "test", kOneNode);
  ASSERT_TRUE(plan.ok());
  Nemesis nemesis(world.cluster, *plan, nullptr);
  nemesis.Start();
  world.cluster.RunFor(Duration::Millis(999));
  EXPECT_EQ(world.write_errors, 0);
  const int64_t before = world.writes;
  world.cluster.RunFor(Duration::Millis(990));
  EXPECT_GT(world.write_errors, 10);
  EXPECT_LE(world.writes, before + 1);
  world.cluster.RunFor(Duration::Seconds(1));
  EXPECT_GT(world.writes, before + 10);
}

const Topology kCluster{.members = {{"b1", "broker"}, {"b2", "broker"}, {"b3", "broker"}, {"c1", "client"}}};

// Three servers that do nothing, and who is what among them.
struct ClusterWorld final : Parts {
  explicit ClusterWorld(uint64_t seed) : cluster({.kernel = {.seed = seed}}) {
    const auto idle = RunMain([](fiber::Fiber& self, env::Env&) {
      while (true) fiber::SleepFor(self, Duration::Seconds(1));
    });
    for (const Topology::Member& member : kCluster.members) {
      cluster.AddNode({.name = member.name, .role = member.role}, idle);
    }
    cluster.BootAll();
  }
  std::vector<Node*> Named(const std::vector<std::string>& names) {
    std::vector<Node*> nodes;
    for (const std::string& name : names) nodes.push_back(cluster.FindNode(name));
    return nodes;
  }
  std::vector<Node*> Servers(Cluster&) override { return Named({"b1", "b2", "b3"}); }
  std::vector<Node*> Voters(Cluster&) override { return Named({"b1", "b2", "b3"}); }
  std::vector<Node*> ActiveController(Cluster&) override { return Named({"b2"}); }
  std::vector<Node*> Leaders(Cluster&, const plan::Partition& partition) override {
    return partition.topic().empty() ? Named({"b1", "b3"}) : Named({"b3"});
  }
  std::vector<Node*> Followers(Cluster&, const plan::Partition&) override { return {}; }
  std::string Run(std::string_view text, Parts* parts) {
    const absl::StatusOr<plan::Plan> plan = ParsePlan(text, "test", kCluster);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    Nemesis nemesis(cluster, *plan, nullptr, parts);
    nemesis.Start();
    cluster.RunFor(Duration::Seconds(1));
    return Said(nemesis);
  }
  bool IsCut(std::string_view from, std::string_view to) {
    return cluster.network().is_cut({cluster.FindNode(from)->index(), cluster.FindNode(to)->index()});
  }
  Cluster cluster;
};

TEST(Nemesis, StrikesByThePartThatANodePlays) {
  ClusterWorld world(6);
  EXPECT_EQ(world.Run(R"(
    event { id: 1 trigger { at_ns: 1 } target { active_controller {} } action { crash {} } }
    event { id: 2 trigger { at_ns: 2 } target { leader_of { topic: "t" index: 1 } } action { crash {} } }
    event { id: 3 trigger { at_ns: 3 } target { leader_of {} } action { crash {} } }
    event { id: 4 trigger { at_ns: 4 } target { follower_of {} } action { crash {} } })",
                      &world),
            "1 b2 done; 2 b3 done; 3 b1 done; 4  no target; ");
}

TEST(Nemesis, WithoutAClusterNobodyPlaysAPart) {
  ClusterWorld world(7);
  EXPECT_EQ(world.Run(R"(
    event { id: 1 trigger { at_ns: 1 } target { active_controller {} } action { crash {} } }
    event { id: 2 trigger { at_ns: 2 } target { majority {} } action { crash {} } })",
                      nullptr),
            "1  no target; 2  no target; ");
}

TEST(Nemesis, MinorityAndMajorityMakeUpTheVoters) {
  std::set<std::string> minorities;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    ClusterWorld world(seed);
    const std::string said = world.Run(R"(
      event { id: 1 trigger { at_ns: 1 } target { minority {} } action { crash {} } })",
                                       &world);
    minorities.insert(said);
  }
  EXPECT_EQ(minorities, (std::set<std::string>{"1 b1 done; ", "1 b2 done; ", "1 b3 done; "}));
  ClusterWorld world(8);
  const std::string said = world.Run(R"(
    event { id: 1 trigger { at_ns: 1 } target { majority {} } action { crash {} } })",
                                     &world);
  EXPECT_EQ(std::count(said.begin(), said.end(), ';'), 2) << said;
}

TEST(Nemesis, ThoseWhoAreCutOffTogetherStillReachEachOther) {
  ClusterWorld world(9);
  EXPECT_EQ(world
                .Run(R"(
    event { id: 1 trigger { at_ns: 1 } target { majority {} } action { cut { peer { rest {} } duration_ns: 0 } } })",
                     &world)
                .size(),
            std::string("1 b1 done; 1 b2 done; ").size());
  int cut_servers = 0;
  int cut_clients = 0;
  for (const char* from : {"b1", "b2", "b3"}) {
    for (const char* to : {"b1", "b2", "b3"}) cut_servers += from != to && world.IsCut(from, to) ? 1 : 0;
    cut_clients += world.IsCut(from, "c1") ? 1 : 0;
  }
  // The third one from both, in both ways.
  EXPECT_EQ(cut_servers, 4);
  EXPECT_EQ(cut_clients, 2);
}

TEST(Nemesis, EverythingWorksAgainAfterHeal) {
  std::vector<plan::FaultClass> classes;
  for (int kind = 1; kind <= plan::FaultClass::CLOCK_DRIFT; ++kind) {
    if (kind == plan::FaultClass::CORRUPT) continue;
    plan::FaultClass& fault = classes.emplace_back();
    fault.set_kind(static_cast<plan::FaultClass::Kind>(kind));
    fault.set_per_thousand_seconds(100);
  }
  const auto run = [&](uint64_t seed) {
    World world(seed);
    const plan::Plan plan = GeneratePlan({.seed = seed, .topology = kTopology, .classes = classes});
    Nemesis nemesis(world.cluster, plan, nullptr);
    nemesis.Start();
    world.cluster.RunFor(Duration::Seconds(30));
    nemesis.Heal();
    world.cluster.RunFor(Duration::Seconds(60));
    const int64_t before = world.answers;
    world.cluster.RunFor(Duration::Seconds(2));
    EXPECT_GT(world.answers, before + 100) << "seed " << seed << "\n" << PrintPlan(plan);
    EXPECT_FALSE(nemesis.strikes().empty());
    return world.cluster.kernel().hash();
  };
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const Hash128 hash = run(seed);
    if (seed % 4 == 0) {
      EXPECT_EQ(run(seed), hash);
    }
  }
}

}  // namespace
}  // namespace odradek::sim
