#include "engine/record/validate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/engine/record/samples.h"

namespace odradek::record {
namespace validate_test {

using samples::FixCrc;
using samples::MakeBatch;
using samples::OwnedRecord;

std::vector<OwnedRecord> Sample() {
  return {{1000, "a", "1", {}}, {3000, std::nullopt, "2", {}}, {3000, "c", "3", {}}, {2000, std::nullopt, "4", {}}};
}

// The error of a sample batch after a field was overwritten and the CRC made right again.
template <typename T>
BatchError ErrorWith(size_t at, T value) {
  ByteBuffer batch = MakeBatch(Sample());
  StoreBigEndian(batch.data() + at, value);
  FixCrc(batch);
  return ValidateBatch(batch).problem.error;
}

TEST(ValidateBatch, AcceptsEveryCodecAndFindsTheFirstMaxTimestamp) {
  for (const Codec codec : samples::kCodecs) {
    const ValidationResult r = ValidateBatch(MakeBatch(Sample(), codec));
    EXPECT_TRUE(r.ok()) << ToString(codec) << " " << r.problem.what;
    EXPECT_EQ(r.record_count, 4);
    EXPECT_EQ(r.max_timestamp, Timestamp(3000));
    EXPECT_EQ(r.max_timestamp_offset_delta, 1);
  }
}

TEST(ValidateBatch, RecordsWithoutTimestampHaveNoMaxTimestamp) {
  const ValidationResult r = ValidateBatch(MakeBatch({{-1, "a", "b", {}}}));
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.max_timestamp, kNoTimestamp);
  EXPECT_EQ(r.max_timestamp_offset_delta, -1);
}

TEST(ValidateBatch, WrongHeaderMaxTimestampIsReportedNotRejected) {
  ByteBuffer batch = MakeBatch(Sample());
  StoreBigEndian<int64_t>(batch.data() + kMaxTimestampAt, 99999);
  FixCrc(batch);
  const ValidationResult r = ValidateBatch(batch);
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.header.max_timestamp, Timestamp(99999));
  EXPECT_EQ(r.max_timestamp, Timestamp(3000));
}

TEST(ValidateBatch, RejectsWrongCrc) {
  ByteBuffer batch = MakeBatch(Sample());
  batch.back() ^= std::byte{1};
  const ValidationResult r = ValidateBatch(batch);
  EXPECT_EQ(r.problem.error, BatchError::kBadCrc);
  EXPECT_EQ(r.problem.at_byte, 17);
}

TEST(ValidateBatch, EveryTruncationIsTruncatedAndMoreIsBadLength) {
  ByteBuffer batch = MakeBatch(Sample());
  for (size_t n = 0; n < batch.size(); ++n) {
    EXPECT_EQ(ValidateBatch(Bytes(batch).first(n)).problem.error, BatchError::kTruncated) << n;
  }
  batch.push_back(std::byte{0});
  EXPECT_EQ(ValidateBatch(batch).problem.error, BatchError::kBadLength);
}

TEST(ValidateBatch, RejectsWhatAClientMustNotSend) {
  EXPECT_EQ(ErrorWith(kBaseOffsetAt, int64_t{5}), BatchError::kBadBaseOffset);
  EXPECT_EQ(ErrorWith(kMagicAt, int8_t{1}), BatchError::kOldMagic1);
  EXPECT_EQ(ErrorWith(kAttributesAt, kControlBit), BatchError::kControlFromClient);
  // Kafka takes it and makes it the topic's type.
  EXPECT_EQ(ErrorWith(kAttributesAt, kLogAppendTimeBit), BatchError::kNone);
  EXPECT_EQ(ErrorWith(kAttributesAt, kTransactionalBit), BatchError::kBadProducer);
  EXPECT_EQ(ErrorWith(kAttributesAt, uint16_t{6}), BatchError::kUnsupportedCodec);
  EXPECT_EQ(ErrorWith(kProducerIdAt, int64_t{7}), BatchError::kBadProducer);
  EXPECT_EQ(ErrorWith(kProducerIdAt, int64_t{-2}), BatchError::kBadProducer);
}

