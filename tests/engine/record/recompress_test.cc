#include "engine/record/recompress.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace {

using samples::Iterate;
using samples::MakeBatch;

RecompressOptions To(Codec codec) {
  return {.compression = {.codec = codec}, .decompress = {}};
}

const std::vector<samples::OwnedRecord> kTwo = {{1000, "k", "v", {{"h", "x"}}}, {900, std::nullopt, "w", {}}};

BatchHeader HeaderOf(Bytes batch) {
  const HeaderResult parsed = ParseHeader(batch);
  EXPECT_TRUE(parsed.ok()) << parsed.problem.what;
  return parsed.header;
}

// What recompression may change, made equal.
BatchHeader Neutral(BatchHeader header) {
  header.size_bytes = 0;
  header.crc = 0;
  header.attributes = static_cast<uint16_t>(header.attributes & ~kCodecMask);
  return header;
}

RC_GTEST_PROP(Recompress, KeepsRecordsAndHeaderInEveryPairOfCodecs, ()) {
  const auto records = *samples::SomeRecords();
  BatchBuilderOptions options;
  options.compression.codec =
      *rc::gen::elementOf(std::vector<Codec>(std::begin(samples::kCodecs), std::end(samples::kCodecs)));
  options.base_offset = Offset(*rc::gen::inRange<int64_t>(0, 1000));
  options.leader_epoch = LeaderEpoch(7);
  options.kind = BatchKind::kTransactionalData;
  const ByteBuffer batch = MakeBatch(records, options, {ProducerId(5), ProducerEpoch(2), 17});
  const Codec codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(samples::kCodecs), std::end(samples::kCodecs)));

  const RecompressResult result = RecompressBatch(batch, To(codec));

  RC_ASSERT(result.ok());
  RC_ASSERT(CheckCrc(result.batch));
  const BatchHeader header = HeaderOf(result.batch);
  RC_ASSERT(header.codec() == codec);
  RC_ASSERT(header.size_bytes == static_cast<int64_t>(result.batch.size()));
  RC_ASSERT(Neutral(header) == Neutral(HeaderOf(batch)));
  RC_ASSERT(Iterate(result.batch).records == records);
  RC_ASSERT(Iterate(result.batch).offsets == Iterate(batch).offsets);
}

TEST(Recompress, IsWhatABuilderOfThatCodecMakes) {
  for (const Codec codec : samples::kCodecs) {
    EXPECT_EQ(RecompressBatch(MakeBatch(kTwo, Codec::kGzip), To(codec)).batch, MakeBatch(kTwo, codec));
  }
}

TEST(Recompress, KeepsLogAppendTime) {
  BatchBuilderOptions options;
  options.log_append_time = Timestamp(5000);
  const RecompressResult result = RecompressBatch(MakeBatch(kTwo, options), To(Codec::kZstd));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(HeaderOf(result.batch).timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(Iterate(result.batch).records[0].timestamp, 5000);
}

TEST(Recompress, UsesTheLevel) {
  const std::vector<samples::OwnedRecord> text = {
      {1, std::nullopt, std::string(50'000, 'a') + std::string(50'000, 'b'), {}}};
  RecompressOptions fast = To(Codec::kGzip);
  fast.compression.level = 1;
  RecompressOptions small = fast;
  small.compression.level = 9;
  EXPECT_LT(RecompressBatch(MakeBatch(text), small).batch.size(), RecompressBatch(MakeBatch(text), fast).batch.size());
}

TEST(Recompress, NamesWhatIsWrongWithTheBatch) {
  ByteBuffer batch = MakeBatch(kTwo, Codec::kZstd);
  const Bytes cut = Bytes(batch).first(batch.size() - 1);
  EXPECT_EQ(RecompressBatch(cut, To(Codec::kNone)).problem.error, BatchError::kTruncated);
  ByteBuffer longer = batch;
  longer.push_back(std::byte{0});
  EXPECT_EQ(RecompressBatch(longer, To(Codec::kNone)).problem.error, BatchError::kBadLength);
  ByteBuffer unknown = batch;
  unknown[kAttributesAt + 1] = std::byte{7};
  EXPECT_EQ(RecompressBatch(unknown, To(Codec::kNone)).problem.error, BatchError::kUnsupportedCodec);
  batch[kBatchOverheadBytes] = std::byte{0xff};
  EXPECT_EQ(RecompressBatch(batch, To(Codec::kNone)).problem.error, BatchError::kDecompression);
}

TEST(Recompress, UnpacksNoMoreThanTheLimit) {
  const std::vector<samples::OwnedRecord> large = {{1, std::nullopt, std::string(1'000'000, 'a'), {}}};
  RecompressOptions options = To(Codec::kNone);
  options.decompress.output_bytes_max = 100'000;
  EXPECT_EQ(RecompressBatch(MakeBatch(large, Codec::kZstd), options).problem.error, BatchError::kTooLarge);
}

}  // namespace
}  // namespace odradek::record
