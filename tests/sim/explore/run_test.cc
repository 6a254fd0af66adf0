#include "sim/explore/run.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "sim/explore/campaign.h"
#include "sim/explore/describe.h"
#include "sim/explore/summary.h"

namespace odradek::explore {
namespace {

Scenario Named(const std::string& name) {
  const auto scenario = LoadScenario(name);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *scenario;
}

uint64_t CountOf(const RunResult& result, std::string_view name) {
  for (const Tally& tally : result.counts()) {
    if (tally.name() == name) return tally.count();
  }
  return 0;
}

TEST(Run, ACalmRunPasses) {
  const RunResult result = RunSeed(Named("calm"), 2, {});
  EXPECT_EQ(result.verdict(), PASS) << FailureText(result, "");
  EXPECT_EQ(CountOf(result, "sends ok"), 120u);
  EXPECT_GT(CountOf(result, "records polled"), 100u);
  EXPECT_GT(CountOf(result, "file readings"), 0u);
}

TEST(Run, TheSameSeedHasTheSameHashAndAnotherOneHasNot) {
  const Scenario scenario = Named("power_loss_flush_never");
  const RunResult first = RunSeed(scenario, 3, {});
  EXPECT_EQ(HashText(first), HashText(RunSeed(scenario, 3, {})));
  EXPECT_NE(HashText(first), HashText(RunSeed(scenario, 4, {})));
  EXPECT_EQ(RunSeedTwice(scenario, 3, {}).verdict(), first.verdict());
}

TEST(Run, AnotherProcessComputesTheSameHash) {
  const Scenario scenario = Named("two_shards");
  const std::string here = HashText(RunSeed(scenario, 5, {}));
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Memory that was used before looks different from fresh memory.
    std::string shift(1'000'003, 'x');
    const std::string there = HashText(RunSeed(scenario, 5, {}));
    const ssize_t n = write(fds[1], there.data(), there.size());
    _exit(n == static_cast<ssize_t>(there.size()) && shift.size() > 1 ? 0 : 1);
  }
  close(fds[1]);
  char buffer[64];
  const ssize_t n = read(fds[0], buffer, sizeof(buffer));
  close(fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::string(buffer, static_cast<size_t>(std::max<ssize_t>(0, n))), here);
}

TEST(Run, ATraceChangesNothing) {
  const Scenario scenario = Named("connections");
  sim::TraceRing ring(1000);
  RunReport report;
  const RunResult traced = RunSeed(scenario, 6, {.trace = &ring, .report = &report});
  EXPECT_EQ(HashText(traced), HashText(RunSeed(scenario, 6, {})));
  EXPECT_EQ(ring.entries().size(), 1000u);
  EXPECT_FALSE(report.history.sends.empty());
}

TEST(Run, AnEmptyPlanIsARunWithoutFaults) {
  const sim::plan::Plan nothing;
  const RunResult result = RunSeed(Named("power_loss_flush_never"), 3, {.plan = &nothing});
  EXPECT_EQ(result.verdict(), PASS) << FailureText(result, "");
  EXPECT_EQ(CountOf(result, "power losses"), 0u);
}

TEST(Run, ALivenessPhaseThatIsTooShortIsALivenessViolationThatSaysWhoIsNotDone) {
  Scenario scenario = Named("calm");
  scenario.mutable_producers()->set_records(5000);
  scenario.mutable_producers()->clear_linger_ms();
  scenario.mutable_producers()->mutable_burst_records()->set_low(1);
  scenario.mutable_producers()->mutable_burst_records()->set_high(1);
  scenario.mutable_phases()->set_liveness_ms(20);
  const RunResult result = RunSeed(scenario, 1, {});
  ASSERT_EQ(result.verdict(), LIVENESS);
  EXPECT_NE(result.violations(0).what().find("records sent"), std::string::npos) << result.violations(0).what();
}

TEST(Run, SettingsThatContradictEachOtherAreNamed) {
  Scenario scenario = Named("calm");
  Setting* setting = scenario.mutable_topology()->add_broker_config();
  setting->set_name("advertised.listeners");
  setting->add_value("PLAINTEXT://elsewhere:1");
  const RunResult result = RunSeed(scenario, 1, {});
  EXPECT_EQ(result.verdict(), CRASH);
  EXPECT_NE(result.crash_text().find("advertised.listeners"), std::string::npos) << result.crash_text();
}

TEST(DescribeEvidence, NamesTheOperationsOfAViolationAndWhatNodesWentThrough) {
  history::History history;
  history.sends.push_back({.span = {5, 9}, .client = 1, .partition = {"t", PartitionIndex(0)}, .value = 77});
  history.sends.push_back({.span = {6, 8}, .client = 1, .partition = {"t", PartitionIndex(0)}, .value = 78});
  history.node_events.push_back({7, "b1", history::NodeEventKind::kPowerLoss});
  const auto lines = DescribeEvidence(history, {"H2", "gone", {9}});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("sent 77 to t-0"), std::string::npos);
  EXPECT_NE(lines[1].find("b1"), std::string::npos);
}

}  // namespace
}  // namespace odradek::explore
