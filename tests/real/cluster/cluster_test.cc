// Three real brokers: what is acknowledged survives SIGKILL, SIGSTOP and SIGTERM, and where it does not, the judges see
// it. Cut and slowed links are a test of their own (main.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/real/cluster/run.h"

namespace odradek::real_cluster {
namespace {

explore::Scenario Load(const std::string& name) {
  const auto scenario = LoadWithLength("tests/real/cluster/" + name + ".txtpb", std::nullopt);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *scenario : explore::Scenario();
}

RunOutcome RunOnce(const std::string& name, uint64_t seed) {
  RunOutcome outcome = RunReal(Load(name), seed, {.binary = ODRADEK_BINARY});
  EXPECT_TRUE(outcome.passed());
  std::fputs(outcome.text.c_str(), stdout);
  return outcome;
}

uint64_t JudgedBy(const RunOutcome& outcome, std::string_view property) {
  for (const explore::Tally& tally : outcome.result.judged()) {
    if (tally.name() == property) return tally.count();
  }
  return 0;
}

void ExpectThatItHasShownSomething(const RunOutcome& outcome) {
  EXPECT_GT(outcome.counts.at("sends ok"), 500u);
  EXPECT_GT(outcome.counts.at("records polled"), 500u);
  for (const char* property : {"H1", "H2", "H3", "H4", "H6", "H7", "H8", "Z1"}) {
    EXPECT_GT(JudgedBy(outcome, property), 0u) << property;
  }
}

TEST(RealCluster, KeepsItsPromisesWhenNodesAreKilledAndStopped) {
  const RunOutcome outcome = RunOnce("kills", 1);
  ExpectThatItHasShownSomething(outcome);
  EXPECT_GT(outcome.counts.at("crash"), 1u);
  EXPECT_GT(outcome.counts.at("pause"), 0u);
}

TEST(RealCluster, KeepsItsPromisesWhenNodesAreRestartedOneAfterTheOther) {
  const RunOutcome outcome = RunOnce("rolling", 1);
  ExpectThatItHasShownSomething(outcome);
  EXPECT_GT(outcome.counts.at("restart"), 1u);
}

std::vector<std::string> PropertiesOf(const RunOutcome& outcome) {
  std::vector<std::string> properties;
  for (const explore::FoundViolation& found : outcome.result.violations()) properties.push_back(found.property());
  return properties;
}

TEST(RealCluster, IsFoundOutWhenNodesEndByThemselves) {
  const RunOutcome outcome = RunReal(Load("quiet"), 1, {.binary = "/bin/false"});
  EXPECT_THAT(PropertiesOf(outcome), testing::IsSupersetOf({"accident", "V0"})) << outcome.text;
  EXPECT_THAT(outcome.text, testing::HasSubstr("b1 ended with exit code 1"));
  std::filesystem::remove_all(outcome.kept_folder);
}

// The last segment of each of its logs is empty afterwards.
void CutLogs(const std::string& data) {
  for (const auto& folder : std::filesystem::directory_iterator(data)) {
    if (!folder.path().filename().string().starts_with("t-")) continue;
    std::filesystem::path last;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      if (file.path().extension() == ".log") last = std::max(last, file.path());
    }
    if (!last.empty()) std::filesystem::resize_file(last, 0);
  }
}

// As a loss of power may take what was not synced, from all three at once.
TEST(RealCluster, IsFoundOutWhenEveryReplicaLostRecords) {
  const auto cut_logs = [](const Servers& servers) {
    for (size_t i = 0; i < servers.count(); ++i) CutLogs(servers.at(i).data);
  };
  const RunOutcome outcome = RunReal(Load("quiet"), 1, {.binary = ODRADEK_BINARY, .disaster = cut_logs});
  EXPECT_EQ(outcome.result.verdict(), explore::SAFETY) << outcome.text;
  EXPECT_THAT(PropertiesOf(outcome), testing::Contains("H2")) << outcome.text;
  // A person is told which records, the faults, and how to see it again.
  EXPECT_THAT(outcome.text, testing::HasSubstr("Every acknowledged record is there in the end"));
  EXPECT_THAT(outcome.text, testing::HasSubstr("--seed 1"));
  EXPECT_TRUE(std::filesystem::exists(outcome.kept_folder + "/b1.log"));
  std::filesystem::remove_all(outcome.kept_folder);
}

}  // namespace
}  // namespace odradek::real_cluster
