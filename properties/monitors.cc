#include "properties/monitors.h"

#include <array>

namespace odradek::properties {
namespace {

constexpr auto kReplicaMonitors = std::to_array<Monitor<ReplicaState>>({
    {"P1", "The sequences of a producer in a log go on without gap or repetition.", &SequencesContinue},
    {"P3", "The epochs of a producer never go back along a log.", &ProducerEpochsNeverGoBack},
    {"P5", "The producers' state in memory is the fold of the log.", &ProducerStateIsTheFoldOfTheLog},
    {"L1", "Offsets of a log increase, and its batches fill it to its end.", &LogOffsetsIncrease},
    {"L2", "A batch in the log never changes.", &AppendedBatchesNeverChange},
    {"D3", "What counts as durable is on the disk.", &RecoveryPointsAreDurable},
    {"R11", "Log start, last stable offset, high watermark and log end are ordered.", &WatermarksAreOrdered},
    {"R12", "Leader epochs increase along the log.", &LeaderEpochsIncrease},
    {"R12", "The epochs of the batches are those of the leader-epoch cache.", &LeaderEpochsAreThoseOfTheLog},
    {"V1", "When nobody writes any longer, everything is visible.", &HighWatermarksReachTheEnd},
    {"V10", "What retention.bytes does not allow goes away.", &RetentionMakesProgress},
});

constexpr auto kRecoveryMonitors = std::to_array<Monitor<RecoveredLog>>({
    {"D2", "A log that was loaded has no torn end and no damaged batch.", &RecoveredLogsAreWhole},
    {"D5", "A node claims a clean shutdown only if it left the mark of one.", &CleanStartsHaveAMarker},
    {"D5", "The mark of a clean shutdown is gone before a log is loaded.", &MarksAreGoneBeforeLogsAreLoaded},
});

constexpr auto kDirectoryMonitors = std::to_array<Monitor<DirectoryState>>({
    {"D4", "Checkpoints parse and say nothing that their logs do not hold.", &CheckpointsDescribeTheirLogs},
    {"D5", "The mark of a clean shutdown stands beside whole logs only.", &CleanShutdownsAreComplete},
});

constexpr auto kFetchMonitors = std::to_array<Monitor<FetchAnswer>>({
    {"L2", "A reader sees nothing beyond the high watermark and the log end.", &ReadersSeeOnlyWhatIsVisible},
    {"F3", "The first batch of an answer holds the offset that was asked for.", &FetchesBeginWhereAsked},
});

constexpr auto kProduceMonitors = std::to_array<Monitor<ProduceAnswer>>({
    {"P2", "A batch that is sent again is answered with its first offset.", &RetriesAreAnsweredAlike},
    {"R13", "What is acknowledged is in the log and visible.", &AcknowledgedBatchesAreVisible},
});

constexpr auto kDeletionMonitors = std::to_array<Monitor<SegmentDeletion>>({
    {"Z2", "Only segments that are old, too much or below the log start are deleted.", &OnlyOldSegmentsAreDeleted},
});

constexpr auto kCompactionMonitors = std::to_array<Monitor<SegmentCompaction>>({
    {"C5", "Compaction takes nothing that is active, not yet visible or not durable.",
     &CompactionTakesOnlyWhatIsSettled},
    {"C8", "A compacted segment ends where what it replaces ended.", &CompactionKeepsTheEnds},
});

}  // namespace

template <>
std::span<const Monitor<ReplicaState>> MonitorsOf() {
  return kReplicaMonitors;
}
template <>
std::span<const Monitor<RecoveredLog>> MonitorsOf() {
  return kRecoveryMonitors;
}
template <>
std::span<const Monitor<DirectoryState>> MonitorsOf() {
  return kDirectoryMonitors;
}
template <>
std::span<const Monitor<FetchAnswer>> MonitorsOf() {
  return kFetchMonitors;
}
template <>
std::span<const Monitor<ProduceAnswer>> MonitorsOf() {
  return kProduceMonitors;
}
template <>
std::span<const Monitor<SegmentDeletion>> MonitorsOf() {
  return kDeletionMonitors;
}
template <>
std::span<const Monitor<SegmentCompaction>> MonitorsOf() {
  return kCompactionMonitors;
}

}  // namespace odradek::properties
