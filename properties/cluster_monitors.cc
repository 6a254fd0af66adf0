#include "properties/cluster_monitors.h"

#include <array>

namespace odradek::properties {
namespace {

constexpr auto kMemberMonitors = std::to_array<Monitor<QuorumMember>>({
    {"K1", "An epoch of the quorum has at most one leader.", &QuorumEpochsHaveOneLeader},
});

constexpr auto kVoteMonitors = std::to_array<Monitor<QuorumVote>>({
    {"K5", "The epoch that a voter keeps on its disk never falls.", &QuorumEpochsNeverFall},
    {"K6", "A voter votes for one candidate in an epoch, whatever happens to it.", &QuorumVotesAreGivenOnce},
});

constexpr auto kImageMonitors = std::to_array<Monitor<ImageState>>({
    {"M1", "Images that end at the same offset are the same.", &EqualOffsetsHaveEqualImages},
});

constexpr auto kPartitionMonitors = std::to_array<Monitor<PartitionInImage>>({
    {"R5", "A leader epoch of a partition has one leader.", &LeaderEpochsHaveOneLeader},
    {"R8", "The sets of a partition's replicas are what they may be.", &ReplicaSetsAreInOrder},
    {"R16", "A move of replicas ends when all that stay are in sync.", &MovesEndInSync},
    {"R8", "Who joins an ISR is neither fenced nor shutting down.", &OnlyLiveBrokersJoinIsrs},
    {"R8", "Who is elected without being in sync is the whole ISR.", &UncleanLeadersStandAlone},
    {"R14", "The epochs of a partition never fall.", &PartitionEpochsNeverFall},
});

constexpr auto kCommitMonitors = std::to_array<Monitor<ReplicaCommit>>({
    {"R3", "What is committed is the same on all replicas, for ever.", &ReplicasAgreeOnWhatIsCommitted},
    {"R2", "The high watermark of a replica never falls.", &HighWatermarksNeverFall},
    {"K7", "What is committed of the metadata is on the disks of a majority.", &CommittedMetadataIsOnMostDisks},
});

constexpr auto kLeaderMonitors = std::to_array<Monitor<LeaderState>>({
    {"R7", "A leader counts all replicas that the controller could elect.", &LeadersCountWhoMayBeElected},
    {"V1", "No replica holds the high watermark back that cannot join the ISR.", &HighWatermarksAreNotHeldBack},
});

constexpr auto kLeaderCommitMonitors = std::to_array<Monitor<LeaderCommit>>({
    {"R1", "What a leader takes for committed is in the logs of all that are in sync.",
     &CommittedRecordsAreOnAllInSync},
    {"R1", "The high watermark rises only while enough replicas are in sync.", &HighWatermarksRiseOnlyWithEnoughInSync},
});

constexpr auto kCandidateMonitors = std::to_array<Monitor<CandidateState>>({
    {"R6", "Every replica that could be elected has all that is committed.", &CandidatesHaveWhatIsCommitted},
});

constexpr auto kTruncationMonitors = std::to_array<Monitor<CandidateTruncation>>({
    {"R10", "No replica that could be elected truncates what is committed.", &CandidatesTruncateNothingCommitted},
});

constexpr auto kOutOfRangeMonitors = std::to_array<Monitor<OutOfRangeAnswer>>({
    {"Z4", "No committed offset is out of range.", &CommittedOffsetsAreInRange},
});

constexpr auto kRedirectionMonitors = std::to_array<Monitor<Redirection>>({
    {"V2", "Consumers are sent to live replicas that are in sync.", &ConsumersAreSentToReplicasInSync},
});

constexpr auto kRestMonitors = std::to_array<Monitor<ClusterAtRest>>({
    {"V4", "When the faults have ended, every node serves and no broker is fenced.", &NodesServeInTheEnd},
    {"M4", "When the faults have ended, all images become the same.", &ImagesConverge},
    {"V4", "When the faults have ended, every partition has a leader.", &PartitionsAreLedInTheEnd},
    {"V3", "When the faults have ended, all replicas are in sync.", &ReplicasAreInSyncInTheEnd},
    {"V12", "When the faults have ended, no partition moves any more.", &MovesEnd},
});

}  // namespace

template <>
std::span<const Monitor<QuorumMember>> MonitorsOf() {
  return kMemberMonitors;
}
template <>
std::span<const Monitor<QuorumVote>> MonitorsOf() {
  return kVoteMonitors;
}
template <>
std::span<const Monitor<ImageState>> MonitorsOf() {
  return kImageMonitors;
}
template <>
std::span<const Monitor<PartitionInImage>> MonitorsOf() {
  return kPartitionMonitors;
}
template <>
std::span<const Monitor<ReplicaCommit>> MonitorsOf() {
  return kCommitMonitors;
}
template <>
std::span<const Monitor<LeaderState>> MonitorsOf() {
  return kLeaderMonitors;
}
template <>
std::span<const Monitor<LeaderCommit>> MonitorsOf() {
  return kLeaderCommitMonitors;
}
template <>
std::span<const Monitor<CandidateState>> MonitorsOf() {
  return kCandidateMonitors;
}
template <>
std::span<const Monitor<CandidateTruncation>> MonitorsOf() {
  return kTruncationMonitors;
}
template <>
std::span<const Monitor<OutOfRangeAnswer>> MonitorsOf() {
  return kOutOfRangeMonitors;
}
template <>
std::span<const Monitor<Redirection>> MonitorsOf() {
  return kRedirectionMonitors;
}
template <>
std::span<const Monitor<ClusterAtRest>> MonitorsOf() {
  return kRestMonitors;
}

}  // namespace odradek::properties
