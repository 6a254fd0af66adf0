#include "sim/explore/run.h"

#include <gtest/gtest.h>

#include "sim/explore/campaign.h"
#include "sim/explore/summary.h"

namespace odradek::explore {
namespace {

Scenario Calm() {
  const auto scenario = LoadScenario("calm");
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *scenario;
}

TEST(Run, ACalmRunPasses) {
  const RunResult result = RunSeed(Calm(), 1, {});
  EXPECT_EQ(result.verdict(), PASS) << FailureText(result, "");
  EXPECT_GT(result.event_count(), 1000u);
}

}  // namespace
}  // namespace odradek::explore
