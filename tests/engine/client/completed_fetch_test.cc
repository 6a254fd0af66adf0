#include "engine/client/completed_fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/record/builder.h"
#include "engine/record/control.h"

namespace odradek::client {
namespace {

using record::BatchKind;

struct BatchOf {
  int64_t base_offset = 0;
  std::vector<std::string> values;
  int64_t producer_id = -1;
  BatchKind kind = BatchKind::kData;
  record::Codec codec = record::Codec::kNone;
};

ByteBuffer Build(const BatchOf& batch) {
  record::BatchBuilder builder({.compression = {.codec = batch.codec, .level = std::nullopt},
                                .base_offset = Offset(batch.base_offset),
                                .leader_epoch = LeaderEpoch(3),
                                .kind = batch.kind,
                                .log_append_time = std::nullopt});
  for (const std::string& value : batch.values) {
    builder.Append({.timestamp = Timestamp(5), .key = std::nullopt, .value = AsBytes(value)});
  }
  if (batch.producer_id >= 0) builder.SetProducer({ProducerId(batch.producer_id), ProducerEpoch(0), 0});
  return builder.Build();
}

ByteBuffer Marker(int64_t offset, int64_t producer_id, record::ControlType type) {
  record::EndTxnBatchOptions options;
  options.base_offset = Offset(offset);
  options.timestamp = Timestamp(5);
  options.producer_id = ProducerId(producer_id);
  options.producer_epoch = ProducerEpoch(0);
  return record::BuildEndTxnBatch(options, {.type = type});
}

class CompletedFetchTest : public ::testing::Test {
 protected:
  CompletedFetch Fetched(int64_t fetch_offset, Offset high_watermark = kNoOffset) {
    return CompletedFetch(
        context_, options_,
        {bytes_, nullptr, aborted_, Offset(fetch_offset), /*asked_at=*/{}, /*high_watermark=*/high_watermark});
  }
  void Add(const ByteBuffer& batch) { AppendBytes(bytes_, batch); }
  // "offset=value …" of everything, taken `count_max` at a time.
  std::string TakeAll(CompletedFetch& fetch, int32_t count_max = 1000) {
    std::string text;
    while (!fetch.is_done()) {
      PartitionRecords out;
      fetch.Take(count_max, out);
      EXPECT_LE(out.records.size(), static_cast<size_t>(count_max));
      for (const ConsumerRecord& record : out.records) {
        text += text.empty() ? "" : " ";
        text += std::to_string(record.offset.value()) + "=" + std::string(AsString(*record.value));
      }
      if (out.records.empty()) break;
    }
    return text;
  }

