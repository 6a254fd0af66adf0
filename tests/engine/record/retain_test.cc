#include "engine/record/retain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/record/builder.h"

namespace odradek::record {
namespace {

ByteBuffer FiveRecords(const BatchBuilderOptions& options) {
  BatchBuilder builder(options);
  const RecordHeader headers[] = {{.key = "h", .value = AsBytes("x")}, {.key = "i", .value = std::nullopt}};
  for (int i = 0; i < 5; ++i) {
    const std::string key = "k" + std::to_string(i);
    builder.Append({.timestamp = Timestamp(1000 + 10 * i),
                    .key = AsBytes(key),
                    .value = i == 3 ? std::nullopt : std::optional<Bytes>(AsBytes("value")),
                    .headers = headers});
  }
  builder.SetProducer({.id = ProducerId(4), .epoch = ProducerEpoch(1), .base_sequence = 17});
  return builder.Build();
}

TEST(Retain, KeepsWhatIsLeftAsItWas) {
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const ByteBuffer batch =
        FiveRecords({.compression = {.codec = codec}, .base_offset = Offset(100), .leader_epoch = LeaderEpoch(3)});
    const BatchHeader before = ParseHeader(batch).header;
    RecordIterator all(before, batch);
    std::vector<RecordView> kept;
    while (all.Next() == RecordIterator::Found::kRecord) {
      if (all.record().offset.value() % 2 == 1) kept.push_back(all.record());
    }
    const ByteBuffer left = RetainRecords(before, {.records = kept});
    const BatchHeader after = ParseHeader(left).header;
    EXPECT_TRUE(CheckCrc(left));
    EXPECT_EQ(after.base_offset, Offset(100));
    EXPECT_EQ(after.last_offset(), Offset(104));
    EXPECT_EQ(after.last_sequence(), 21);
    EXPECT_EQ(after.leader_epoch, LeaderEpoch(3));
    EXPECT_EQ(after.codec(), codec);
    EXPECT_EQ(after.record_count, 2);
    EXPECT_EQ(after.max_timestamp, Timestamp(1030));
    RecordIterator records(after, left);
    for (const RecordView& expected : kept) {
      ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
      EXPECT_EQ(records.record().offset, expected.offset);
      EXPECT_EQ(records.record().timestamp, expected.timestamp);
      EXPECT_EQ(records.record().sequence, expected.sequence);
      EXPECT_TRUE(std::ranges::equal(*records.record().key, *expected.key));
      EXPECT_EQ(records.record().value.has_value(), expected.value.has_value());
      EXPECT_EQ(records.record().headers.left(), 2);
    }
    EXPECT_EQ(records.Next(), RecordIterator::Found::kEnd);
  }
}

TEST(Retain, ADeleteHorizonChangesNoTimestamp) {
  const ByteBuffer batch = FiveRecords({});
  const BatchHeader before = ParseHeader(batch).header;
  RecordIterator all(before, batch);
  std::vector<RecordView> kept;
  while (all.Next() == RecordIterator::Found::kRecord) kept.push_back(all.record());
  const ByteBuffer left = RetainRecords(before, {.records = kept, .delete_horizon = Timestamp(1'000'000)});
  const BatchHeader after = ParseHeader(left).header;
  EXPECT_TRUE(after.has_delete_horizon());
  EXPECT_EQ(after.base_timestamp, Timestamp(1'000'000));
  RecordIterator records(after, left);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
    EXPECT_EQ(records.record().timestamp, Timestamp(1000 + 10 * i));
  }
}

TEST(Retain, AnAppendTimeBatchKeepsItsTime) {
  const ByteBuffer batch = FiveRecords({.log_append_time = Timestamp(7777)});
  const BatchHeader before = ParseHeader(batch).header;
  RecordIterator all(before, batch);
  ASSERT_EQ(all.Next(), RecordIterator::Found::kRecord);
  const std::vector<RecordView> kept{all.record()};
  const ByteBuffer left = RetainRecords(before, {.records = kept});
  const BatchHeader after = ParseHeader(left).header;
  EXPECT_EQ(after.max_timestamp, Timestamp(7777));
  RecordIterator records(after, left);
  ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
  EXPECT_EQ(records.record().timestamp, Timestamp(7777));
}

}  // namespace
}  // namespace odradek::record
