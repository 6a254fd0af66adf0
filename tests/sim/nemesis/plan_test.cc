#include "sim/nemesis/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "sim/nemesis/generate.h"

namespace odradek::sim {
namespace {

const Topology kPlanTopology{.members = {{"n1", "broker"}, {"n2", "broker"}, {"c1", "client"}}};

plan::FaultClass ClassOf(plan::FaultClass::Kind kind, uint32_t per_thousand_seconds) {
  plan::FaultClass fault;
  fault.set_kind(kind);
  fault.set_role("broker");
  fault.set_per_thousand_seconds(per_thousand_seconds);
  return fault;
}

// Every class there is.
std::vector<plan::FaultClass> AllClasses(uint32_t per_thousand_seconds) {
  std::vector<plan::FaultClass> classes;
  for (int kind = 1; kind <= plan::FaultClass::Kind_MAX; ++kind) {
    classes.push_back(ClassOf(static_cast<plan::FaultClass::Kind>(kind), per_thousand_seconds));
    classes.back().add_probe("storage.roll");
  }
  return classes;
}

std::string ErrorOf(std::string_view text) {
  return std::string(ParsePlan(text, "my.txtpb", kPlanTopology).status().message());
}

TEST(Plan, RoundTripsThroughItsText) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const plan::Plan plan = GeneratePlan(
        {.seed = seed, .topology = kPlanTopology, .length = Duration::Seconds(100), .classes = AllClasses(50)});
    EXPECT_GT(plan.event_size(), 20);
    const std::string text = PrintPlan(plan);
    const absl::StatusOr<plan::Plan> back = ParsePlan(text, "plan", kPlanTopology);
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(PrintPlan(*back), text);
    EXPECT_EQ(back->SerializeAsString(), plan.SerializeAsString());
  }
}

TEST(Plan, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(ErrorOf("seed: 1\nevnt { }"),
            "my.txtpb:2:6: Message type \"odradek.sim.plan.Plan\" has no field named \"evnt\".");
  EXPECT_EQ(ErrorOf("seed: 1\n\nevent { id: 7 }\n"), "my.txtpb:3:1: event 7: the trigger is missing");
}

TEST(Plan, RejectsWhatMakesNoSense) {
  const std::string at = "event { id: 1 trigger { at_ns: 5 } ";
  EXPECT_EQ(ErrorOf(at + "target { node: \"n9\" } action { crash {} } }"),
            "my.txtpb:1:1: event 1: there is no node \"n9\"");
  EXPECT_EQ(ErrorOf(at + "target { any_of_role: \"king\" } action { crash {} } }"),
            "my.txtpb:1:1: event 1: no node has the role \"king\"");
  EXPECT_EQ(ErrorOf(at + "target { any {} } }"), "my.txtpb:1:1: event 1: the action is missing");
  EXPECT_EQ(ErrorOf(at + "target { triggering {} } action { crash {} } }"),
            "my.txtpb:1:1: event 1: target \"triggering\" needs a trigger that is a probe or a disk operation");
  EXPECT_EQ(ErrorOf(at + "target { any {} } action { clock_drift { ppm: 2000000 } } }"),
            "my.txtpb:1:1: event 1: ppm is beyond ±100000");
  EXPECT_EQ(ErrorOf(at + "target { rest {} } action { crash {} } }"),
            "my.txtpb:1:1: event 1: this target stands only at the other end of a link");
  EXPECT_EQ(ErrorOf(at + "target { leader_of { index: -1 } } action { crash {} } }"),
            "my.txtpb:1:1: event 1: a partition is negative");
  const std::string good = at + "target { any {} } action { crash {} } }\n";
  EXPECT_EQ(ErrorOf(good + good), "my.txtpb:2:1: event id 1 is used twice");
  EXPECT_TRUE(ParsePlan(good, "f", kPlanTopology).ok());
}

TEST(GeneratePlan, SameSeedSamePlan) {
  const auto plan_of = [](uint64_t seed) {
    return PrintPlan(GeneratePlan({.seed = seed, .topology = kPlanTopology, .classes = AllClasses(200)}));
  };
  EXPECT_EQ(plan_of(0), plan_of(0));
  EXPECT_NE(plan_of(0), plan_of(1));
}

TEST(GeneratePlan, TakingAClassOutChangesNoOther) {
  PlanOptions options{.seed = 3, .topology = kPlanTopology, .length = Duration::Seconds(100)};
  options.classes = {ClassOf(plan::FaultClass::CRASH, 100), ClassOf(plan::FaultClass::STALL, 100)};
  std::map<uint32_t, std::string> with;
  const plan::Plan both = GeneratePlan(options);
  for (const plan::Event& event : both.event()) with[event.id()] = event.SerializeAsString();
  options.classes.pop_back();
  const plan::Plan without = GeneratePlan(options);
  EXPECT_GT(without.event_size(), 0);
  EXPECT_LT(static_cast<size_t>(without.event_size()), with.size());
  for (const plan::Event& event : without.event()) EXPECT_EQ(with[event.id()], event.SerializeAsString());
}

