#include "engine/record/record_iterator.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace iterator_test {

using samples::Iterate;
using samples::Iterated;
using samples::OwnedRecord;

// The plainest reader of the format: works on positions, copies everything, throws at the first thing that is wrong.
class NaiveReader {
 public:
  explicit NaiveReader(std::string bytes) : bytes_(std::move(bytes)) {}

  bool at_end() const { return at_ == bytes_.size(); }

  std::pair<int64_t, OwnedRecord> Record() {
    const int64_t size = Number(5);
    const size_t start = at_;
    if (size < 0) throw std::runtime_error("size");
    const size_t end = start + static_cast<size_t>(size);
    Take(1);
    OwnedRecord record;
    record.timestamp = Number(10);
    const int64_t delta = Number(5);
    record.key = Field(end);
    record.value = Field(end);
    const int64_t headers = Number(5);
    if (headers < 0) throw std::runtime_error("headers");
    for (int64_t i = 0; i < headers; ++i) {
      const auto key = Field(end);
      if (!key) throw std::runtime_error("header key");
      const auto value = Field(end);
      record.headers.emplace_back(*key, value);
    }
    if (at_ != end) throw std::runtime_error("end");
    return {delta, record};
  }

 private:
  std::string Take(size_t n) {
    if (n > bytes_.size() - at_) throw std::runtime_error("short");
    at_ += n;
    return bytes_.substr(at_ - n, n);
  }

  int64_t Number(int groups_max) {
    unsigned __int128 raw = 0;
    for (int i = 0; i < groups_max; ++i) {
      const auto group = static_cast<unsigned char>(Take(1)[0]);
      raw |= static_cast<unsigned __int128>(group & 0x7f) << (7 * i);
      if (group >= 0x80) continue;
      if (raw >> (groups_max == 5 ? 32 : 64) != 0) throw std::runtime_error("range");
      const auto zigzag = static_cast<uint64_t>(raw);
      return zigzag % 2 == 0 ? static_cast<int64_t>(zigzag / 2) : -static_cast<int64_t>(zigzag / 2) - 1;
    }
    throw std::runtime_error("long");
  }

  std::optional<std::string> Field(size_t end) {
    const int64_t size = Number(5);
    if (size == -1) return std::nullopt;
    if (size < 0 || at_ > end || static_cast<size_t>(size) > end - at_) throw std::runtime_error("field");
    return Take(static_cast<size_t>(size));
  }

  std::string bytes_;
  size_t at_ = 0;
};

// What the naive reader makes of an uncompressed batch, in the form of Iterate(); the problem is only yes or no.
Iterated IterateNaively(Bytes batch) {
  Iterated all;
  const BatchHeader h = ParseHeader(batch).header;
  try {
    NaiveReader reader{std::string(AsString(batch.subspan(kBatchOverheadBytes)))};
    int64_t last_delta = -1;
    for (int32_t i = 0; i < h.record_count; ++i) {
      auto [delta, record] = reader.Record();
      if (delta <= last_delta || delta > h.last_offset_delta) throw std::runtime_error("delta");
      last_delta = delta;
      const auto sum = static_cast<uint64_t>(h.base_timestamp.value()) + static_cast<uint64_t>(record.timestamp);
      record.timestamp = static_cast<int64_t>(sum);
      if (h.timestamp_type() == TimestampType::kLogAppendTime) record.timestamp = h.max_timestamp.value();
      all.records.push_back(record);
      all.offsets.push_back(h.base_offset.value() + delta);
    }
    if (!reader.at_end()) throw std::runtime_error("rest");
  } catch (const std::runtime_error& e) {
    all.problem = {BatchError::kBadRecord, 0, e.what()};
  }
  return all;
}

RC_GTEST_PROP(RecordIterator, ReadsBackWhatTheBuilderWrote, ()) {
  const std::vector<OwnedRecord> records = *samples::SomeRecords();
  const Codec codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(samples::kCodecs), std::end(samples::kCodecs)));
  BatchBuilderOptions options;
  options.compression.codec = codec;
  options.base_offset = Offset(*rc::gen::inRange<int64_t>(0, int64_t{1} << 60));
  const ProducerFields producer{ProducerId(1), ProducerEpoch(0), *rc::gen::inRange(2147483600, 2147483647)};
  const ByteBuffer batch = samples::MakeBatch(records, options, producer);
  RC_ASSERT(CheckCrc(batch));
  const Iterated read = Iterate(batch);
  RC_ASSERT(read.problem.what == "");
  RC_ASSERT(read.records == records);
  for (size_t i = 0; i < records.size(); ++i) {
    RC_ASSERT(read.offsets[i] == options.base_offset.value() + static_cast<int64_t>(i));
    RC_ASSERT(read.sequences[i] == SequenceAfter(producer.base_sequence, static_cast<int32_t>(i)));
  }
}

