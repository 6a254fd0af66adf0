// The mistakes of BUG_ZOO.md that storage can make, each switched on and searched for by the crash loops.
#include <gtest/gtest.h>

#include <string>

#include "tests/engine/storage/crash_loop.h"

namespace odradek::storage {
namespace storage_mutations_test {

using base::Mutation;

constexpr uint64_t kSeedsMax = 3000;

constexpr FlushPolicy PolicyOfSeed(uint64_t seed) {
  return static_cast<FlushPolicy>(seed % 4);
}

std::string_view NameOf(Mutation mutation) {
  for (const base::MutationInfo& info : base::kMutations) {
    if (info.mutation == mutation) return info.id;
  }
  return "?";
}

class StorageMutationTest : public testing::TestWithParam<Mutation> {};

TEST_P(StorageMutationTest, IsCaughtByCrashLoops) {
  for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    CrashLoop loop({.seed = seed, .lives = 8, .policy = PolicyOfSeed(seed), .mutations = {GetParam()}});
    const CrashLoopResult result = loop.Run();
    if (result.problem.empty()) continue;
    RecordProperty("seeds", static_cast<int>(seed));
    std::printf("%s: seed %d: %s\n", std::string(NameOf(GetParam())).c_str(), static_cast<int>(seed),
                result.problem.c_str());
    return;
  }
  FAIL() << "not caught in " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Zoo, StorageMutationTest,
                         testing::Values(Mutation::kLG01, Mutation::kLG02, Mutation::kLG04, Mutation::kLG05,
                                         Mutation::kLG07, Mutation::kLG11, Mutation::kLG12, Mutation::kLG13,
                                         Mutation::kLG14, Mutation::kLG16, Mutation::kLG17, Mutation::kLG18,
                                         Mutation::kLG19, Mutation::kLG20, Mutation::kLG22, Mutation::kLG23,
                                         Mutation::kLG24, Mutation::kLG28, Mutation::kID12, Mutation::kID14,
                                         Mutation::kRT01, Mutation::kRT02, Mutation::kRT03, Mutation::kRT04,
                                         Mutation::kRT07, Mutation::kRT08, Mutation::kRT09, Mutation::kRT10),
                         [](const testing::TestParamInfo<Mutation>& info) { return std::string(NameOf(info.param)); });

// Over as many seeds as the longest search is allowed to take for a mutation that is found late.
TEST(StorageMutation, UnmutatedBuildStaysClean) {
  for (uint64_t seed = 1; seed <= kSeedsMax / 3; ++seed) {
    CrashLoop loop({.seed = seed, .lives = 8, .policy = PolicyOfSeed(seed), .mutations = {}});
    ASSERT_EQ(loop.Run().problem, "") << "seed " << seed;
  }
}

}  // namespace storage_mutations_test
}  // namespace odradek::storage
