// Every scenario of the folder passes on a few seeds, and on those that once failed.
#include <fmt/format.h>
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

struct OnceFailed {
  const char* scenario;
  uint64_t seed;
};

class Regressions : public testing::TestWithParam<OnceFailed> {};

TEST_P(Regressions, Pass) {
  const auto scenario = LoadScenario(GetParam().scenario);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const RunResult result = RunSeed(*scenario, GetParam().seed, {});
  EXPECT_EQ(result.verdict(), PASS) << FailureText(result, GetParam().scenario);
}

INSTANTIATE_TEST_SUITE_P(
    Seeds, Regressions,
    testing::Values(
        // A deletion forgot producers whose snapshots were damaged.
        OnceFailed{"bit_rot", 1100073},
        // A sync failed that a start had left to its first append: two batches of the metadata log were lost in part.
        OnceFailed{"failed_sync", 1100181},
        // A log directory that was there could not be "made" on a full disk.
        OnceFailed{"full_disk", 1100087},
        // A damaged log-start-offset-checkpoint brought deleted records back.
        OnceFailed{"misdirected_io", 1100076}, OnceFailed{"misdirected_io", 1100104},
        // A start cut off what the disk had read in another's place.
        OnceFailed{"misdirected_io", 24},
        // Every batch of the metadata log was damaged, and the first one taken for a torn last one.
        OnceFailed{"bit_rot", 1400020}, OnceFailed{"bit_rot", 3000830},
        // So was the end of a segment behind which another stood.
        OnceFailed{"bit_rot", 3001947}, OnceFailed{"bit_rot", 3002379},
        // A last batch whose offset had risen was believed, though it was synced, after a crash and after none.
        OnceFailed{"bit_rot", 124}, OnceFailed{"bit_rot", 3000192},
        // Damage became durable: an epoch in a batch that was written again, a list of epochs made from such batches.
        OnceFailed{"bit_rot", 3000647}, OnceFailed{"bit_rot", 3000251}, OnceFailed{"bit_rot", 3003147},
        OnceFailed{"bit_rot", 3004643}, OnceFailed{"bit_rot", 3003970},
        // The last reader took the end of a deposed leader for the end of the log.
        OnceFailed{"cluster_elections", 300020}, OnceFailed{"cluster_elections", 300037},
        // A replica whose disk failed before its folder was made was offline for ever.
        OnceFailed{"hung_disk", 51}, OnceFailed{"hung_disk", 80},
        // A leader told its end while the log had not reached yet what the machine knew to be committed.
        OnceFailed{"cluster_calm", 104}, OnceFailed{"cluster_calm", 462},
        // A deletion was answered although the disk had failed under it.
        OnceFailed{"disk_faults", 28}, OnceFailed{"failed_sync", 17},
        // A damaged checkpoint was made whole again with the starts of some logs only.
        OnceFailed{"misdirected_io", 4000065}, OnceFailed{"everything", 4000043},
        // The largest timestamp was sought past a damaged batch.
        OnceFailed{"bit_rot", 1500007},
        // A deletion was cut off, and the next topic of that name taken for one whose folder was lost.
        OnceFailed{"delete_and_recreate", 1500136},
        // A damaged checkpoint was left beside a log that was cut: restored, it said more than the log had.
        OnceFailed{"misdirected_io", 1400065},
        // A batch whose base offset ends a sector was torn, and taken for damaged.
        OnceFailed{"torn_tails", 1100077},
        // Checkers and monitors that asked too much.
        OnceFailed{"cluster_rolling_restart", 279}, OnceFailed{"crash_loops_in_recovery", 1100070},
        OnceFailed{"delete_and_recreate", 1100168}, OnceFailed{"everything", 4000018}, OnceFailed{"full_disk", 4000090},
        OnceFailed{"hung_disk", 1100176}, OnceFailed{"torn_tails", 1100099}, OnceFailed{"torn_tails", 1100128}),
    [](const auto& info) { return fmt::format("{}_{}", info.param.scenario, info.param.seed); });

INSTANTIATE_TEST_SUITE_P(All, Scenarios, testing::ValuesIn(ScenarioNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace odradek::explore
