#include "engine/record/batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace odradek::record {
namespace batch_test {

constexpr int32_t kIntMax = std::numeric_limits<int32_t>::max();

// A batch with `payload` bytes in place of records and a correct CRC.
ByteBuffer MakeBatch(BatchHeader header, size_t payload_bytes) {
  header.size_bytes = static_cast<int64_t>(kBatchOverheadBytes + payload_bytes);
  ByteBuffer out(kBatchOverheadBytes + payload_bytes, std::byte{0x5a});
  WriteHeader(header, out);
  header.crc = ComputeCrc(out);
  WriteHeader(header, out);
  return out;
}

BatchHeader SampleHeader() {
  BatchHeader h;
  h.base_offset = Offset(1000);
  h.leader_epoch = LeaderEpoch(7);
  h.attributes = kTransactionalBit | 4;
  h.last_offset_delta = 2;
  h.base_timestamp = Timestamp(1'700'000'000'000);
  h.max_timestamp = Timestamp(1'700'000'000'005);
  h.producer_id = ProducerId(0x0102030405060708);
  h.producer_epoch = ProducerEpoch(3);
  h.base_sequence = 41;
  h.record_count = 3;
  return h;
}

TEST(BatchHeader, ReadsWhatWasWritten) {
  const ByteBuffer bytes = MakeBatch(SampleHeader(), 10);
  const HeaderResult r = ParseHeader(bytes);
  ASSERT_TRUE(r.ok()) << r.problem.what;
  BatchHeader expected = SampleHeader();
  expected.size_bytes = 71;
  expected.crc = ComputeCrc(bytes);
  EXPECT_EQ(r.header, expected);
  EXPECT_EQ(r.header.last_offset(), Offset(1002));
  EXPECT_EQ(r.header.next_offset(), Offset(1003));
  EXPECT_EQ(r.header.last_sequence(), 43);
  EXPECT_EQ(r.header.codec(), Codec::kZstd);
  EXPECT_TRUE(r.header.is_transactional());
  EXPECT_FALSE(r.header.is_control());
}

TEST(BatchHeader, FieldsStandWhereTheFormatSays) {
  const ByteBuffer bytes = MakeBatch(SampleHeader(), 0);
  EXPECT_EQ(LoadBigEndian<int64_t>(bytes.data()), 1000);
  EXPECT_EQ(LoadBigEndian<int32_t>(bytes.data() + 8), 49);
  EXPECT_EQ(LoadBigEndian<int32_t>(bytes.data() + 12), 7);
  EXPECT_EQ(bytes[16], std::byte{2});
  EXPECT_EQ(LoadBigEndian<uint16_t>(bytes.data() + 21), 0x14);
  EXPECT_EQ(LoadBigEndian<int32_t>(bytes.data() + 23), 2);
  EXPECT_EQ(LoadBigEndian<int64_t>(bytes.data() + 43), 0x0102030405060708);
  EXPECT_EQ(LoadBigEndian<int32_t>(bytes.data() + 57), 3);
}

TEST(BatchHeader, EveryShorterPrefixIsTruncated) {
  const ByteBuffer bytes = MakeBatch(SampleHeader(), 0);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(ParseHeader(Bytes(bytes).first(n)).problem.error, BatchError::kTruncated) << n;
  }
}

TEST(BatchHeader, NamesOldAndUnknownMagic) {
  ByteBuffer bytes = MakeBatch(SampleHeader(), 0);
  bytes[kMagicAt] = std::byte{0};
  EXPECT_EQ(ParseHeader(bytes).problem.error, BatchError::kOldMagic0);
  EXPECT_EQ(ParseHeader(Bytes(bytes).first(17)).problem.error, BatchError::kOldMagic0);
  bytes[kMagicAt] = std::byte{1};
  EXPECT_EQ(ParseHeader(bytes).problem.error, BatchError::kOldMagic1);
  EXPECT_EQ(ParseHeader(bytes).problem.at_byte, 16);
  bytes[kMagicAt] = std::byte{0xff};
  EXPECT_EQ(ParseHeader(bytes).problem.error, BatchError::kUnknownMagic);
}

TEST(BatchHeader, RejectsImpossibleNumbers) {
  const auto error_with = [](size_t at, auto value) {
    ByteBuffer bytes = MakeBatch(SampleHeader(), 0);
    StoreBigEndian(bytes.data() + at, value);
    return ParseHeader(bytes).problem.error;
  };
  EXPECT_EQ(error_with(kLengthAt, int32_t{0}), BatchError::kBadLength);
  EXPECT_EQ(error_with(kLengthAt, int32_t{48}), BatchError::kBadLength);
  EXPECT_EQ(error_with(kLengthAt, int32_t{-1}), BatchError::kBadLength);
  EXPECT_EQ(error_with(kLengthAt, kIntMax), BatchError::kNone);
  EXPECT_EQ(error_with(kLastOffsetDeltaAt, int32_t{-1}), BatchError::kBadOffsetDeltas);
  EXPECT_EQ(error_with(kRecordCountAt, int32_t{-1}), BatchError::kBadCount);
  EXPECT_EQ(error_with(kBaseOffsetAt, int64_t{-1}), BatchError::kBadBaseOffset);
  EXPECT_EQ(error_with(kBaseOffsetAt, std::numeric_limits<int64_t>::max() - 2), BatchError::kBadBaseOffset);
  EXPECT_EQ(error_with(kBaseOffsetAt, std::numeric_limits<int64_t>::max() - 3), BatchError::kNone);
}

