// Every scenario of the folder passes on a few seeds.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "sim/explore/run.h"
#include "sim/explore/summary.h"

namespace odradek::explore {
namespace {

constexpr uint64_t kSeedCount = 5;

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  for (const std::string& path : ListScenarios()) names.push_back(std::filesystem::path(path).stem().string());
  return names;
}

class Scenarios : public testing::TestWithParam<std::string> {};

TEST_P(Scenarios, Pass) {
  const auto scenario = LoadScenario(GetParam());
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(scenario->name(), GetParam());
  EXPECT_FALSE(scenario->description().empty());
  for (uint64_t seed = 1; seed <= kSeedCount; ++seed) {
    const RunResult result = RunSeed(*scenario, seed, {});
    EXPECT_EQ(result.verdict(), PASS) << FailureText(
        result, "odradek sim replay " + GetParam() + " --seed " + std::to_string(seed));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scenarios, testing::ValuesIn(ScenarioNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace odradek::explore
