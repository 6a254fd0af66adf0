#include "sim/explore/campaign.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/base/check.h"
#include "sim/explore/summary.h"

namespace odradek::explore {
namespace {

std::vector<Job> Jobs(uint64_t count) {
  std::vector<Job> jobs;
  for (uint64_t seed = 0; seed < count; ++seed) jobs.push_back({0, "demo", seed, false});
  return jobs;
}

RunResult Passed(const Job& job) {
  RunResult result;
  result.set_scenario(job.scenario_name);
  result.set_seed(job.seed);
  result.set_hash_low(job.seed * 7);
  return result;
}

TEST(Campaign, ReturnsResultsInTheOrderOfTheJobs) {
  const auto results = RunCampaign(Jobs(50), {.worker_count = 3}, &Passed);
  ASSERT_EQ(results.size(), 50u);
  for (uint64_t seed = 0; seed < 50; ++seed) EXPECT_EQ(results[seed].seed(), seed);
  EXPECT_EQ(CampaignHash(results), CampaignHash(RunCampaign(Jobs(50), {.worker_count = 1}, &Passed)));
  EXPECT_EQ(ExitCode(results, {}), 0);
}

TEST(Campaign, AnAssertionIsAVerdictOnItsSeedOnly) {
  const auto results = RunCampaign(Jobs(10), {.worker_count = 2}, [](const Job& job) {
    INVARIANT(job.seed != 4);
    return Passed(job);
  });
  for (const RunResult& result : results) EXPECT_EQ(result.verdict(), result.seed() == 4 ? CRASH : PASS);
  EXPECT_NE(results[4].crash_text().find("INVARIANT failed: job.seed != 4"), std::string::npos);
  EXPECT_EQ(ExitCode(results, {}), 12);
}

TEST(Campaign, ARunThatHangsTimesOut) {
  const CampaignOptions options{.worker_count = 2, .run_timeout = std::chrono::seconds(1)};
  const auto results = RunCampaign(Jobs(4), options, [](const Job& job) {
    while (job.seed == 1) pause();
    return Passed(job);
  });
  EXPECT_EQ(results[1].verdict(), TIMEOUT);
  EXPECT_EQ(results[3].verdict(), PASS);
}

TEST(Campaign, AnExitWithoutAResultIsACrash) {
  const auto results = RunCampaign(Jobs(2), {.worker_count = 1}, [](const Job& job) {
    if (job.seed == 0) _exit(3);
    return Passed(job);
  });
  EXPECT_EQ(results[0].verdict(), CRASH);
  EXPECT_NE(results[0].crash_text().find("code 3"), std::string::npos);
  EXPECT_EQ(results[1].verdict(), PASS);
}

TEST(Summary, GravestVerdictDecidesTheExitCode) {
  std::vector<RunResult> results(3);
  results[0].set_verdict(LIVENESS);
  EXPECT_EQ(ExitCode(results, {}), 10);
  results[1].set_verdict(SAFETY);
  EXPECT_EQ(ExitCode(results, {}), 11);
  results[2].set_verdict(CRASH);
  EXPECT_EQ(ExitCode(results, {}), 12);
}

TEST(Summary, ADemandedProbeThatNoRunReachedFailsTheCampaign) {
  std::vector<RunResult> results(kRunsThatMustReach);
  for (RunResult& result : results) result.set_scenario("demo");
  Tally* probe = results[0].add_probes();
  probe->set_name("seen");
  probe->set_count(1);
  EXPECT_EQ(ExitCode(results, {{"demo", {"seen"}}}), 0);
  EXPECT_EQ(ExitCode(results, {{"demo", {"unseen"}}}), 13);
  EXPECT_NE(SummaryTable(results, {{"demo", {"unseen"}}}).find("never reached in demo: unseen"), std::string::npos);
  results.pop_back();
  EXPECT_EQ(ExitCode(results, {{"demo", {"unseen"}}}), 0) << "too few runs to say";
}

TEST(Summary, JUnitEscapesWhatItQuotes) {
  std::vector<RunResult> results(1);
  results[0].set_scenario("a<b");
  results[0].set_verdict(SAFETY);
  FoundViolation* violation = results[0].add_violations();
  violation->set_property("H1");
  violation->set_what("x < y & z");
  const std::string xml = ToJUnitXml(results);
  EXPECT_NE(xml.find("a&lt;b"), std::string::npos);
  EXPECT_NE(xml.find("x &lt; y &amp; z"), std::string::npos);
}

}  // namespace
}  // namespace odradek::explore
