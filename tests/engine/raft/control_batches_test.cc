#include "engine/raft/control_batches.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "engine/record/batch.h"

namespace odradek::raft {
namespace {

VoterSet TwoVoters() {
  const Voter one{{NodeId(1), Uuid{1, 2}}, {{"CONTROLLER", "one", 9093}}, {0, 1}};
  const Voter two{{NodeId(2), Uuid{3, 4}}, {{"CONTROLLER", "two", 65535}}, {1, 1}};
  return VoterSet({one, two});
}

AppendControl WholeControl() {
  return {Offset(7), LeaderEpoch(3), LeaderChange{NodeId(1), {NodeId(1), NodeId(2)}, {NodeId(1)}}, int16_t{1},
          TwoVoters()};
}

TEST(ControlBatches, WhatALeaderWritesIsWhatAFollowerReads) {
  const ByteBuffer bytes = EncodeControlBatch(WholeControl(), Timestamp(1000));
  const ScannedBatches scanned = ScanBatches(bytes);
  EXPECT_EQ(scanned.problem, "");
  ASSERT_EQ(scanned.batches.facts.size(), 1u);
  const BatchFacts expected{Offset(7), Offset(10), LeaderEpoch(3), TwoVoters(), Offset(9), int16_t{1}, Offset(8)};
  EXPECT_EQ(scanned.batches.facts[0], expected);
  EXPECT_EQ(scanned.batches.bytes, bytes);
}

TEST(ControlBatches, APartOfABatchAtTheEndIsLeftOut) {
  ByteBuffer bytes = EncodeControlBatch(WholeControl(), Timestamp(1000));
  const size_t whole_bytes = bytes.size();
  AppendBytes(bytes, Bytes(bytes).first(20));
  const ScannedBatches scanned = ScanBatches(bytes);
  EXPECT_EQ(scanned.problem, "");
  EXPECT_EQ(scanned.batches.facts.size(), 1u);
  EXPECT_EQ(scanned.batches.bytes.size(), whole_bytes);
}

TEST(ControlBatches, ADamagedBatchIsAProblem) {
  const ByteBuffer good = EncodeControlBatch(WholeControl(), Timestamp(1000));
  for (size_t i = record::kMagicAt; i < good.size(); ++i) {
    ByteBuffer bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_NE(ScanBatches(bad).problem, "") << i;
    EXPECT_TRUE(ScanBatches(bad).batches.facts.empty()) << i;
  }
}

TEST(ControlBatches, VotersOfKafkasBootstrapSnapshotAreRead) {
  std::ifstream file("tests/engine/metadata/testdata/kafka_4.3.1_voters.checkpoint", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(text.empty());
  const auto content = ScanSnapshot(AsBytes(text));
  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(content->kraft_version, kDynamicVoters);
  ASSERT_TRUE(content->voters.has_value());
  EXPECT_EQ(content->voters->size(), 1u);
  EXPECT_FALSE(content->voters->voters()[0].key.directory_id.is_zero());
  EXPECT_FALSE(ScanSnapshot(AsBytes(std::string_view(text).substr(0, text.size() / 2))).has_value());
}

TEST(VoterSets, ARecordThatNamesAnIdTwiceIsRefused) {
  protocol::VotersRecord record = ToRecord(TwoVoters());
  EXPECT_EQ(FromRecord(record), TwoVoters());
  record.voters[1].voter_id = record.voters[0].voter_id;
  EXPECT_EQ(FromRecord(record), std::nullopt);
  EXPECT_EQ(FromRecord(protocol::VotersRecord()), std::nullopt);
}

}  // namespace
}  // namespace odradek::raft
