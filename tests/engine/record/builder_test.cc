#include "engine/record/builder.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/record/control.h"
#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace builder_test {

TEST(BatchBuilder, BuildsTheSameBytesTwice) {
  BatchBuilder builder(BatchBuilderOptions{.compression = {.codec = Codec::kZstd, .level = 5}});
  samples::AppendTo(builder, {1, "a", "b", {}});
  EXPECT_EQ(builder.Build(), builder.Build());
}

RC_GTEST_PROP(BatchBuilder, SizeWithARecordIsAnUpperBound, ()) {
  const auto records = *samples::SomeRecords();
  BatchBuilder builder(BatchBuilderOptions{});
  for (const samples::OwnedRecord& record : records) {
    std::vector<RecordHeader> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, samples::View(value)});
    const int64_t before = builder.EstimatedSizeBytes();
    const int64_t bound = builder.EstimatedSizeBytesWith(
        {Timestamp(record.timestamp), samples::View(record.key), samples::View(record.value), headers});
    samples::AppendTo(builder, record);
    RC_ASSERT(builder.EstimatedSizeBytes() <= bound);
    RC_ASSERT(builder.EstimatedSizeBytes() > before);
  }
  RC_ASSERT(static_cast<int64_t>(builder.Build().size()) == builder.uncompressed_bytes());
}

TEST(BatchBuilder, EstimateFollowsTheExpectedRatio) {
  BatchBuilder builder(
      BatchBuilderOptions{.compression = {.codec = Codec::kLz4, .level = {}}, .compressed_permille = 500});
  samples::AppendTo(builder, {1, "a", std::string(1000, 'x'), {}});
  EXPECT_EQ(builder.EstimatedSizeBytes(), 61 + (builder.uncompressed_bytes() - 61) / 2);
}

TEST(BatchBuilder, ProducerMayBeSetLate) {
  BatchBuilder builder(BatchBuilderOptions{.kind = BatchKind::kTransactionalData});
  samples::AppendTo(builder, {7, "a", "b", {}});
  samples::AppendTo(builder, {3, "a", "b", {}});
  builder.SetProducer({ProducerId(9), ProducerEpoch(2), 100});
  const ByteBuffer batch = builder.Build();
  const BatchHeader h = ParseHeader(batch).header;
  EXPECT_EQ(h.producer_id, ProducerId(9));
  EXPECT_EQ(h.producer_epoch, ProducerEpoch(2));
  EXPECT_EQ(h.last_sequence(), 101);
  EXPECT_EQ(h.base_timestamp, Timestamp(7));
  EXPECT_EQ(h.max_timestamp, Timestamp(7));
  EXPECT_TRUE(h.is_transactional());
  EXPECT_FALSE(h.is_control());
}

TEST(ControlBatch, KeyNamesTheType) {
  const ByteBuffer batch = BuildControlBatch(
      {.base_offset = Offset(4), .timestamp = Timestamp(8), .type = ControlType::kKraftVersion}, AsBytes("xyz"));
  const BatchHeader h = ParseHeader(batch).header;
  EXPECT_TRUE(h.is_control());
  EXPECT_FALSE(h.is_transactional());
  RecordIterator records(h, batch);
  ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
  const auto key = ParseControlKey(*records.record().key);
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(key->Is(ControlType::kKraftVersion));
  EXPECT_EQ(AsString(*records.record().value), "xyz");
}

TEST(ControlBatch, OtherTypesAreNotTheEndOfATransaction) {
  const ByteBuffer batch = BuildControlBatch({.type = ControlType::kLeaderChange}, AsBytes("v"));
  const EndTxnResult r = ReadEndTxnMarker(ParseHeader(batch).header, batch);
  EXPECT_EQ(r.marker, std::nullopt);
  EXPECT_EQ(r.problem.error, BatchError::kNone);
}

TEST(ControlBatch, ShortKeysAndValuesAreProblems) {
  EXPECT_EQ(ParseControlKey(AsBytes("abc")), std::nullopt);
  const ByteBuffer batch = BuildControlBatch({.type = ControlType::kCommit}, AsBytes("short"));
  const EndTxnResult r = ReadEndTxnMarker(ParseHeader(batch).header, batch);
  EXPECT_EQ(r.problem.error, BatchError::kBadRecord);
}

}  // namespace builder_test
}  // namespace odradek::record
