// A canary for each monitor of clusters: a state that it must reject, and one that it must accept.
#include "properties/cluster_monitors.h"

#include <gtest/gtest.h>

namespace odradek::properties {
namespace {

TEST(QuorumEpochsHaveOneLeader, RejectsASecondOne) {
  QuorumMember member{.node = "b1", .epoch = LeaderEpoch(3), .leader = NodeId(1), .known_leader = NodeId(1)};
  EXPECT_TRUE(QuorumEpochsHaveOneLeader(member).holds());
  EXPECT_EQ(QuorumEpochsHaveOneLeader(member).fact_count(), 1u);
  member.known_leader = NodeId(2);
  EXPECT_FALSE(QuorumEpochsHaveOneLeader(member).holds());
  member.known_leader = kNoNode;
  EXPECT_EQ(QuorumEpochsHaveOneLeader(member).fact_count(), 0u);
}

TEST(QuorumEpochsNeverFall, RejectsAnEarlierEpoch) {
  QuorumVote vote{.node = "b1", .epoch = LeaderEpoch(4), .epoch_before = LeaderEpoch(4)};
  EXPECT_TRUE(QuorumEpochsNeverFall(vote).holds());
  vote.epoch = LeaderEpoch(3);
  EXPECT_FALSE(QuorumEpochsNeverFall(vote).holds());
}

TEST(QuorumVotesAreGivenOnce, RejectsAnotherVoteAndNone) {
  QuorumVote vote{.node = "b1",
                  .epoch = LeaderEpoch(4),
                  .voted = NodeId(2),
                  .epoch_before = LeaderEpoch(4),
                  .voted_before = NodeId(2)};
  EXPECT_TRUE(QuorumVotesAreGivenOnce(vote).holds());
  vote.voted = NodeId(3);
  EXPECT_FALSE(QuorumVotesAreGivenOnce(vote).holds());
  vote.voted = kNoNode;
  EXPECT_FALSE(QuorumVotesAreGivenOnce(vote).holds());
  vote.epoch = LeaderEpoch(5);
  EXPECT_TRUE(QuorumVotesAreGivenOnce(vote).holds());
  vote.epoch = vote.epoch_before;
  vote.voted_before = kNoNode;
  EXPECT_TRUE(QuorumVotesAreGivenOnce(vote).holds());
}

TEST(EqualOffsetsHaveEqualImages, RejectsADifference) {
  ImageState image{.node = "b2", .end = Offset(9), .fingerprint = 5, .first_node = "b1", .first_fingerprint = 5};
  EXPECT_TRUE(EqualOffsetsHaveEqualImages(image).holds());
  image.fingerprint = 6;
  EXPECT_FALSE(EqualOffsetsHaveEqualImages(image).holds());
  image.first_node.clear();
  EXPECT_EQ(EqualOffsetsHaveEqualImages(image).fact_count(), 0u);
}

PartitionInImage GoodPartition() {
  return {.node = "b1",
          .partition = {"t", PartitionIndex(0)},
          .leader = NodeId(2),
          .leader_epoch = LeaderEpoch(3),
          .partition_epoch = 7,
          .replicas = {NodeId(1), NodeId(2), NodeId(3)},
          .isr = {NodeId(2), NodeId(3)},
          .elr = {NodeId(1)},
          .leader_epoch_before = LeaderEpoch(2),
          .partition_epoch_before = 6,
          .known_leader = NodeId(2)};
}

TEST(LeaderEpochsHaveOneLeader, RejectsASecondOne) {
  PartitionInImage partition = GoodPartition();
  EXPECT_TRUE(LeaderEpochsHaveOneLeader(partition).holds());
  partition.known_leader = NodeId(3);
  EXPECT_FALSE(LeaderEpochsHaveOneLeader(partition).holds());
  partition.leader = kNoNode;
  EXPECT_TRUE(LeaderEpochsHaveOneLeader(partition).holds());
}

TEST(PartitionEpochsNeverFall, RejectsEachFallAndAnEpochThatStandsStill) {
  PartitionInImage partition = GoodPartition();
  EXPECT_TRUE(PartitionEpochsNeverFall(partition).holds());
  partition.leader_epoch = LeaderEpoch(1);
  EXPECT_FALSE(PartitionEpochsNeverFall(partition).holds());
  partition = GoodPartition();
  partition.partition_epoch = 5;
  EXPECT_FALSE(PartitionEpochsNeverFall(partition).holds());
  partition.partition_epoch = 6;
  EXPECT_FALSE(PartitionEpochsNeverFall(partition).holds());
  partition.leader_epoch = LeaderEpoch(2);
  EXPECT_TRUE(PartitionEpochsNeverFall(partition).holds());
}

TEST(ReplicaSetsAreInOrder, RejectsEachDisorder) {
  EXPECT_TRUE(ReplicaSetsAreInOrder(GoodPartition()).holds());
  PartitionInImage partition = GoodPartition();
  partition.isr.push_back(NodeId(4));
  EXPECT_FALSE(ReplicaSetsAreInOrder(partition).holds());
  partition = GoodPartition();
  partition.elr.push_back(NodeId(3));
  EXPECT_FALSE(ReplicaSetsAreInOrder(partition).holds());
  partition = GoodPartition();
  partition.leader = NodeId(1);
  EXPECT_FALSE(ReplicaSetsAreInOrder(partition).holds());
  partition.leader = kNoNode;
  EXPECT_TRUE(ReplicaSetsAreInOrder(partition).holds());
  partition.isr.push_back(NodeId(3));
  EXPECT_FALSE(ReplicaSetsAreInOrder(partition).holds());
}

// {1, 2} moves to {2, 3}.
PartitionInImage EndOfAMove() {
  PartitionInImage partition = GoodPartition();
  partition.replicas = {NodeId(2), NodeId(3)};
  partition.isr = {NodeId(2), NodeId(3)};
  partition.elr = {};
  partition.replicas_before = {NodeId(2), NodeId(3), NodeId(1)};
  partition.adding_before = {NodeId(3)};
  partition.removing_before = {NodeId(1)};
  return partition;
}

TEST(MovesEndInSync, RejectsAnEndBeforeAllAreInSync) {
  EXPECT_TRUE(MovesEndInSync(EndOfAMove()).holds());
  EXPECT_EQ(MovesEndInSync(EndOfAMove()).fact_count(), 1u);
  PartitionInImage partition = EndOfAMove();
  partition.isr = {NodeId(2)};
  EXPECT_FALSE(MovesEndInSync(partition).holds());
  partition.isr = {NodeId(3)};
  EXPECT_FALSE(MovesEndInSync(partition).holds());
}

TEST(MovesEndInSync, SaysNothingOfWhatGoesOnIsCalledOffOrWasNotSeen) {
  PartitionInImage partition = EndOfAMove();
  partition.isr = {NodeId(2)};
  partition.partition_epoch = 8;
  EXPECT_EQ(MovesEndInSync(partition).fact_count(), 0u);
  partition.partition_epoch = 7;
  partition.adding = {NodeId(4)};
  EXPECT_EQ(MovesEndInSync(partition).fact_count(), 0u);
  partition.adding = {};
  partition.replicas = {NodeId(1), NodeId(2)};
  EXPECT_EQ(MovesEndInSync(partition).fact_count(), 0u);
  EXPECT_EQ(MovesEndInSync(GoodPartition()).fact_count(), 0u);
}

TEST(MovesEnd, RejectsOneThatIsLeft) {
  ClusterAtRest rest;
  rest.partitions = {{.name = {"t", PartitionIndex(0)}, .replica_count = 2, .isr_count = 2}};
  EXPECT_TRUE(MovesEnd(rest).holds());
  rest.partitions[0].is_moving = true;
  EXPECT_FALSE(MovesEnd(rest).holds());
}

TEST(OnlyLiveBrokersJoinIsrs, RejectsWhoIsFenced) {
  PartitionInImage partition = GoodPartition();
  partition.isr_before = {NodeId(2)};
  EXPECT_TRUE(OnlyLiveBrokersJoinIsrs(partition).holds());
  EXPECT_EQ(OnlyLiveBrokersJoinIsrs(partition).fact_count(), 1u);
  partition.inactive = {NodeId(3)};
  EXPECT_FALSE(OnlyLiveBrokersJoinIsrs(partition).holds());
  partition.inactive = {NodeId(1), NodeId(2)};
  EXPECT_TRUE(OnlyLiveBrokersJoinIsrs(partition).holds());
  partition.inactive = {NodeId(3)};
  partition.partition_epoch_before = 5;
  EXPECT_EQ(OnlyLiveBrokersJoinIsrs(partition).fact_count(), 0u);
}

LeaderState GoodLeader() {
  return {.node = "b1",
          .partition = {"t", PartitionIndex(0)},
          .isr = {NodeId(1), NodeId(2)},
          .maximal_isr = {NodeId(1), NodeId(2), NodeId(3)},
          .candidates = {NodeId(1), NodeId(2), NodeId(3)},
          .min_isr = 2,
          .held_back_ns = 1'000'000'000};
}

TEST(LeadersCountWhoMayBeElected, RejectsOneWhoIsLeftOut) {
  LeaderState leader = GoodLeader();
  EXPECT_TRUE(LeadersCountWhoMayBeElected(leader).holds());
  leader.maximal_isr = {NodeId(1), NodeId(2)};
  EXPECT_FALSE(LeadersCountWhoMayBeElected(leader).holds());
  leader.min_isr = 3;
  EXPECT_EQ(LeadersCountWhoMayBeElected(leader).fact_count(), 0u);
}

TEST(HighWatermarksAreNotHeldBack, RejectsALongTime) {
  LeaderState leader = GoodLeader();
  EXPECT_TRUE(HighWatermarksAreNotHeldBack(leader).holds());
  ++leader.held_back_ns;
  EXPECT_FALSE(HighWatermarksAreNotHeldBack(leader).holds());
}

LeaderCommit GoodCommit() {
  return {.node = "b1",
          .partition = {"t", PartitionIndex(0)},
          .high_watermark = Offset(9),
          .isr_count = 2,
          .min_isr = 2,
          .in_sync = {{"b2", Offset(9)}, {"b3", Offset(12)}}};
}

TEST(CommittedRecordsAreOnAllInSync, RejectsAShorterLogAndAnotherOne) {
  LeaderCommit commit = GoodCommit();
  EXPECT_TRUE(CommittedRecordsAreOnAllInSync(commit).holds());
  EXPECT_EQ(CommittedRecordsAreOnAllInSync(commit).fact_count(), 2u);
  commit.in_sync[0].end = Offset(8);
  EXPECT_FALSE(CommittedRecordsAreOnAllInSync(commit).holds());
  commit = GoodCommit();
  commit.in_sync[1].differs_at = Offset(3);
  EXPECT_FALSE(CommittedRecordsAreOnAllInSync(commit).holds());
}

TEST(HighWatermarksRiseOnlyWithEnoughInSync, RejectsTooFew) {
  LeaderCommit commit = GoodCommit();
  EXPECT_TRUE(HighWatermarksRiseOnlyWithEnoughInSync(commit).holds());
  commit.isr_count = 1;
  EXPECT_FALSE(HighWatermarksRiseOnlyWithEnoughInSync(commit).holds());
}

TEST(CandidatesHaveWhatIsCommitted, RejectsAShorterLogAndAnotherOne) {
  CandidateState candidate{
      .node = "b2", .partition = {"t", PartitionIndex(0)}, .end = Offset(9), .committed_end = Offset(9)};
  EXPECT_TRUE(CandidatesHaveWhatIsCommitted(candidate).holds());
  candidate.end = Offset(8);
  EXPECT_FALSE(CandidatesHaveWhatIsCommitted(candidate).holds());
  candidate.end = Offset(10);
  candidate.differs_at = Offset(3);
  EXPECT_FALSE(CandidatesHaveWhatIsCommitted(candidate).holds());
}

TEST(CandidatesTruncateNothingCommitted, RejectsACutBelowWhatIsCommitted) {
  CandidateTruncation truncation{.node = "b2",
                                 .partition = {"t", PartitionIndex(0)},
                                 .end = Offset(9),
                                 .end_before = Offset(12),
                                 .committed_end = Offset(9)};
  EXPECT_TRUE(CandidatesTruncateNothingCommitted(truncation).holds());
  truncation.end = Offset(8);
  EXPECT_FALSE(CandidatesTruncateNothingCommitted(truncation).holds());
  // It has no more, whatever is committed elsewhere.
  truncation.end_before = Offset(8);
  EXPECT_TRUE(CandidatesTruncateNothingCommitted(truncation).holds());
}

TEST(UncleanLeadersStandAlone, RejectsCompany) {
  PartitionInImage partition = GoodPartition();
  partition.candidates_before = {NodeId(3), NodeId(2)};
  EXPECT_EQ(UncleanLeadersStandAlone(partition).fact_count(), 0u);
  partition.candidates_before = {NodeId(3)};
  EXPECT_FALSE(UncleanLeadersStandAlone(partition).holds());
  partition.isr = {NodeId(2)};
  EXPECT_FALSE(UncleanLeadersStandAlone(partition).holds());
  partition.elr.clear();
  EXPECT_TRUE(UncleanLeadersStandAlone(partition).holds());
  EXPECT_EQ(UncleanLeadersStandAlone(partition).fact_count(), 1u);
}

TEST(CommittedOffsetsAreInRange, RejectsOneThatIsCommitted) {
  OutOfRangeAnswer answer{.node = "b1",
                          .partition = {"t", PartitionIndex(0)},
                          .fetch_offset = Offset(10),
                          .log_start_offset = Offset(5),
                          .committed_end = Offset(9)};
  EXPECT_TRUE(CommittedOffsetsAreInRange(answer).holds());
  answer.fetch_offset = Offset(9);
  EXPECT_FALSE(CommittedOffsetsAreInRange(answer).holds());
  answer.fetch_offset = Offset(4);
  EXPECT_TRUE(CommittedOffsetsAreInRange(answer).holds());
}

TEST(ConsumersAreSentToReplicasInSync, RejectsWhoIsNotAndWhoIsGone) {
  Redirection redirection{.node = "b1",
                          .partition = {"t", PartitionIndex(0)},
                          .rack = "a",
                          .to = NodeId(2),
                          .isr = {NodeId(1), NodeId(2)},
                          .inactive = {NodeId(3)}};
  EXPECT_TRUE(ConsumersAreSentToReplicasInSync(redirection).holds());
  redirection.inactive = {NodeId(2)};
  EXPECT_FALSE(ConsumersAreSentToReplicasInSync(redirection).holds());
  redirection.inactive.clear();
  redirection.isr = {NodeId(1)};
  EXPECT_FALSE(ConsumersAreSentToReplicasInSync(redirection).holds());
  redirection.to = kNoNode;
  EXPECT_EQ(ConsumersAreSentToReplicasInSync(redirection).fact_count(), 0u);
}

TEST(ReplicasAgreeOnWhatIsCommitted, RejectsADifference) {
  ReplicaCommit commit{.node = "b1", .partition = {"t", PartitionIndex(0)}, .high_watermark = Offset(9)};
  EXPECT_TRUE(ReplicasAgreeOnWhatIsCommitted(commit).holds());
  commit.differs_at = Offset(4);
  EXPECT_FALSE(ReplicasAgreeOnWhatIsCommitted(commit).holds());
}

TEST(HighWatermarksNeverFall, RejectsAFall) {
  ReplicaCommit commit{.node = "b1", .partition = {"t", PartitionIndex(0)}, .high_watermark = Offset(9)};
  EXPECT_EQ(HighWatermarksNeverFall(commit).fact_count(), 0u);
  commit.high_watermark_before = Offset(9);
  EXPECT_TRUE(HighWatermarksNeverFall(commit).holds());
  commit.high_watermark_before = Offset(10);
  EXPECT_FALSE(HighWatermarksNeverFall(commit).holds());
}

TEST(CommittedMetadataIsOnMostDisks, RejectsAMinority) {
  ReplicaCommit commit{.node = "b1", .high_watermark = Offset(9), .durable_count = 2, .voter_count = 3};
  EXPECT_TRUE(CommittedMetadataIsOnMostDisks(commit).holds());
  commit.durable_count = 1;
  EXPECT_FALSE(CommittedMetadataIsOnMostDisks(commit).holds());
  commit.durable_count = 2;
  commit.voter_count = 4;
  EXPECT_FALSE(CommittedMetadataIsOnMostDisks(commit).holds());
  commit.durable_count = -1;
  EXPECT_EQ(CommittedMetadataIsOnMostDisks(commit).fact_count(), 0u);
}

ClusterAtRest GoodCluster() {
  using State = ClusterAtRest::Node::State;
  return {.nodes = {{"b1", State::kServing, 5}, {"b2", State::kServing, 5}},
          .partitions = {{{"t", PartitionIndex(0)}, 2, 2}}};
}

TEST(ClusterAtRest, AcceptsAGoodOne) {
  Verdicts verdicts;
  MonitorAll(GoodCluster(), verdicts);
  EXPECT_TRUE(verdicts.violations.empty());
  for (const auto& [id, count] : verdicts.fact_counts) EXPECT_GT(count, 0u) << id;
}

TEST(NodesServeInTheEnd, RejectsWhoIsAwayOrFenced) {
  ClusterAtRest cluster = GoodCluster();
  cluster.nodes[1].state = ClusterAtRest::Node::State::kAway;
  EXPECT_FALSE(NodesServeInTheEnd(cluster).holds());
  cluster = GoodCluster();
  cluster.fenced_brokers = {NodeId(2)};
  EXPECT_FALSE(NodesServeInTheEnd(cluster).holds());
}

TEST(ImagesConverge, RejectsADifference) {
  ClusterAtRest cluster = GoodCluster();
  EXPECT_TRUE(ImagesConverge(cluster).holds());
  cluster.nodes[1].fingerprint = 6;
  EXPECT_FALSE(ImagesConverge(cluster).holds());
}

TEST(PartitionsAreLedInTheEnd, RejectsOneWithoutALeader) {
  ClusterAtRest cluster = GoodCluster();
  EXPECT_TRUE(PartitionsAreLedInTheEnd(cluster).holds());
  cluster.leaderless = {{"t", PartitionIndex(0)}};
  EXPECT_FALSE(PartitionsAreLedInTheEnd(cluster).holds());
}

TEST(ReplicasAreInSyncInTheEnd, RejectsAnIsrThatIsNotFull) {
  ClusterAtRest cluster = GoodCluster();
  EXPECT_TRUE(ReplicasAreInSyncInTheEnd(cluster).holds());
  cluster.partitions[0].isr_count = 1;
  EXPECT_FALSE(ReplicasAreInSyncInTheEnd(cluster).holds());
}

}  // namespace
}  // namespace odradek::properties
