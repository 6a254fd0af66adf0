// What a replica says, as bytes of every version of Kafka's messages, is what the other one hears.
#include "engine/raft/wire.h"

#include <gtest/gtest.h>

#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"
#include "engine/raft/control_batches.h"

namespace odradek::raft {
namespace {

const Identity kUs{"cluster", "C"};

// Through bytes; an error of the encoder fails the test.
template <typename Message>
Message ThroughBytes(const Message& message, int16_t version, ByteBuffer& bytes) {
  protocol::Writer writer;
  message.Encode(writer, version);
  EXPECT_FALSE(writer.error().has_value()) << Message::kName << " " << version;
  bytes = writer.Take();
  protocol::Reader reader(bytes);
  Message again;
  EXPECT_TRUE(protocol::DecodeWhole(reader, version, again)) << Message::kName << " " << version;
  return again;
}

const ReplicaKey kReplica{NodeId(3), Uuid{7, 8}};
const Standing kStanding{ErrorCode::kNotLeaderOrFollower, LeaderEpoch(5), NodeId(2), {{"C", "host", 9093}}};

TEST(RaftWire, RequestsOfTheLatestVersions) {
  ByteBuffer bytes;
  const VoteRequest vote{LeaderEpoch(5), kReplica, {NodeId(1), Uuid{1, 2}}, {LeaderEpoch(4), Offset(9)}, true};
  EXPECT_EQ(Read(ThroughBytes(Write(vote, kUs), 2, bytes), kUs).message, vote);
  const BeginQuorumEpochRequest begin{LeaderEpoch(5), NodeId(2), {{"C", "h", 1}}, kReplica};
  EXPECT_EQ(Read(ThroughBytes(Write(begin, kUs), 1, bytes), kUs).message, begin);
  const EndQuorumEpochRequest end{LeaderEpoch(5), NodeId(2), {{"C", "h", 1}}, {kReplica}};
  EXPECT_EQ(Read(ThroughBytes(Write(end, kUs), 1, bytes), kUs).message, end);
  const FetchRequest fetch{LeaderEpoch(5), kReplica, Offset(9), LeaderEpoch(4), Offset(7), Duration::Millis(500), 100};
  EXPECT_EQ(Read(ThroughBytes(Write(fetch, kUs), 18, bytes), kUs, 18).message, fetch);
  const FetchSnapshotRequest piece{LeaderEpoch(5), kReplica, {LeaderEpoch(4), Offset(9)}, 10, 100};
  EXPECT_EQ(Read(ThroughBytes(Write(piece, kUs), 1, bytes), kUs).message, piece);
  const UpdateVoterRequest update{LeaderEpoch(5), {kReplica, {{"C", "h", 1}}, {0, 1}}};
  EXPECT_EQ(Read(ThroughBytes(Write(update, kUs), 0, bytes), kUs).message, update);
}

TEST(RaftWire, OldVersionsLeaveOutWhatTheyDoNotKnow) {
  ByteBuffer bytes;
  VoteRequest vote{LeaderEpoch(5), kReplica, {NodeId(1), Uuid{1, 2}}, {LeaderEpoch(4), Offset(9)}, false};
  const auto read = Read(ThroughBytes(Write(vote, kUs), 0, bytes), kUs);
  EXPECT_TRUE(read.message.voter.is_none());
  EXPECT_EQ(read.message.candidate, (ReplicaKey{NodeId(3), Uuid()}));
  const EndQuorumEpochRequest end{LeaderEpoch(5), NodeId(2), {}, {kReplica}};
  EXPECT_EQ(Read(ThroughBytes(Write(end, kUs), 0, bytes), kUs).message.successors,
            (std::vector<ReplicaKey>{{NodeId(3), Uuid()}}));
  const FetchRequest fetch{LeaderEpoch(5), kReplica, Offset(9), LeaderEpoch(4), Offset(7), {}, 100};
  const FetchRequest old = Read(ThroughBytes(Write(fetch, kUs), 17, bytes), kUs, 17).message;
  EXPECT_EQ(old.high_watermark, std::nullopt);
  EXPECT_EQ(old.replica, kReplica);
}

TEST(RaftWire, Responses) {
  ByteBuffer bytes;
  for (int16_t version = 0; version <= 2; ++version) {
    VoteResponse expected{kStanding, true};
    if (version == 0) expected.standing.leader_endpoints.clear();
    const VoteResponse vote{kStanding, true};
    EXPECT_EQ(Read(ThroughBytes(Write(vote, kUs, version), version, bytes), kUs), expected) << version;
  }
  FetchResponse fetch;
  fetch.standing = kStanding;
  fetch.high_watermark = Offset(7);
  fetch.log_start = Offset(3);
  fetch.diverging = OffsetAndEpoch{LeaderEpoch(4), Offset(6)};
  EXPECT_EQ(Read(ThroughBytes(Write(fetch, kUs, 17), 17, bytes), kUs), fetch);
  FetchSnapshotResponse piece;
  piece.standing = kStanding;
  piece.snapshot = {LeaderEpoch(4), Offset(9)};
  piece.size_bytes = 100;
  piece.position_bytes = 50;
  EXPECT_EQ(Read(ThroughBytes(Write(piece, kUs, 1), 1, bytes), kUs), piece);
}

TEST(RaftWire, FetchedBatchesAreRead) {
  const ByteBuffer batch = EncodeControlBatch(
      {Offset(9), LeaderEpoch(5), LeaderChange{NodeId(2), {NodeId(2)}, {NodeId(2)}}, {}, {}}, Timestamp(1));
  protocol::FetchResponse message = Write(FetchResponse{.standing = kStanding, .batches = {}}, kUs, 17);
  message.responses[0].partitions[0].records = protocol::RecordsField(Bytes(batch));
  const auto read = Read(message, kUs);
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->batches.facts.size(), 1u);
  EXPECT_EQ(read->batches.facts[0].base_offset, Offset(9));
  EXPECT_EQ(read->batches.bytes, batch);
}

TEST(RaftWire, WhatIsNotForThisQuorumIsRefused) {
  const VoteRequest vote{LeaderEpoch(5), kReplica, {}, {LeaderEpoch(4), Offset(9)}, false};
  protocol::VoteRequest message = Write(vote, kUs);
  message.cluster_id = "another";
  EXPECT_EQ(Read(message, kUs).error, ErrorCode::kInconsistentClusterId);
  message = Write(vote, kUs);
  message.topics[0].topic_name = "orders";
  EXPECT_EQ(Read(message, kUs).error, ErrorCode::kInvalidRequest);
  message = Write(vote, kUs);
  message.topics[0].partitions.push_back(message.topics[0].partitions[0]);
  EXPECT_EQ(Read(message, kUs).error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(Read(protocol::VoteRequest(), kUs).error, ErrorCode::kInvalidRequest);
  protocol::VoteResponse failed;
  failed.error_code = ToWire(ErrorCode::kInconsistentClusterId);
  const auto read = Read(failed, kUs);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->standing.epoch, kNoLeaderEpoch);
  EXPECT_EQ(Read(protocol::VoteResponse(), kUs), std::nullopt);
}

}  // namespace
}  // namespace odradek::raft
