#include "tests/engine/storage/crash_loop.h"

#include <gtest/gtest.h>

namespace odradek::storage {
namespace crash_loop_test {

class CrashLoopTest : public testing::TestWithParam<FlushPolicy> {};

TEST_P(CrashLoopTest, KeepsThePromisesOfItsFlushPolicy) {
  constexpr uint64_t kSeedCount = 150;
  std::map<std::string, int64_t> reached;
  int64_t acked_count = 0;
  for (uint64_t seed = 1; seed <= kSeedCount; ++seed) {
    CrashLoop loop({.seed = seed, .lives = 8, .policy = GetParam(), .mutations = {}});
    const CrashLoopResult result = loop.Run();
    ASSERT_EQ(result.problem, "") << "seed " << seed;
    acked_count += result.acked_count;
    for (const auto& [name, count] : result.reached) reached[name] += count;
  }
  EXPECT_GT(acked_count, 1000);
  for (const char* name :
       {"storage.recovery.torn_tail", "storage.rolled", "storage.log_offline", "storage.retention_deleted",
        "storage.duplicate_batch", "storage.recovery", "storage.rewrote_recovered_batches"}) {
    EXPECT_GT(reached[name], 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(AllPolicies, CrashLoopTest,
                         testing::Values(FlushPolicy::kNever, FlushPolicy::kByInterval, FlushPolicy::kByMessages,
                                         FlushPolicy::kEveryAppend));

TEST(CrashLoop, SameSeedGivesTheSameLives) {
  const auto run = [] {
    CrashLoop loop({.seed = 5, .lives = 6, .policy = FlushPolicy::kNever, .mutations = {}});
    return loop.Run();
  };
  const CrashLoopResult first = run();
  const CrashLoopResult second = run();
  EXPECT_EQ(first.acked_count, second.acked_count);
  EXPECT_EQ(first.reached, second.reached);
}

}  // namespace crash_loop_test
}  // namespace odradek::storage