TEST(ValidateBatch, ProducerNeedsEpochAndSequence) {
  const auto error_of = [](const ProducerFields& producer) {
    return ValidateBatch(MakeBatch(Sample(), BatchBuilderOptions{}, producer)).problem.error;
  };
  EXPECT_EQ(error_of({ProducerId(7), ProducerEpoch(0), 0}), BatchError::kNone);
  EXPECT_EQ(error_of({ProducerId(7), ProducerEpoch(0), 2147483646}), BatchError::kNone);
  EXPECT_EQ(error_of({ProducerId(7), ProducerEpoch(0), -1}), BatchError::kBadProducer);
  EXPECT_EQ(error_of({ProducerId(7), ProducerEpoch(-1), 0}), BatchError::kBadProducer);
}

TEST(ValidateBatch, RejectsWrongCounts) {
  EXPECT_EQ(ErrorWith(kRecordCountAt, int32_t{3}), BatchError::kBadCount);
  EXPECT_EQ(ErrorWith(kRecordCountAt, int32_t{0}), BatchError::kBadCount);
  EXPECT_EQ(ErrorWith(kLastOffsetDeltaAt, int32_t{4}), BatchError::kBadCount);
  for (const Codec codec : samples::kCodecs) {
    for (const int32_t count : {3, 5, 0x7fffffff}) {
      ByteBuffer batch = MakeBatch(Sample(), codec);
      StoreBigEndian<int32_t>(batch.data() + kRecordCountAt, count);
      StoreBigEndian<int32_t>(batch.data() + kLastOffsetDeltaAt, count - 1);
      FixCrc(batch);
      EXPECT_EQ(ValidateBatch(batch).problem.error, BatchError::kBadCount) << ToString(codec) << count;
    }
  }
}

TEST(ValidateBatch, RejectsOffsetDeltasThatAreNotContiguous) {
  ByteBuffer batch = MakeBatch({{1, "a", "b", {}}});
  const size_t delta_at = kBatchOverheadBytes + 3;
  ASSERT_EQ(batch[delta_at], std::byte{0});
  batch[delta_at] = std::byte{2};
  FixCrc(batch);
  const ValidationResult r = ValidateBatch(batch);
  EXPECT_EQ(r.problem.error, BatchError::kBadOffsetDeltas);
  EXPECT_EQ(r.problem.what, "record 0 has offset delta 1");
}

TEST(ValidateBatch, RejectsRecordsThatDoNotParse) {
  // Body of the first record: length, attributes, timestamp delta, offset delta, key length, key, value length, …
  const auto error_at = [](size_t at, uint8_t value) {
    ByteBuffer batch = MakeBatch(Sample());
    batch[kBatchOverheadBytes + at] = static_cast<std::byte>(value);
    FixCrc(batch);
    const ValidationResult r = ValidateBatch(batch);
    EXPECT_EQ(r.problem.what.substr(0, 10), "record 0: ");
    return r.problem.error;
  };
  EXPECT_EQ(error_at(0, 1), BatchError::kBadRecord);     // length −1
  EXPECT_EQ(error_at(0, 0), BatchError::kBadRecord);     // length 0
  EXPECT_EQ(error_at(0, 0x7e), BatchError::kBadRecord);  // length 63
  EXPECT_EQ(error_at(4, 3), BatchError::kBadRecord);     // key length −2
  EXPECT_EQ(error_at(4, 0x7e), BatchError::kBadRecord);  // key longer than the record
  EXPECT_EQ(error_at(4, 0), BatchError::kBadRecord);     // key shorter than it is
  EXPECT_EQ(error_at(8, 2), BatchError::kBadRecord);     // a header that is not there
  EXPECT_EQ(error_at(8, 1), BatchError::kBadRecord);     // header count −1
}

TEST(ValidateBatch, DamagedCompressionIsNamed) {
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    ByteBuffer batch = MakeBatch(Sample(), codec);
    batch.pop_back();
    StoreBigEndian<int32_t>(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kLogOverheadBytes));
    FixCrc(batch);
    EXPECT_EQ(ValidateBatch(batch).problem.error, BatchError::kDecompression) << ToString(codec);
  }
}