RC_GTEST_PROP(RecordIterator, AgreesWithTheNaiveReaderOnMutatedBytes, ()) {
  ByteBuffer batch = samples::MakeBatch(*samples::SomeRecords());
  const int mutations = *rc::gen::inRange(0, 4);
  for (int i = 0; i < mutations; ++i) {
    // Small values and sign changes hit lengths and counts more often than random bytes do.
    const auto at = *rc::gen::inRange<size_t>(kAttributesAt + 2, batch.size());
    const auto value = *rc::gen::element<uint8_t>(0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff, 14);
    batch[at] = static_cast<std::byte>(value);
  }
  if (!ParseHeader(batch).ok()) return;
  const Iterated ours = Iterate(batch);
  const Iterated naive = IterateNaively(batch);
  RC_ASSERT(ours.records == naive.records);
  RC_ASSERT(ours.offsets == naive.offsets);
  RC_ASSERT((ours.problem.error == BatchError::kNone) == (naive.problem.error == BatchError::kNone));
}

TEST(RecordIterator, ViewsPointIntoAnUncompressedBatch) {
  const ByteBuffer batch = samples::MakeBatch({{5, "key", "value", {}}, {6, "k2", std::nullopt, {}}});
  RecordIterator records(ParseHeader(batch).header, batch);
  ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
  const Bytes key = *records.record().key;
  EXPECT_GE(key.data(), batch.data());
  EXPECT_LT(key.data(), batch.data() + batch.size());
  ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
  EXPECT_EQ(AsString(key), "key");
  EXPECT_EQ(records.Next(), RecordIterator::Found::kEnd);
  EXPECT_EQ(records.Next(), RecordIterator::Found::kEnd);
}

TEST(RecordIterator, CompactedBatchHasGaps) {
  const std::vector<OwnedRecord> two = {{5, "a", "b", {}}, {6, "c", "d", {}}};
  ByteBuffer batch = samples::MakeBatch(two);
  StoreBigEndian<int32_t>(batch.data() + kLastOffsetDeltaAt, 9);
  // Offset delta of the second record: length, attributes and timestamp delta stand before it, one byte each.
  const size_t first_bytes = 1 + static_cast<size_t>(std::to_integer<int>(batch[kBatchOverheadBytes])) / 2;
  const size_t delta_at = kBatchOverheadBytes + first_bytes + 3;
  ASSERT_EQ(batch[delta_at], std::byte{2});
  batch[delta_at] = std::byte{14};
  const Iterated read = Iterate(batch);
  EXPECT_EQ(read.problem.error, BatchError::kNone);
  EXPECT_EQ(read.offsets, (std::vector<int64_t>{0, 7}));
  batch[delta_at] = std::byte{20};
  EXPECT_EQ(Iterate(batch).problem.error, BatchError::kBadOffsetDeltas);
  batch[delta_at] = std::byte{0};
  EXPECT_EQ(Iterate(batch).problem.error, BatchError::kBadOffsetDeltas);
}

TEST(RecordIterator, WrongCountsAreProblems) {
  for (const Codec codec : samples::kCodecs) {
    ByteBuffer batch = samples::MakeBatch({{5, "a", "b", {}}, {6, "c", "d", {}}}, codec);
    StoreBigEndian<int32_t>(batch.data() + kRecordCountAt, 1);
    EXPECT_EQ(Iterate(batch).problem.error, BatchError::kBadCount) << ToString(codec);
    StoreBigEndian<int32_t>(batch.data() + kRecordCountAt, 3);
    EXPECT_EQ(Iterate(batch).problem.error, BatchError::kBadCount) << ToString(codec);
    StoreBigEndian<int32_t>(batch.data() + kRecordCountAt, 0x7fffffff);
    EXPECT_EQ(Iterate(batch).problem.error, BatchError::kBadCount) << ToString(codec);
  }
}

TEST(RecordIterator, UnknownCodecIsAProblem) {
  ByteBuffer batch = samples::MakeBatch({{5, "a", "b", {}}});
  StoreBigEndian<uint16_t>(batch.data() + kAttributesAt, 7);
  EXPECT_EQ(Iterate(batch).problem.error, BatchError::kUnsupportedCodec);
}

TEST(RecordIterator, DecompressionBombIsStopped) {
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const ByteBuffer batch = samples::MakeBatch({{5, "a", std::string(size_t{8} << 20, 'x'), {}}}, codec);
    const Iterated read = Iterate(batch, {.output_bytes_max = size_t{1} << 20});
    EXPECT_EQ(read.problem.error, BatchError::kTooLarge) << ToString(codec);
    EXPECT_TRUE(read.records.empty());
  }
}

TEST(RecordHeaders, CopyIteratesFromTheStart) {
  const ByteBuffer batch = samples::MakeBatch({{5, "a", "b", {{"x", "1"}, {"x", std::nullopt}, {"", ""}}}});
  RecordIterator records(ParseHeader(batch).header, batch);
  ASSERT_EQ(records.Next(), RecordIterator::Found::kRecord);
  RecordHeaders once = records.record().headers;
  EXPECT_EQ(once.left(), 3);
  EXPECT_EQ(once.Next()->key, "x");
  EXPECT_EQ(once.Next()->value, std::nullopt);
  EXPECT_EQ(once.Next()->key, "");
  EXPECT_EQ(once.Next(), std::nullopt);
  EXPECT_EQ(records.record().headers.left(), 3);
}

}  // namespace iterator_test
}  // namespace odradek::record