  base::NullContext context_;
  CompletedFetch::Options options_;
  ByteBuffer bytes_;
  std::vector<CompletedFetch::Aborted> aborted_;
};

TEST_F(CompletedFetchTest, GivesOutWholeBatchesInPieces) {
  Add(Build({.base_offset = 10, .values = {"a", "b", "c"}}));
  Add(Build({.base_offset = 13, .values = {"d", "e"}, .codec = record::Codec::kZstd}));
  for (const int32_t count_max : {1, 2, 3, 100}) {
    CompletedFetch fetch = Fetched(10);
    EXPECT_EQ(TakeAll(fetch, count_max), "10=a 11=b 12=c 13=d 14=e");
    EXPECT_EQ(fetch.next_offset(), Offset(15));
    EXPECT_EQ(fetch.last_epoch(), LeaderEpoch(3));
  }
}

TEST_F(CompletedFetchTest, LeavesOutWhatLiesBeforeTheFetchOffset) {
  Add(Build({.base_offset = 10, .values = {"a", "b", "c"}}));
  CompletedFetch fetch = Fetched(11);
  EXPECT_EQ(TakeAll(fetch), "11=b 12=c");
}

// Base offsets are outside of the checksum.
TEST_F(CompletedFetchTest, ABatchThatLiesWhollyBeforeThePositionIsDamaged) {
  Add(Build({.base_offset = 10, .values = {"a"}}));
  Add(Build({.base_offset = 7, .values = {"b"}}));
  CompletedFetch fetch = Fetched(10);
  EXPECT_EQ(TakeAll(fetch), "");
  EXPECT_EQ(fetch.problem(), "batch at offset 10: it ends at offset 10, and the next batch begins at 7");
  CompletedFetch first = Fetched(12);
  EXPECT_EQ(TakeAll(first), "");
  EXPECT_EQ(first.problem(), "batch at offset 10: it ends at offset 10, and the position is 12");
}

TEST_F(CompletedFetchTest, NothingIsGivenOutOfABatchThatReachesIntoTheNextOne) {
  Add(Build({.base_offset = 10, .values = {"a"}}));
  Add(Build({.base_offset = 13, .values = {"b", "c"}}));
  Add(Build({.base_offset = 13, .values = {"d"}}));
  CompletedFetch fetch = Fetched(10);
  EXPECT_EQ(TakeAll(fetch), "10=a");
  EXPECT_EQ(fetch.problem(), "batch at offset 13: it ends at offset 14, and the next batch begins at 13");
}

TEST_F(CompletedFetchTest, StopsBeforeWhatTheAnswersHighWatermarkDoesNotAllow) {
  Add(Build({.base_offset = 10, .values = {"a"}}));
  Add(Build({.base_offset = 11, .values = {"b", "c"}}));
  for (const int64_t high_watermark : {11, 12}) {
    CompletedFetch fetch = Fetched(10, Offset(high_watermark));
    EXPECT_EQ(TakeAll(fetch), "10=a");
    EXPECT_TRUE(fetch.is_done());
    EXPECT_TRUE(fetch.is_ahead());
    EXPECT_EQ(fetch.problem(), "");
    EXPECT_EQ(fetch.next_offset(), Offset(11));
  }
  CompletedFetch whole = Fetched(10, Offset(13));
  EXPECT_EQ(TakeAll(whole), "10=a 11=b 12=c");
  EXPECT_FALSE(whole.is_ahead());
}

TEST_F(CompletedFetchTest, MovesBehindBatchesThatHaveNothingToGive) {
  // What compaction leaves: the batch keeps its last offset, its last records are gone.
  ByteBuffer compacted = Build({.base_offset = 10, .values = {"a"}});
  StoreBigEndian(compacted.data() + record::kLastOffsetDeltaAt, int32_t{9});
  StoreBigEndian(compacted.data() + record::kCrcAt, record::ComputeCrc(compacted));
  Add(compacted);
  CompletedFetch fetch = Fetched(10);
  EXPECT_EQ(TakeAll(fetch), "10=a");
  EXPECT_EQ(fetch.next_offset(), Offset(20));
  bytes_.clear();
  Add(Marker(20, 1, record::ControlType::kCommit));
  CompletedFetch with_marker = Fetched(20);
  EXPECT_EQ(TakeAll(with_marker), "");
  EXPECT_EQ(with_marker.next_offset(), Offset(21));
}

TEST_F(CompletedFetchTest, ReadCommittedLeavesOutAbortedTransactionsOnly) {
  const auto txn = [](int64_t offset, std::vector<std::string> values, int64_t producer) {
    return Build({offset, std::move(values), producer, BatchKind::kTransactionalData, record::Codec::kNone});
  };
  Add(txn(0, {"a"}, 1));
  Add(txn(1, {"b"}, 2));
  Add(Marker(2, 1, record::ControlType::kAbort));
  Add(txn(3, {"c"}, 1));
  Add(Build({.base_offset = 4, .values = {"plain"}, .producer_id = 1}));
  Add(Marker(5, 2, record::ControlType::kCommit));
  Add(txn(6, {"d"}, 2));
  Add(Marker(7, 2, record::ControlType::kAbort));
  Add(Marker(8, 1, record::ControlType::kCommit));
  aborted_ = {{2, 6}, {1, 0}};
  CompletedFetch uncommitted = Fetched(0);
  EXPECT_EQ(TakeAll(uncommitted), "0=a 1=b 3=c 4=plain 6=d");
  options_.isolation_level = IsolationLevel::kReadCommitted;
  CompletedFetch committed = Fetched(0);
  EXPECT_EQ(TakeAll(committed), "1=b 3=c 4=plain");
  EXPECT_EQ(committed.next_offset(), Offset(9));
}

TEST_F(CompletedFetchTest, ADamagedBatchIsAProblemBehindTheGoodOnes) {
  Add(Build({.base_offset = 0, .values = {"a"}}));
  Add(Build({.base_offset = 1, .values = {"b"}}));
  bytes_.back() ^= std::byte{1};
  CompletedFetch fetch = Fetched(0);
  EXPECT_EQ(TakeAll(fetch), "0=a");
  EXPECT_THAT(fetch.problem(), ::testing::HasSubstr("batch at offset 1: "));
  EXPECT_EQ(fetch.next_offset(), Offset(1));
  options_.check_crcs = CrcCheck::kOff;
  CompletedFetch unchecked = Fetched(0);
  TakeAll(unchecked);
  EXPECT_EQ(unchecked.next_offset(), unchecked.problem().empty() ? Offset(2) : Offset(1));
}

TEST_F(CompletedFetchTest, ACutOffLastBatchIsTheEndAndACutOffFirstOneAProblem) {
  Add(Build({.base_offset = 0, .values = {"a"}}));
  const size_t first_bytes = bytes_.size();
  Add(Build({.base_offset = 1, .values = {"b"}}));
  bytes_.resize(bytes_.size() - 3);
  CompletedFetch fetch = Fetched(0);
  EXPECT_EQ(TakeAll(fetch), "0=a");
  EXPECT_EQ(fetch.problem(), "");
  bytes_.resize(first_bytes - 1);
  CompletedFetch cut = Fetched(0);
  EXPECT_EQ(TakeAll(cut), "");
  EXPECT_NE(cut.problem(), "");
}

}  // namespace
}  // namespace odradek::client