TEST(GeneratePlan, MeansFollowTheRates) {
  int64_t count = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    PlanOptions options{.seed = seed, .topology = kPlanTopology, .length = Duration::Seconds(30)};
    options.classes = {ClassOf(plan::FaultClass::CRASH, 50)};
    const plan::Plan plan = GeneratePlan(options);
    count += plan.event_size();
    int64_t before = 0;
    for (const plan::Event& event : plan.event()) {
      EXPECT_GE(event.trigger().at_ns(), before);
      EXPECT_LT(event.trigger().at_ns(), options.length.nanos());
      before = event.trigger().at_ns();
    }
  }
  EXPECT_GT(count, 300 * 1.2);
  EXPECT_LT(count, 300 * 1.8);
}

TEST(GeneratePlan, ARollRestartsEveryNodeOfTheRoleInTurn) {
  PlanOptions options{.seed = 4, .topology = kPlanTopology, .length = Duration::Seconds(1000)};
  options.classes = {ClassOf(plan::FaultClass::ROLLING_RESTART, 5)};
  const plan::Plan plan = GeneratePlan(options);
  std::vector<std::string> targets;
  for (const plan::Event& event : plan.event()) {
    EXPECT_TRUE(event.action().has_restart());
    targets.push_back(event.target().node());
  }
  EXPECT_GT(std::count(targets.begin(), targets.end(), "n1"), 1);
  EXPECT_GE(std::count(targets.begin(), targets.end(), "n1"), std::count(targets.begin(), targets.end(), "n2"));
  EXPECT_EQ(targets.front(), "n1");
}

TEST(GeneratePlan, ClassesWithTargetsAndPeersSayThemInTheirEvents) {
  PlanOptions options{.seed = 4, .topology = kPlanTopology, .length = Duration::Seconds(100)};
  options.classes = {ClassOf(plan::FaultClass::PARTITION, 100)};
  const plan::Plan by_role = GeneratePlan(options);
  options.classes.push_back(options.classes[0]);
  options.classes[1].clear_role();
  options.classes[1].set_target(plan::FaultClass::MINORITY);
  options.classes[1].add_peer(plan::FaultClass::REST);
  const plan::Plan both = GeneratePlan(options);
  int minority_count = 0;
  for (const plan::Event& event : both.event()) {
    if (!event.target().has_minority()) continue;
    ++minority_count;
    EXPECT_TRUE(event.action().cut().peer().has_rest());
  }
  EXPECT_GT(minority_count, 0);
  EXPECT_EQ(both.event_size(), by_role.event_size() + minority_count);
}

TEST(GeneratePlan, AnyClassStrikesAtThePlacesThatItNames) {
  PlanOptions options{.seed = 5, .topology = kPlanTopology, .length = Duration::Seconds(100)};
  options.classes = {ClassOf(plan::FaultClass::RESET_CONNECTIONS, 200)};
  plan::DiskOperation& place = *options.classes[0].add_disk();
  place.set_kind(plan::WRITE);
  place.set_path_part(".log");
  const plan::Plan plan = GeneratePlan(options);
  ASSERT_GT(plan.event_size(), 0);
  for (const plan::Event& event : plan.event()) {
    EXPECT_EQ(event.trigger().disk().kind(), plan::WRITE);
    EXPECT_EQ(event.trigger().disk().path_part(), ".log");
    EXPECT_GE(event.trigger().disk().count(), 1u);
    EXPECT_TRUE(event.target().has_triggering());
    EXPECT_TRUE(event.action().has_reset_connections());
  }
}

TEST(GeneratePlan, DiskFaultsAreAimedAtTheFilesThatTheClassNames) {
  PlanOptions options{.seed = 5, .topology = kPlanTopology, .length = Duration::Seconds(100)};
  options.classes = {ClassOf(plan::FaultClass::DISK_SYNC_ERROR, 300)};
  options.classes[0].add_path_part(".snapshot");
  options.classes[0].add_path_part("checkpoint");
  std::map<std::string, int> counts;
  int single_count = 0;
  const plan::Plan drawn = GeneratePlan(options);
  for (const plan::Event& event : drawn.event()) {
    ++counts[event.action().disk().path_part()];
    if (event.action().disk().count_max() == 1) ++single_count;
  }
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_GT(single_count, 0);
}

}  // namespace
}  // namespace odradek::sim
