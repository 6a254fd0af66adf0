#include "sim/explore/zoo.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace odradek::explore {
namespace {

constexpr base::MutationInfo kFirst = base::kMutations[0];
constexpr base::MutationInfo kSecond = base::kMutations[1];

ZooOptions Options() {
  ZooOptions options{.mutations = {kFirst, kSecond}, .grounds = {{"a"}, {"b"}}};
  options.budget = std::chrono::milliseconds(200);
  options.workers.worker_count = 2;
  return options;
}

RunResult Result(const Job& job, Verdict verdict) {
  RunResult result;
  result.set_scenario(job.scenario_name);
  result.set_seed(job.seed);
  result.set_verdict(verdict);
  if (verdict == SAFETY) {
    for (const char* id : {"H2", "H8", "H2"}) result.add_violations()->set_property(id);
  }
  return result;
}

// A run that costs something, so that budgets end.
RunResult Costly(const Job& job) {
  volatile uint64_t sum = 0;
  for (uint64_t i = 0; i < 3'000'000; ++i) sum = sum + i;
  return Result(job, PASS);
}

TEST(Zoo, TriesEverySeedOnAllScenariosBeforeTheNextSeed) {
  const auto entries = RunZoo(Options(), [](const Job& job) {
    if (!job.mutation.has_value()) return Result(job, PASS);
    RunResult result = Costly(job);
    const bool bad = job.mutation == kFirst.mutation && job.scenario_name == "b" && job.seed == 2;
    if (bad) result = Result(job, SAFETY);
    result.set_mutation_hits(job.seed);
    return result;
  });
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_TRUE(entries[0].detected);
  EXPECT_EQ(entries[0].by, "H2 H8");
  EXPECT_EQ(entries[0].scenario, "b");
  EXPECT_EQ(entries[0].seed, 2u);
  EXPECT_EQ(entries[0].run_count, 4u);
  EXPECT_EQ(entries[0].reached_count, 4u);
  EXPECT_FALSE(entries[1].detected);
  EXPECT_GT(entries[1].run_count, 1u);
  EXPECT_EQ(DetectedCount(entries), 1u);
}

TEST(Zoo, CheapRunsComeSeveralAtATime) {
  ZooOptions options = Options();
  options.grounds = {{"a", 3}, {"b"}};
  options.workers.worker_count = 1;
  options.mutations = {kFirst};
  const auto entries = RunZoo(options, [](const Job& job) {
    if (!job.mutation.has_value()) return Result(job, PASS);
    // The second turn of "a" begins with the fourth seed.
    return job.scenario_name == "a" && job.seed == 4 ? Result(job, SAFETY) : Costly(job);
  });
  EXPECT_TRUE(entries[0].detected);
  EXPECT_EQ(entries[0].run_count, 5u);
}

TEST(Zoo, AFailureThatTheMutationDidNotCauseDoesNotCount) {
  const auto entries = RunZoo(Options(), [](const Job& job) {
    if (job.seed == 1) return Result(job, SAFETY);
    return Costly(job);
  });
  for (const ZooEntry& entry : entries) {
    EXPECT_FALSE(entry.detected);
    EXPECT_EQ(entry.failed_anyway_count, 2u);
  }
}

TEST(Zoo, ACrashIsADetection) {
  const auto entries = RunZoo(Options(), [](const Job& job) {
    if (job.mutation == kSecond.mutation) abort();
    return job.mutation.has_value() ? Costly(job) : Result(job, PASS);
  });
  EXPECT_FALSE(entries[0].detected);
  EXPECT_TRUE(entries[1].detected);
  EXPECT_EQ(entries[1].by, "assertion");
  EXPECT_EQ(entries[1].run_count, 1u);
}

TEST(Zoo, WhatIsNotDetectedStaysInTheTable) {
  std::vector<ZooEntry> entries(2);
  entries[0] = {.info = kFirst, .detected = true, .by = "D1", .scenario = "calm", .seed = 7, .run_count = 3};
  entries[0].cpu_ns = 1'500'000'000;
  entries[1] = {.info = kSecond, .run_count = 90, .reached_count = 0};
  const std::string table = ZooTable(entries);
  EXPECT_NE(table.find("D1"), std::string::npos);
  EXPECT_NE(table.find("not detected"), std::string::npos);
  EXPECT_NE(table.find("never"), std::string::npos);
  EXPECT_NE(table.find("1 of 2 detected, in 1.50 CPU-seconds in the median"), std::string::npos) << table;
  EXPECT_NE(ZooToJson(entries).find("\"seed\": 7"), std::string::npos);
}

}  // namespace
}  // namespace odradek::explore
