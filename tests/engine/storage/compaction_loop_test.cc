#include "tests/engine/storage/compaction_loop.h"

#include <gtest/gtest.h>

namespace odradek::storage {
namespace compaction_loop_test {

class CompactionLoopTest : public testing::TestWithParam<FlushPolicy> {};

TEST_P(CompactionLoopTest, KeepsTheLastRecordOfEveryKey) {
  constexpr uint64_t kSeedCount = 150;
  std::map<std::string, int64_t> reached;
  int64_t acked_count = 0;
  for (uint64_t seed = 1; seed <= kSeedCount; ++seed) {
    CompactionLoop loop({.seed = seed, .lives = 8, .policy = GetParam(), .mutations = {}});
    const CrashLoopResult result = loop.Run();
    ASSERT_EQ(result.problem, "") << "seed " << seed;
    acked_count += result.acked_count;
    for (const auto& [name, count] : result.reached) reached[name] += count;
  }
  EXPECT_GT(acked_count, 1000);
  for (const char* name : {"storage.clean.replaced", "storage.clean.map_full", "storage.clean.stopped",
                           "storage.finished_swap", "storage.recovery", "storage.duplicate_batch"}) {
    EXPECT_GT(reached[name], 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(AllPolicies, CompactionLoopTest,
                         testing::Values(FlushPolicy::kNever, FlushPolicy::kByInterval, FlushPolicy::kByMessages,
                                         FlushPolicy::kEveryAppend));

}  // namespace compaction_loop_test
}  // namespace odradek::storage
