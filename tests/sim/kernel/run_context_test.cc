#include "sim/kernel/run_context.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace odradek::sim {
namespace {

TEST(RunContext, CountsProbesInTheOrderOfNames) {
  Kernel kernel({});
  const NodeIndex n1 = kernel.AddNode("n1");
  RunContext run(kernel, {});
  NodeContext context(run, n1);
  REACHED(context, "storage.b");
  REACHED(context, "storage.a");
  REACHED(context, "storage.b");
  ASSERT_EQ(run.probes().size(), 2u);
  EXPECT_EQ(run.probes().begin()->first, "storage.a");
  EXPECT_EQ(run.probes().at("storage.b").visited, 2u);
}

TEST(RunContext, ArmsAShareOfTheSitesPerRun) {
  int armed_count = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Kernel kernel({.seed = seed});
    RunContext run(kernel, {.buggify = {.armed_sites_ppm = 250'000, .fire_ppm = 1'000'000}});
    const bool first = run.Buggify(kNoNodeIndex, "site");
    const bool second = run.Buggify(kNoNodeIndex, "site");
    EXPECT_EQ(first, second);
    armed_count += first ? 1 : 0;
  }
  EXPECT_GT(armed_count, 60);
  EXPECT_LT(armed_count, 140);
}

TEST(RunContext, BuggifyFiresAtRandomPerNodeAndCanBeSwitchedOff) {
  Kernel kernel({.seed = 1});
  const NodeIndex n1 = kernel.AddNode("n1");
  const NodeIndex n2 = kernel.AddNode("n2");
  RunContext run(kernel, {.buggify = {.armed_sites_ppm = 1'000'000, .fire_ppm = 500'000}});
  std::string of_n1;
  std::string of_n2;
  for (int i = 0; i < 64; ++i) {
    of_n1 += run.Buggify(n1, "site") ? "x" : ".";
    of_n2 += run.Buggify(n2, "site") ? "x" : ".";
  }
  EXPECT_NE(of_n1, of_n2);
  EXPECT_NE(of_n1.find('x'), std::string::npos);
  EXPECT_NE(of_n1.find('.'), std::string::npos);
  run.DisableBuggify();
  for (int i = 0; i < 64; ++i) EXPECT_FALSE(run.Buggify(n1, "site"));
}

TEST(RunContext, HasTheOneMutationOfTheRun) {
  Kernel kernel({});
  RunContext none(kernel, {});
  RunContext one(kernel, {.mutation = base::Mutation::kLG07});
  EXPECT_FALSE(none.HasMutation(base::Mutation::kLG07));
  EXPECT_TRUE(one.HasMutation(base::Mutation::kLG07));
  EXPECT_FALSE(one.HasMutation(base::Mutation::kLG01));
}

}  // namespace
}  // namespace odradek::sim
