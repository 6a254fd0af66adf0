#include "engine/producers/snapshot.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/base/crc32c.h"
#include "tests/engine/producers/model.h"

namespace odradek::producers {
namespace snapshot_test {

using testing_model::Header;
using testing_model::MarkerHeader;

constexpr SnapshotPlace kPlace{.end_offset = Offset(106), .log = "topic-3"};

ProducerStates Sample() {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.producer = 4001, .epoch = 9, .first_sequence = 5, .count = 3, .timestamp = 1700}, 100));
  states.Update(Header({.producer = 7, .epoch = 1, .count = 2, .timestamp = 1800, .transactional = true}, 103));
  states.UpdateMarker(MarkerHeader(12, 2, 105, 1900), {record::ControlType::kCommit, 6});
  return states;
}

void FixSnapshotCrc(MutableBytes snapshot) {
  StoreBigEndian<uint32_t>(snapshot.data() + kSnapshotCrcAt, base::Crc32c(Bytes(snapshot).subspan(kSnapshotCountAt)));
}

TEST(ProducerSnapshot, HasKafkasLayoutOrderedByProducer) {
  const ByteBuffer bytes = EncodeSnapshot(Sample(), kPlace);
  ASSERT_EQ(bytes.size(), 10u + 3 * 46 + 12);
  const std::byte* p = bytes.data();
  EXPECT_EQ(LoadBigEndian<int16_t>(p), 1);
  EXPECT_EQ(LoadBigEndian<uint32_t>(p + 2), base::Crc32c(Bytes(bytes).subspan(6)));
  EXPECT_EQ(LoadBigEndian<int32_t>(p + 6), 3);
  const std::byte* in_txn = p + 10;
  EXPECT_EQ(LoadBigEndian<int64_t>(in_txn), 7);
  EXPECT_EQ(LoadBigEndian<int16_t>(in_txn + 8), 1);
  EXPECT_EQ(LoadBigEndian<int32_t>(in_txn + 10), 1);     // last sequence
  EXPECT_EQ(LoadBigEndian<int64_t>(in_txn + 14), 104);   // last offset
  EXPECT_EQ(LoadBigEndian<int32_t>(in_txn + 22), 1);     // offset delta
  EXPECT_EQ(LoadBigEndian<int64_t>(in_txn + 26), 1800);  // timestamp
  EXPECT_EQ(LoadBigEndian<int32_t>(in_txn + 34), -1);    // coordinator epoch
  EXPECT_EQ(LoadBigEndian<int64_t>(in_txn + 38), 103);   // first offset of the transaction
  const std::byte* marker_only = in_txn + 46;
  EXPECT_EQ(LoadBigEndian<int64_t>(marker_only), 12);
  EXPECT_EQ(LoadBigEndian<int32_t>(marker_only + 10), -1);
  EXPECT_EQ(LoadBigEndian<int64_t>(marker_only + 14), -1);
  EXPECT_EQ(LoadBigEndian<int32_t>(marker_only + 34), 6);
  EXPECT_EQ(LoadBigEndian<int64_t>(marker_only + 38), -1);
  EXPECT_EQ(LoadBigEndian<int64_t>(marker_only + 46), 4001);
  const std::byte* place = marker_only + 2 * 46;  // not Kafka's, which does not look there
  EXPECT_EQ(LoadBigEndian<int64_t>(place), 106);
  EXPECT_EQ(LoadBigEndian<uint32_t>(place + 8), base::Crc32c(AsBytes(std::string_view("topic-3"))));
}

TEST(ProducerSnapshot, ReadsBackToTheSameState) {
  const ProducerStates states = Sample();
  const auto read = DecodeSnapshot(EncodeSnapshot(states, kPlace), kPlace, ProducersConfig{});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, states);
  EXPECT_EQ(read->first_unstable_offset(), Offset(103));
  EXPECT_EQ(read->end_offset(), Offset(106));
}

TEST(ProducerSnapshot, EmptyIsAHeaderAndAPlace) {
  const SnapshotPlace place{.end_offset = Offset(0), .log = "topic-3"};
  const ByteBuffer bytes = EncodeSnapshot(ProducerStates(ProducersConfig{}), place);
  EXPECT_EQ(bytes.size(), 10u + 12);
  EXPECT_TRUE(DecodeSnapshot(bytes, place, ProducersConfig{}).ok());
}

