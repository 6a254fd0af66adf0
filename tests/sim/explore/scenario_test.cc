#include "sim/explore/scenario.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "engine/base/absl_compat.h"
#include "sim/explore/setup.h"

namespace odradek::explore {
namespace {

constexpr std::string_view kGood = R"(name: "good"
topology { brokers: 1 }
topic { name: "t" partitions: 2 }
phases { faulty_ms: 1000 liveness_ms: 1000 }
)";

std::string ErrorOf(const std::string& text) {
  return std::string(base::SV(ParseScenario(text, "f.txtpb").status().message()));
}

TEST(Scenario, ParsesWhatIsWellFormed) {
  const auto scenario = ParseScenario(kGood, "f.txtpb");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->name(), "good");
}

TEST(Scenario, UnknownFieldsAreErrorsWithTheirPlace) {
  const std::string error = ErrorOf(std::string(kGood) + "producers {\n  cuont: 3\n}\n");
  EXPECT_NE(error.find("f.txtpb:6:8"), std::string::npos) << error;
  EXPECT_NE(error.find("cuont"), std::string::npos) << error;
}

TEST(Scenario, ValuesThatMakeNoSenseAreNamedWithTheirPlace) {
  const std::string error = ErrorOf(std::string(kGood) + "producers {\n  count: 1\n  acks: [1, 7]\n}\n");
  EXPECT_NE(error.find("f.txtpb:7:3: acks: 7 is not within -1 and 1"), std::string::npos) << error;
}

TEST(Scenario, SettingsThatTheBrokerWouldRefuseAreErrors) {
  const std::string unknown =
      ErrorOf(std::string(kGood) + "topic { name: \"u\" partitions: 1 config { name: \"no.such\" value: \"1\" } }");
  EXPECT_NE(unknown.find("f.txtpb:5:42: name: there is no property \"no.such\""), std::string::npos) << unknown;
  const std::string bad =
      ErrorOf(std::string(kGood) + "topic { name: \"u\" partitions: 1 config { name: \"segment.ms\" value: \"x\" } }");
  EXPECT_NE(bad.find("segment.ms"), std::string::npos) << bad;
  EXPECT_NE(bad.find("f.txtpb:5:"), std::string::npos) << bad;
}

TEST(Scenario, RangesAndPropertiesAreChecked) {
  EXPECT_NE(ErrorOf(std::string(kGood) + "consumers { pause_ms { low: 5 high: 3 } }").find("low 5 is above high 3"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "property: \"H99\"").find("there is no property \"H99\""), std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "fault { role: \"broker\" }").find("kind: is missing"), std::string::npos);
}

TEST(Scenario, OrdersAreCheckedAndDrawn) {
  EXPECT_NE(ErrorOf(std::string(kGood) + "order { strategy: \"lifo\" }").find("there is no strategy \"lifo\""),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "order { depth: 0 }").find("depth: 0 is not within 1 and 10"),
            std::string::npos);
  const auto fixed = ParseScenario(
      std::string(kGood) + "order { strategy: \"pct\" depth: 3 steps: [50, 70] window_us: 900 }", "f.txtpb");
  ASSERT_TRUE(fixed.ok()) << fixed.status();
  const auto any = ParseScenario(kGood, "f.txtpb");
  ASSERT_TRUE(any.ok());
  std::map<sim::Strategy, int> drawn;
  std::set<uint32_t> steps;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const auto setup = DrawSetup(*fixed, seed);
    ASSERT_TRUE(setup.ok());
    EXPECT_EQ(setup->strategy, sim::Strategy::kPct);
    EXPECT_EQ(setup->pct.depth, 3u);
    EXPECT_EQ(setup->pct.window, Duration::Micros(900));
    steps.insert(setup->pct.steps);
    ++drawn[DrawSetup(*any, seed)->strategy];
  }
  EXPECT_EQ(steps, (std::set<uint32_t>{50, 70}));
  EXPECT_NE(DescribeSetup(*DrawSetup(*fixed, 1)).find("pct order of depth 3"), std::string::npos);
  EXPECT_GT(drawn[sim::Strategy::kFifo], 70);
  EXPECT_GT(drawn[sim::Strategy::kPct], 70);
  EXPECT_GT(drawn[sim::Strategy::kRandom], 150);
}

