#include "engine/storage/checkpoints.h"

#include <gmock/gmock.h>

#include "engine/base/absl_compat.h"

namespace odradek::storage {
namespace {

using ::testing::HasSubstr;

std::string ProblemOf(std::string_view text) {
  const auto parsed = ParseOffsetCheckpoint("marks", AsBytes(text));
  return parsed.ok() ? "" : std::string(base::SV(parsed.status().message()));
}

TEST(OffsetCheckpoint, ReadsWhatItWrites) {
  const OffsetCheckpoint offsets = {{{"a", PartitionIndex(0)}, Offset(7)}, {{"b-c", PartitionIndex(12)}, Offset(0)}};
  const auto parsed = ParseOffsetCheckpoint("marks", AsBytes(FormatOffsetCheckpoint(offsets)));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, offsets);
}

TEST(OffsetCheckpoint, AnEmptyFileHasNoEntries) {
  const auto parsed = ParseOffsetCheckpoint("marks", {});
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->empty());
}

TEST(OffsetCheckpoint, ProblemsNameFileAndLine) {
  EXPECT_THAT(ProblemOf("1\n0\n"), HasSubstr("marks:1: version 0 expected"));
  EXPECT_THAT(ProblemOf("0\nmany\n"), HasSubstr("marks:2: number of entries expected"));
  EXPECT_THAT(ProblemOf("0\n1\na 0\n"), HasSubstr("marks:3: "));
  EXPECT_THAT(ProblemOf("0\n2\na 0 1\n"), HasSubstr("2 entries announced, 1 found"));
  EXPECT_THAT(ProblemOf("0\n2\na 0 1\na 0 2\n"), HasSubstr("a-0 is listed twice"));
}

TEST(EpochCheckpoint, AnEmptyFileIsDamaged) {
  EXPECT_FALSE(ParseEpochCheckpoint("leader-epoch-checkpoint", {}).ok());
}

}  // namespace
}  // namespace odradek::storage
