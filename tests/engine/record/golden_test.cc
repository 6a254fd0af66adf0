#include <gtest/gtest.h>

#include "engine/record/control.h"
#include "engine/record/retain.h"
#include "engine/record/validate.h"
#include "tests/engine/record/golden_batches.h"
#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace golden_test {

ByteBuffer FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  ByteBuffer out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return out;
}

std::vector<samples::OwnedRecord> ThreeRecords() {
  return {{1'700'000'000'000, "k1", "v1", {{"h", "x"}, {"h", std::nullopt}}},
          {1'700'000'000'007, std::nullopt, std::string(300, 'a'), {}},
          {1'700'000'000'003, "k3", std::nullopt, {}}};
}

constexpr int32_t kBaseSequence = 2147483646;

void ExpectThreeRecords(const golden::Golden& g) {
  const ByteBuffer batch = FromHex(g.hex);
  const ValidationResult valid = ValidateBatch(batch);
  EXPECT_TRUE(valid.ok()) << g.name << ": " << valid.problem.what;
  EXPECT_EQ(valid.record_count, 3);
  EXPECT_EQ(valid.max_timestamp, Timestamp(1'700'000'000'007));
  EXPECT_EQ(valid.max_timestamp_offset_delta, 1);
  EXPECT_EQ(valid.header.max_timestamp, valid.max_timestamp);
  EXPECT_EQ(valid.header.producer_id, ProducerId(4001));
  EXPECT_EQ(valid.header.producer_epoch, ProducerEpoch(9));
  EXPECT_EQ(valid.header.last_sequence(), 0);
  const samples::Iterated read = samples::Iterate(batch);
  EXPECT_EQ(read.problem.what, "") << g.name;
  EXPECT_EQ(read.records, ThreeRecords()) << g.name;
  EXPECT_EQ(read.sequences, (std::vector<int32_t>{2147483646, 2147483647, 0}));
  EXPECT_EQ(read.offsets, (std::vector<int64_t>{0, 1, 2}));
}

TEST(GoldenBatch, JavaBatchesOfEveryCodecRead) {
  for (const golden::Golden& g : golden::kJavaData) ExpectThreeRecords(g);
}

TEST(GoldenBatch, PythonBatchesOfEveryCodecRead) {
  for (const golden::Golden& g : golden::kPythonData) ExpectThreeRecords(g);
}

BatchBuilderOptions JavaOptions(Codec codec) {
  BatchBuilderOptions options;
  options.compression.codec = codec;
  options.leader_epoch = LeaderEpoch(5);
  options.kind = BatchKind::kTransactionalData;
  return options;
}

TEST(GoldenBatch, BuilderWritesJavasUncompressedBytes) {
  const ByteBuffer ours = samples::MakeBatch(ThreeRecords(), JavaOptions(Codec::kNone),
                                             {ProducerId(4001), ProducerEpoch(9), kBaseSequence});
  EXPECT_EQ(ours, FromHex(golden::kJavaData[0].hex));
}

TEST(GoldenBatch, SnappyBytesAreJavas) {
  const ByteBuffer ours = samples::MakeBatch(ThreeRecords(), JavaOptions(Codec::kSnappy),
                                             {ProducerId(4001), ProducerEpoch(9), kBaseSequence});
  EXPECT_EQ(ours, FromHex(golden::kJavaData[2].hex));
}

TEST(GoldenBatch, LogAppendTimeReplacesRecordTimestamps) {
  const ByteBuffer batch = FromHex(golden::kJavaLogAppendTime);
  EXPECT_TRUE(CheckCrc(batch));
  const samples::Iterated read = samples::Iterate(batch);
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].timestamp, 1'700'000'009'999);
  EXPECT_EQ(read.offsets[0], 70);

  BatchBuilderOptions options;
  options.base_offset = Offset(70);
  options.leader_epoch = LeaderEpoch(5);
  options.log_append_time = Timestamp(1'700'000'009'999);
  EXPECT_EQ(samples::MakeBatch({{1'700'000'000'000, "k", "v", {}}}, options), batch);

  options.log_append_time.reset();
  ByteBuffer patched = samples::MakeBatch({{1'700'000'000'000, "k", "v", {}}}, options);
  SetLogAppendTime(patched, Timestamp(1'700'000'009'999));
  EXPECT_EQ(patched, batch);
}

TEST(GoldenBatch, TransactionMarkersAreJavas) {
  EndTxnBatchOptions options;
  options.base_offset = Offset(88);
  options.leader_epoch = LeaderEpoch(6);
  options.timestamp = Timestamp(1'700'000'000'000);
  options.producer_id = ProducerId(4001);
  options.producer_epoch = ProducerEpoch(9);
  EXPECT_EQ(BuildEndTxnBatch(options, {ControlType::kCommit, 13}), FromHex(golden::kJavaCommit));

  const ByteBuffer abort = FromHex(golden::kJavaAbort);
  const BatchHeader header = ParseHeader(abort).header;
  EXPECT_TRUE(header.is_control());
  EXPECT_EQ(header.last_sequence(), kNoSequence);
  const EndTxnResult read = ReadEndTxnMarker(header, abort);
  ASSERT_TRUE(read.marker.has_value()) << read.problem.what;
  EXPECT_EQ(read.marker->type, ControlType::kAbort);
  EXPECT_EQ(read.marker->coordinator_epoch, 14);
}

TEST(GoldenBatch, EmptyBatchKeepsOffsetsAndSequence) {
  const ByteBuffer batch = FromHex(golden::kJavaEmpty);
  EXPECT_TRUE(CheckCrc(batch));
  const HeaderResult parsed = ParseHeader(batch);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.header.record_count, 0);
  EXPECT_EQ(parsed.header.last_offset(), Offset(104));
  EXPECT_EQ(parsed.header.last_sequence(), 21);
  const samples::Iterated read = samples::Iterate(batch);
  EXPECT_TRUE(read.records.empty());
  EXPECT_EQ(read.problem.error, BatchError::kNone);
}

TEST(Golden, AnEmptyBatchIsTheOneThatKafkaLeaves) {
  BatchBuilder builder(
      {.base_offset = Offset(100), .leader_epoch = LeaderEpoch(3), .kind = BatchKind::kTransactionalData});
  for (int i = 0; i < 5; ++i) builder.Append({.timestamp = Timestamp(1700000000000), .key = AsBytes("k")});
  builder.SetProducer({.id = ProducerId(4001), .epoch = ProducerEpoch(9), .base_sequence = 17});
  EXPECT_EQ(EmptyBatch(ParseHeader(builder.Build()).header), FromHex(golden::kJavaEmpty));
}

}  // namespace golden_test
}  // namespace odradek::record