TEST(ValidateBatch, NullKeysOfACompactedTopicAreNamedByIndex) {
  for (const Codec codec : samples::kCodecs) {
    const ValidationResult r = ValidateBatch(MakeBatch(Sample(), codec), {.keys = KeyRule::kRequired});
    EXPECT_FALSE(r.ok());
    EXPECT_EQ(r.problem.error, BatchError::kNone);
    EXPECT_EQ(r.record_problems, (std::vector<RecordProblem>{{1, RecordError::kNullKey, Timestamp(3000)},
                                                             {3, RecordError::kNullKey, Timestamp(2000)}}));
  }
}

TEST(ValidateBatch, TimestampsOutsideTheBoundsAreNamedByIndex) {
  ValidateOptions options;
  options.timestamp_min = Timestamp(1001);
  options.timestamp_max = Timestamp(2999);
  const ValidationResult r = ValidateBatch(MakeBatch(Sample()), options);
  EXPECT_EQ(r.record_problems, (std::vector<RecordProblem>{{0, RecordError::kTimestamp, Timestamp(1000)},
                                                           {1, RecordError::kTimestamp, Timestamp(3000)},
                                                           {2, RecordError::kTimestamp, Timestamp(3000)}}));
  options.timestamp_min = Timestamp(1000);
  options.timestamp_max = Timestamp(3000);
  EXPECT_TRUE(ValidateBatch(MakeBatch(Sample()), options).ok());
  EXPECT_TRUE(ValidateBatch(MakeBatch({{-1, "a", "b", {}}}), options).ok());
}

TEST(ValidateBatch, KeepsAtMostTheAllowedNumberOfRecordProblems) {
  ValidateOptions options;
  options.timestamp_min = Timestamp(5000);
  options.record_problems_max = 2;
  const ValidationResult r = ValidateBatch(MakeBatch(Sample()), options);
  EXPECT_EQ(r.record_problems.size(), 2u);
  EXPECT_EQ(r.record_problem_count, 4);
}

TEST(ValidateBatch, SizeLimitsAreKept) {
  const ByteBuffer batch = MakeBatch({{1, "a", std::string(100000, 'x'), {}}}, Codec::kZstd);
  ValidateOptions options;
  options.batch_bytes_max = static_cast<int64_t>(batch.size());
  EXPECT_TRUE(ValidateBatch(batch, options).ok());
  options.batch_bytes_max -= 1;
  EXPECT_EQ(ValidateBatch(batch, options).problem.error, BatchError::kTooLarge);
  EXPECT_EQ(ValidateBatch(batch, {.decompress = {.output_bytes_max = 50000}}).problem.error, BatchError::kTooLarge);
}

RC_GTEST_PROP(ValidateBatch, AgreesWithTheIteratorOnMutatedBytes, ()) {
  const Codec codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(samples::kCodecs), std::end(samples::kCodecs)));
  ByteBuffer batch = MakeBatch(*samples::SomeRecords(), codec);
  const int mutations = *rc::gen::inRange(0, 3);
  for (int i = 0; i < mutations; ++i) {
    const auto at = *rc::gen::inRange<size_t>(kBatchOverheadBytes, batch.size());
    batch[at] = static_cast<std::byte>(*rc::gen::arbitrary<uint8_t>());
  }
  FixCrc(batch);
  const ValidationResult valid = ValidateBatch(batch);
  const samples::Iterated read = samples::Iterate(batch);
  if (valid.ok()) {
    RC_ASSERT(read.problem.what == "");
    RC_ASSERT(read.records.size() == static_cast<size_t>(valid.record_count));
  } else if (valid.problem.error != BatchError::kBadOffsetDeltas) {
    // Contiguous deltas are more than the iterator asks for, all the rest is the same.
    RC_ASSERT(read.problem.error != BatchError::kNone);
  }
}

RC_GTEST_PROP(ValidateBatch, NoMutationOfTheCoveredBytesPasses, ()) {
  ByteBuffer batch = MakeBatch(*samples::SomeRecords(), Codec::kLz4);
  const auto at = *rc::gen::inRange<size_t>(kCrcAt, batch.size());
  batch[at] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
  RC_ASSERT(!ValidateBatch(batch).ok());
}

}  // namespace validate_test
}  // namespace odradek::record