TEST(ProducerSnapshot, OneOfKafkaWithoutAPlaceIsTaken) {
  ByteBuffer bytes = EncodeSnapshot(Sample(), kPlace);
  bytes.resize(bytes.size() - kSnapshotPlaceBytes);
  FixSnapshotCrc(bytes);
  const auto read = DecodeSnapshot(bytes, kPlace, ProducersConfig{});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Sample());
}

// What a misdirected read gives: the bytes of another snapshot, all of them right.
TEST(ProducerSnapshot, OneOfAnotherPlaceIsRefused) {
  const auto problem = [](const SnapshotPlace& written, const SnapshotPlace& wanted) {
    return std::string(DecodeSnapshot(EncodeSnapshot(Sample(), written), wanted, ProducersConfig{}).status().message());
  };
  EXPECT_EQ(problem(kPlace, {.end_offset = Offset(250), .log = "topic-3"}),
            "producer snapshot: byte 148: it is the one of offset 106");
  EXPECT_EQ(problem(kPlace, {.end_offset = Offset(106), .log = "topic-30"}),
            "producer snapshot: byte 156: it is not one of topic-30");
  EXPECT_EQ(problem(kPlace, {.end_offset = Offset(106), .log = {}}), "");
}

TEST(ProducerSnapshot, EveryTruncationAndEveryFlippedBitIsAnError) {
  const ByteBuffer bytes = EncodeSnapshot(Sample(), kPlace);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeSnapshot(Bytes(bytes).first(n), kPlace, ProducersConfig{}).ok()) << n;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    ByteBuffer flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_FALSE(DecodeSnapshot(flipped, kPlace, ProducersConfig{}).ok()) << bit;
  }
}

// The message for a snapshot whose bytes at `at` were overwritten and whose CRC is right again.
template <typename T>
std::string ProblemWith(size_t at, T value) {
  ByteBuffer bytes = EncodeSnapshot(Sample(), kPlace);
  StoreBigEndian(bytes.data() + at, value);
  FixSnapshotCrc(bytes);
  return std::string(DecodeSnapshot(bytes, kPlace, ProducersConfig{}).status().message());
}

TEST(ProducerSnapshot, NonsenseUnderARightCrcIsNamed) {
  EXPECT_EQ(ProblemWith(0, int16_t{2}), "producer snapshot: byte 0: version 2, 1 expected");
  EXPECT_EQ(ProblemWith(6, int32_t{2}), "producer snapshot: byte 6: 2 entries in 150 bytes");
  EXPECT_EQ(ProblemWith(6, int32_t{-1}), "producer snapshot: byte 6: -1 entries in 150 bytes");
  EXPECT_EQ(ProblemWith(10, int64_t{-1}), "producer snapshot: byte 10: producer id -1");
  EXPECT_EQ(ProblemWith(10, int64_t{12}), "producer snapshot: byte 56: producer 12 twice");
  EXPECT_EQ(ProblemWith(24, int64_t{106}),
            "producer snapshot: byte 10: producer 7 with last offset 106, offset delta 1, last sequence 1");
  EXPECT_EQ(ProblemWith(32, int32_t{-1}),
            "producer snapshot: byte 10: producer 7 with last offset 104, offset delta -1, last sequence 1");
  EXPECT_EQ(ProblemWith(32, int32_t{105}),
            "producer snapshot: byte 10: producer 7 with last offset 104, offset delta 105, last sequence 1");
  EXPECT_EQ(ProblemWith(48, int64_t{106}), "producer snapshot: byte 10: producer 7 with a transaction from offset 106");
  EXPECT_EQ(ProblemWith(48 + 46, int64_t{103}),
            "producer snapshot: byte 56: producer 12 with a transaction from offset 103");
}

RC_GTEST_PROP(ProducerSnapshot, AnyBytesGiveAStateOrAnError, ()) {
  ByteBuffer bytes = EncodeSnapshot(Sample(), kPlace);
  const int mutations = *rc::gen::inRange(1, 8);
  for (int i = 0; i < mutations; ++i) {
    const auto at = *rc::gen::inRange<size_t>(kSnapshotCountAt, bytes.size());
    bytes[at] = static_cast<std::byte>(*rc::gen::arbitrary<uint8_t>());
  }
  FixSnapshotCrc(bytes);
  const auto read = DecodeSnapshot(bytes, kPlace, ProducersConfig{});
  if (read.ok()) RC_ASSERT(EncodeSnapshot(*read, kPlace).size() == bytes.size());
}

}  // namespace snapshot_test
}  // namespace odradek::producers
