// Monitors of what several nodes must have in common: the quorum of the controllers, images of the metadata, replicas
// of a log, and a cluster in which nothing is left to do. As monitors.h: plain values, one sentence and one file each.
#pragma once

#include <string>
#include <vector>

#include "properties/monitors.h"

namespace odradek::properties {

// A node's replica of the metadata quorum at an instant.
struct QuorumMember {
  int64_t at_ns = 0;
  std::string node;
  // In memory.
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  // Whom any node has named as the leader of this epoch before; kNoNode: nobody.
  NodeId known_leader = kNoNode;
};

// What a loss of power leaves of a node's quorum-state, now and when it was looked at before.
struct QuorumVote {
  int64_t at_ns = 0;
  std::string node;
  LeaderEpoch epoch{0};
  NodeId voted = kNoNode;
  LeaderEpoch epoch_before{0};
  NodeId voted_before = kNoNode;
};

// The fold of the metadata log below `end`, as a node has it.
struct ImageState {
  int64_t at_ns = 0;
  std::string node;
  Offset end;
  uint64_t fingerprint = 0;
  // Of the first node that was seen there.
  std::string first_node;
  uint64_t first_fingerprint = 0;
};

// A partition in an image, and in one that ends before it.
struct PartitionInImage {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  int32_t partition_epoch = 0;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::vector<NodeId> elr;
  // Of a move (KIP-455), and what was of it in the image before.
  std::vector<NodeId> adding;
  std::vector<NodeId> removing;
  std::vector<NodeId> replicas_before;
  std::vector<NodeId> adding_before;
  std::vector<NodeId> removing_before;
  std::vector<NodeId> inactive;  // of the replicas: fenced, shutting down or not registered
  // Epochs below 0: there is no earlier image with it.
  LeaderEpoch leader_epoch_before{-1};
  int32_t partition_epoch_before = -1;
  std::vector<NodeId> candidates_before;  // ISR and ELR
  std::vector<NodeId> isr_before;
  // Who led in `leader_epoch` before; kNoNode: nobody.
  NodeId known_leader = kNoNode;
};

// The high watermark of a replica moved: of a partition or of the metadata log.
struct ReplicaCommit {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset high_watermark;
  Offset high_watermark_before = kNoOffset;  // since the log was loaded
  // Where the log differs from what any replica has seen committed; kNoOffset: nowhere below the high watermark.
  Offset differs_at = kNoOffset;
  // Of the metadata log, where this is news to everybody: how many voters have all of it on their disks. −1: no matter.
  int32_t durable_count = -1;
  int32_t voter_count = 0;
};

// The leader of a partition in the newest image, and whom that image would let lead.
struct LeaderState {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  std::vector<NodeId> isr;          // as the leader knows it
  std::vector<NodeId> maximal_isr;  // with those whom it has proposed
  std::vector<NodeId> candidates;   // ISR and ELR of the image
  int32_t min_isr = 1;
  // How long its high watermark has been below what all of the maximal ISR has told to have, though nobody else can
  // join the ISR.
  int64_t held_back_ns = 0;
};

// Such a leader has moved its high watermark.
struct LeaderCommit {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset high_watermark;
  int32_t isr_count = 0;
  int32_t min_isr = 1;
  struct Member {
    std::string node;
    Offset end;
    Offset differs_at = kNoOffset;  // below the high watermark, from what was committed
  };
  std::vector<Member> in_sync;  // in the newest image: ISR and ELR, without the leader
};

// A replica that the controller could elect, by the newest image.
struct CandidateState {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset end;
  Offset committed_end;
  Offset differs_at = kNoOffset;
};

// Such a replica is about to truncate its log.
struct CandidateTruncation {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset end;
  Offset end_before;
  Offset committed_end;
};

// A node has told somebody that an offset is out of range: a follower of the partition or its newest leader.
struct OutOfRangeAnswer {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset fetch_offset;
  Offset log_start_offset;
  Offset committed_end;
};

// Where a leader sends consumers of a rack to.
struct Redirection {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  std::string rack;
  NodeId to = kNoNode;
  std::vector<NodeId> isr;       // as the leader knows it
  std::vector<NodeId> inactive;  // the same
};

// When the faults have ended and everybody has had time.
struct ClusterAtRest {
  int64_t at_ns = 0;
  struct Node {
    std::string name;
    enum class State : uint8_t { kAway, kServing };
    State state = State::kAway;
    uint64_t fingerprint = 0;  // of its image
  };
  std::vector<Node> nodes;
  // By the newest image.
  std::vector<NodeId> fenced_brokers;
  std::vector<TopicPartition> leaderless;
  struct Partition {
    TopicPartition name;
    int32_t replica_count = 0;
    int32_t isr_count = 0;
    bool is_moving = false;
  };
  std::vector<Partition> partitions;
};

template <>
std::span<const Monitor<QuorumMember>> MonitorsOf();
template <>
std::span<const Monitor<QuorumVote>> MonitorsOf();
template <>
std::span<const Monitor<ImageState>> MonitorsOf();
template <>
std::span<const Monitor<PartitionInImage>> MonitorsOf();
template <>
std::span<const Monitor<ReplicaCommit>> MonitorsOf();
template <>
std::span<const Monitor<LeaderState>> MonitorsOf();
template <>
std::span<const Monitor<LeaderCommit>> MonitorsOf();
template <>
std::span<const Monitor<CandidateState>> MonitorsOf();
template <>
std::span<const Monitor<CandidateTruncation>> MonitorsOf();
template <>
std::span<const Monitor<OutOfRangeAnswer>> MonitorsOf();
template <>
std::span<const Monitor<Redirection>> MonitorsOf();
template <>
std::span<const Monitor<ClusterAtRest>> MonitorsOf();

// One function per file of this folder.
Findings QuorumEpochsHaveOneLeader(const QuorumMember&);
Findings QuorumEpochsNeverFall(const QuorumVote&);
Findings QuorumVotesAreGivenOnce(const QuorumVote&);
Findings EqualOffsetsHaveEqualImages(const ImageState&);
Findings LeaderEpochsHaveOneLeader(const PartitionInImage&);
Findings PartitionEpochsNeverFall(const PartitionInImage&);
Findings ReplicaSetsAreInOrder(const PartitionInImage&);
Findings MovesEndInSync(const PartitionInImage&);
Findings OnlyLiveBrokersJoinIsrs(const PartitionInImage&);
Findings UncleanLeadersStandAlone(const PartitionInImage&);
Findings LeadersCountWhoMayBeElected(const LeaderState&);
Findings HighWatermarksAreNotHeldBack(const LeaderState&);
Findings CommittedRecordsAreOnAllInSync(const LeaderCommit&);
Findings HighWatermarksRiseOnlyWithEnoughInSync(const LeaderCommit&);
Findings CandidatesHaveWhatIsCommitted(const CandidateState&);
Findings CandidatesTruncateNothingCommitted(const CandidateTruncation&);
Findings CommittedOffsetsAreInRange(const OutOfRangeAnswer&);
Findings ConsumersAreSentToReplicasInSync(const Redirection&);
Findings ReplicasAgreeOnWhatIsCommitted(const ReplicaCommit&);
Findings HighWatermarksNeverFall(const ReplicaCommit&);
Findings CommittedMetadataIsOnMostDisks(const ReplicaCommit&);
Findings NodesServeInTheEnd(const ClusterAtRest&);
Findings ImagesConverge(const ClusterAtRest&);
Findings PartitionsAreLedInTheEnd(const ClusterAtRest&);
Findings ReplicasAreInSyncInTheEnd(const ClusterAtRest&);
Findings MovesEnd(const ClusterAtRest&);

}  // namespace odradek::properties
