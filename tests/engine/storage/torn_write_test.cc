#include "engine/storage/torn_write.h"

#include <gtest/gtest.h>

#include "engine/record/batch.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace torn_write_test {

constexpr std::string_view kPath = "file";
constexpr int64_t kPosition = 300;  // inside of a sector

class TornWriteTest : public testing::Test {
 protected:
  // What stands behind `position` at the end of a file, whose bytes before are whole batches.
  TornVerdict Judge(Bytes bytes, int64_t position = kPosition, Offset expected = Offset(0)) {
    machine_.model.Wipe();
    ByteBuffer content(static_cast<size_t>(position), std::byte{1});
    content.insert(content.end(), bytes.begin(), bytes.end());
    const sim::DiskModel::OpenOutcome opened = machine_.model.Open(kPath, env::OpenMode::kCreate);
    machine_.model.Write(*opened.file, content, 0);
    machine_.model.Close(opened.file);
    TornVerdict verdict{};
    machine_.Boot().Run([&](fiber::Fiber& self) {
      const env::OpenResult file = machine_.process().env.disk.Open(self, std::string(kPath), env::OpenMode::kReadOnly);
      const TornResult result = JudgeTorn(self, *file.file, position, static_cast<int64_t>(content.size()), expected);
      EXPECT_EQ(result.error, env::DiskError::kNone);
      verdict = result.verdict;
    });
    machine_.Kill();
    return verdict;
  }

  TestMachine machine_;
};

// The size of the file may reach the disk before the last bytes of a batch do, also those of one sector.
TEST_F(TornWriteTest, ABatchThatEndsInZerosMayBeTorn) {
  for (const size_t size : {size_t{10}, size_t{1000}}) {
    const ByteBuffer whole = Encode({.values = {std::string(size, 'x')}});
    for (size_t written = 0; written < whole.size() - 1; ++written) {
      ByteBuffer torn = whole;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(written), torn.end(), std::byte{0});
      EXPECT_EQ(Judge(torn), TornVerdict::kMayBeTorn) << size << " " << written;
      torn.resize(written);
      EXPECT_EQ(Judge(torn), TornVerdict::kMayBeTorn) << size << " " << written;
    }
  }
}

// Records end in a zero, the count of their headers.
TEST_F(TornWriteTest, ABatchOfWhichOneBitIsWrongIsDamaged) {
  const ByteBuffer whole = Encode({.values = {"value"}});
  ASSERT_EQ(whole.back(), std::byte{0});
  // Base offset and leader epoch are right or not whatever else is; a length that rose looks like a torn end.
  for (size_t bit = record::kMagicAt * 8; bit < (whole.size() - 1) * 8; ++bit) {
    ByteBuffer damaged = whole;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_EQ(Judge(damaged), TornVerdict::kDamaged) << bit;
  }
}

TEST_F(TornWriteTest, ALostBitBehindWhichAllIsZeroMayBeTorn) {
  ByteBuffer whole = Encode({.values = {std::string("\1\0\0\0", 4)}});
  std::byte& lost = whole.at(whole.size() - 5);
  ASSERT_EQ(lost, std::byte{1});
  lost = std::byte{0};
  EXPECT_EQ(Judge(whole), TornVerdict::kMayBeTorn);
}

// The checksum covers neither of them: what is behind the end of the sector is a whole batch.
TEST_F(TornWriteTest, ABatchOfWhichTheSectorOfItsBaseOffsetWasNotWrittenMayBeTorn) {
  constexpr Offset kBase(0x0102);
  const ByteBuffer whole = Encode({.values = {"value"}, .base_offset = kBase});
  for (int64_t in_sector = 1; in_sector <= static_cast<int64_t>(record::kMagicAt); ++in_sector) {
    const int64_t position = 512 - in_sector;
    ByteBuffer torn = whole;
    std::fill_n(torn.begin(), in_sector, std::byte{0});
    if (torn == whole) continue;
    EXPECT_EQ(Judge(torn, position, kBase), TornVerdict::kMayBeTorn) << in_sector;
    EXPECT_EQ(Judge(torn, position, kNoOffset), TornVerdict::kMayBeTorn) << in_sector;
    torn = whole;
    torn[7] ^= std::byte{1};
    EXPECT_EQ(Judge(torn, position, kBase), TornVerdict::kDamaged) << in_sector;
  }
}

}  // namespace torn_write_test
}  // namespace odradek::storage
