#include "properties/written_log.h"

#include <gtest/gtest.h>

#include "tests/properties/log_builder.h"

namespace odradek::properties {
namespace {

constexpr std::string_view kLogName = "00000000000000000000.log";

ByteBuffer SegmentBytes() {
  ByteBuffer bytes;
  for (const WrittenBatch& batch : ThreeBatches().batches) AppendBytes(bytes, BatchBytes(batch));
  return bytes;
}

TEST(WrittenLog, ReadsTheBatchesOfASegment) {
  WrittenLog log;
  log.Add(kLogName, SegmentBytes());
  ASSERT_EQ(log.batches.size(), 3);
  EXPECT_EQ(log.batches[1].base_offset, Offset(2));
  EXPECT_EQ(log.batches[1].next_offset(), Offset(5));
  EXPECT_EQ(log.batches[1].producer_id, ProducerId(7));
  EXPECT_EQ(log.batches[1].base_sequence, 2);
  EXPECT_EQ(log.batches[1].last_sequence(), 4);
  EXPECT_EQ(log.batches[1].max_timestamp, Timestamp(1002));
  EXPECT_EQ(log.batches[1].crc_check, Crc::kFits);
  EXPECT_TRUE(log.segments[0].problem.empty());
  EXPECT_EQ(log.EndOfRun(Offset(0), Gaps::kNone), Offset(6));
}

TEST(WrittenLog, StopsAtATornEndAndAtAWrongCrc) {
  const ByteBuffer whole = SegmentBytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    WrittenLog log;
    log.Add(kLogName, Bytes(whole).first(size));
    EXPECT_EQ(log.segments[0].problem.empty(), size % (whole.size() / 3) == 0);
    EXPECT_EQ(log.batches.size(), size / (whole.size() / 3));
  }
  ByteBuffer damaged = whole;
  damaged[whole.size() / 3 + 30] ^= std::byte{1};
  WrittenLog log;
  log.Add(kLogName, damaged);
  EXPECT_EQ(log.EndOfRun(Offset(0), Gaps::kNone), Offset(2));
}

TEST(WrittenLog, RunsEndAtGapsUnlessTheyAreAllowed) {
  WrittenLog log = ThreeBatches();
  log.batches.erase(log.batches.begin() + 1);
  EXPECT_EQ(log.EndOfRun(Offset(0), Gaps::kNone), Offset(2));
  EXPECT_EQ(log.EndOfRun(Offset(0), Gaps::kByCompaction), Offset(6));
  EXPECT_EQ(log.EndOfRun(Offset(3), Gaps::kNone), Offset(3));
}

TEST(WrittenLog, ASwapStandsForTheSegmentsThatItReplaces) {
  WrittenLog log;
  log.Add(kLogName, SegmentBytes());
  ByteBuffer copy;
  for (const WrittenBatch& batch : {BatchAt(0, 2), BatchAt(5, 1)}) AppendBytes(copy, BatchBytes(batch));
  log.Add("00000000000000000000.log.swap", copy);
  log.Add("00000000000000000003.log", BatchBytes(BatchAt(3, 1)));
  log.Add("00000000000000000006.log", BatchBytes(BatchAt(6, 2)));
  ASSERT_EQ(log.segments.size(), 2);
  EXPECT_EQ(log.batches.size(), 3);
  EXPECT_EQ(log.batches[1].base_offset, Offset(5));
  EXPECT_EQ(log.EndOfRun(Offset(0), Gaps::kByCompaction), Offset(8));
}

TEST(WrittenLog, SequencesWrap) {
  EXPECT_EQ(WrittenBatch::SequenceAfter(INT32_MAX, 1), 0);
  EXPECT_EQ(WrittenBatch::SequenceAfter(INT32_MAX - 1, 3), 1);
}

TEST(WrittenLog, ReadsSnapshotsAndSaysWhatIsWrongWithThem) {
  const WrittenProducer producer{ProducerId(7), ProducerEpoch(1), 5, Offset(5), 0, Timestamp(1005)};
  const ByteBuffer bytes = SnapshotBytes(producer);
  WrittenLog log;
  log.Add("00000000000000000006.snapshot", bytes);
  log.Add("00000000000000000007.snapshot", Bytes(bytes).first(bytes.size() - 1));
  EXPECT_EQ(log.snapshots[Offset(6)].producers, std::vector<WrittenProducer>{producer});
  EXPECT_TRUE(log.snapshots[Offset(6)].problem.empty());
  EXPECT_FALSE(log.snapshots[Offset(7)].problem.empty());
}

TEST(WrittenLog, ReadsCheckpointsAndSaysWhatIsWrongWithThem) {
  const WrittenCheckpoint whole = ReadCheckpoint("0\n2\nt 0 15\nwith-dash 3 0\n");
  EXPECT_TRUE(whole.problem.empty());
  EXPECT_EQ(whole.offsets.at({"t", PartitionIndex(0)}), Offset(15));
  EXPECT_EQ(whole.offsets.at({"with-dash", PartitionIndex(3)}), Offset(0));
  EXPECT_FALSE(ReadCheckpoint("").problem.empty());
  EXPECT_FALSE(ReadCheckpoint("1\n0\n").problem.empty());
  EXPECT_FALSE(ReadCheckpoint("0\n2\nt 0 15\n").problem.empty());
  EXPECT_FALSE(ReadCheckpoint("0\n1\nt 0 15\nt 1 15\n").problem.empty());
  EXPECT_FALSE(ReadCheckpoint("0\n1\nt 0 x\n").problem.empty());
}

}  // namespace
}  // namespace odradek::properties