TEST(BatchHeader, AllZeroBytesAreNotABatch) {
  const ByteBuffer zeros(100);
  EXPECT_EQ(ParseHeader(zeros).problem.error, BatchError::kBadLength);
}

TEST(BatchHeader, UnknownCodecIsNoCodec) {
  BatchHeader h;
  h.attributes = 5;
  EXPECT_EQ(h.codec(), std::nullopt);
  h.attributes = 0x78;
  EXPECT_EQ(h.codec(), Codec::kNone);
}

TEST(BatchSequence, WrapsFromMaxToZero) {
  EXPECT_EQ(SequenceAfter(kIntMax, 0), kIntMax);
  EXPECT_EQ(SequenceAfter(kIntMax, 1), 0);
  EXPECT_EQ(SequenceAfter(kIntMax - 1, 4), 2);
  EXPECT_EQ(SequenceAfter(kIntMax, kIntMax), kIntMax - 1);
  BatchHeader h;
  h.base_sequence = kIntMax - 1;
  h.last_offset_delta = 2;
  EXPECT_EQ(h.last_sequence(), 0);
  h.base_sequence = kNoSequence;
  EXPECT_EQ(h.last_sequence(), kNoSequence);
}

RC_GTEST_PROP(BatchCrc, ChangesWithEveryBitItCovers, ()) {
  ByteBuffer bytes = MakeBatch(SampleHeader(), 40);
  const auto bit = *rc::gen::inRange<size_t>(kCrcAt * 8, bytes.size() * 8);
  bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
  RC_ASSERT(!CheckCrc(bytes));
}

TEST(BatchPatch, OffsetAndEpochNeedNoNewCrc) {
  ByteBuffer bytes = MakeBatch(SampleHeader(), 5);
  PatchBaseOffset(bytes, Offset(1) + (int64_t{1} << 40));
  PatchLeaderEpoch(bytes, LeaderEpoch(99));
  EXPECT_TRUE(CheckCrc(bytes));
  const HeaderResult r = ParseHeader(bytes);
  EXPECT_EQ(r.header.base_offset, Offset((int64_t{1} << 40) + 1));
  EXPECT_EQ(r.header.leader_epoch, LeaderEpoch(99));
}

TEST(BatchPatch, LogAppendTimeGetsANewCrc) {
  ByteBuffer bytes = MakeBatch(SampleHeader(), 5);
  const uint32_t before = ParseHeader(bytes).header.crc;
  SetLogAppendTime(bytes, Timestamp(1'800'000'000'000));
  EXPECT_TRUE(CheckCrc(bytes));
  const BatchHeader h = ParseHeader(bytes).header;
  EXPECT_NE(h.crc, before);
  EXPECT_EQ(h.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(h.max_timestamp, Timestamp(1'800'000'000'000));
  EXPECT_EQ(h.base_timestamp, SampleHeader().base_timestamp);
  SetMaxTimestamp(bytes, TimestampType::kCreateTime, SampleHeader().max_timestamp);
  EXPECT_EQ(ParseHeader(bytes).header.crc, before);
}

TEST(BatchCursor, YieldsEveryBatchThenEnds) {
  ByteBuffer range = MakeBatch(SampleHeader(), 3);
  AppendBytes(range, MakeBatch(SampleHeader(), 0));
  BatchCursor cursor(range);
  BatchCursor::Step step = cursor.Next();
  ASSERT_EQ(step.found, BatchCursor::Found::kBatch);
  EXPECT_EQ(step.batch.size(), 64u);
  EXPECT_EQ(cursor.position_bytes(), 64);
  step = cursor.Next();
  ASSERT_EQ(step.found, BatchCursor::Found::kBatch);
  EXPECT_EQ(step.batch.data(), range.data() + 64);
  EXPECT_EQ(cursor.Next().found, BatchCursor::Found::kEnd);
  EXPECT_EQ(cursor.Next().found, BatchCursor::Found::kEnd);
}

TEST(BatchCursor, EveryCutOfTheLastBatchIsTruncated) {
  ByteBuffer range = MakeBatch(SampleHeader(), 3);
  AppendBytes(range, MakeBatch(SampleHeader(), 9));
  for (size_t n = 65; n < range.size(); ++n) {
    BatchCursor cursor(Bytes(range).first(n));
    EXPECT_EQ(cursor.Next().found, BatchCursor::Found::kBatch);
    const BatchCursor::Step step = cursor.Next();
    ASSERT_EQ(step.found, BatchCursor::Found::kProblem) << n;
    EXPECT_EQ(step.problem.error, BatchError::kTruncated) << n;
    EXPECT_EQ(step.problem.at_byte, static_cast<int64_t>(n));
    EXPECT_EQ(cursor.position_bytes(), 64);
  }
}

TEST(BatchCursor, ProblemPositionCountsFromTheStartOfTheRange) {
  ByteBuffer range = MakeBatch(SampleHeader(), 3);
  range.resize(range.size() + 100);
  BatchCursor cursor(range);
  EXPECT_EQ(cursor.Next().found, BatchCursor::Found::kBatch);
  const BatchCursor::Step step = cursor.Next();
  EXPECT_EQ(step.problem.error, BatchError::kBadLength);
  EXPECT_EQ(step.problem.at_byte, 64 + 8);
}

}  // namespace batch_test
}  // namespace odradek::record