TEST(Scenario, SubsetsDirectoriesAndSkippedPropertiesAreChecked) {
  EXPECT_NE(ErrorOf(std::string(kGood) + "fault_subset_ppm: 1000001").find("1000001 is not within 0 and 1000000"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "skipped_property: \"H99\"").find("there is no property \"H99\""),
            std::string::npos);
  const auto replaced = [](std::string text) {
    return text.replace(text.find("brokers: 1"), 10, "brokers: 1 log_directories: [1, 9]");
  };
  EXPECT_NE(ErrorOf(replaced(std::string(kGood))).find("log_directories: 9 is not within 1 and 8"), std::string::npos);
}

std::string ErrorOfTopology(const std::string& topology) {
  std::string text(kGood);
  return ErrorOf(text.replace(text.find("brokers: 1"), 10, topology));
}

TEST(Scenario, ClustersAreChecked) {
  EXPECT_NE(ErrorOfTopology("brokers: [3, 8]").find("brokers: 8 is not within 1 and 7"), std::string::npos);
  EXPECT_NE(ErrorOfTopology("brokers: 3 controller_roles: \"king\"").find("controller_roles: \"king\" is neither"),
            std::string::npos);
  EXPECT_NE(ErrorOfTopology("brokers: 5 controllers: 3 controller_roles: \"controller\"").find("more than 7 nodes"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "fault { kind: CRASH role: \"controller\" }").find("no node has the role"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "fault { kind: CRASH role: \"broker\" target: LEADER }")
                .find("role: the target says who"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(kGood) + "fault { kind: ROLLING_RESTART }").find("role: is missing: of which nodes?"),
            std::string::npos);
  std::string strangers(kGood);
  strangers.replace(strangers.find("brokers: 1"), 10, "brokers: 3");
  EXPECT_NE(ErrorOf(strangers + "strangers { count: 1 }").find("strangers know no clusters"), std::string::npos);
}

TEST(Scenario, ClustersHaveNodesOfEveryShape) {
  std::string text(kGood);
  text.replace(text.find("brokers: 1"), 10,
               "brokers: [1, 3, 4] controllers: [1, 3] controller_roles: [\"broker,controller\", \"controller\"]");
  text += "producers { count: 1 }";
  const auto scenario = ParseScenario(text, "f.txtpb");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  std::set<size_t> server_counts;
  std::set<size_t> bootstrap_counts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto setup = DrawSetup(*scenario, seed);
    ASSERT_TRUE(setup.ok()) << setup.status();
    server_counts.insert(setup->servers.size());
    bootstrap_counts.insert(setup->producers[0].config.common.bootstrap_servers.size());
    std::set<NodeId> ids;
    size_t voters = 0;
    for (const ServerSetup& server : setup->servers) {
      ids.insert(server.node.config.node_id);
      voters += server.votes() ? 1 : 0;
      EXPECT_EQ(server.node.cluster_id, setup->servers[0].node.cluster_id);
      if (setup->servers.size() == 1) continue;
      EXPECT_NE(server.node.config.advertised_listeners.empty(), server.is_broker());
      EXPECT_FALSE(server.is_broker() && server.client_address().host == server.name);
    }
    EXPECT_EQ(ids.size(), setup->servers.size());
    EXPECT_GE(voters, 1u);
    if (setup->servers.size() == 1) continue;
    for (const ServerSetup& server : setup->servers) {
      // Who is broker and controller and votes alone needs no address of its own.
      const size_t named = server.node.config.quorum.voters.size();
      EXPECT_TRUE(named == voters || (named == 0 && voters == 1 && server.is_broker() && server.votes())) << named;
    }
  }
  EXPECT_EQ(server_counts, (std::set<size_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_GE(bootstrap_counts.size(), 3u);
}

TEST(Scenario, AnErrorOfTheTextItselfHasItsPlace) {
  EXPECT_EQ(ErrorOf("name: \"x").substr(0, 10), "f.txtpb:1:");
}

TEST(Scenario, ANameThatIsNoFileIsAnErrorThatSaysWhereItLooked) {
  const auto missing = LoadScenario("no_such_scenario");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(std::string(base::SV(missing.status().message())).find("no_such_scenario"), std::string::npos);
}

}  // namespace
}  // namespace odradek::explore
