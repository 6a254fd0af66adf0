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
    {"R14", "The epochs of a partition never fall.", &PartitionEpochsNeverFall},
});

constexpr auto kCommitMonitors = std::to_array<Monitor<ReplicaCommit>>({
    {"R3", "What is committed is the same on all replicas, for ever.", &ReplicasAgreeOnWhatIsCommitted},
    {"R2", "The high watermark of a replica never falls.", &HighWatermarksNeverFall},
    {"K7", "What is committed of the metadata is on the disks of a majority.", &CommittedMetadataIsOnMostDisks},
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
std::span<const Monitor<ClusterAtRest>> MonitorsOf() {
  return kRestMonitors;
}

}  // namespace odradek::properties
