// Monitors: what must hold of a node's logs and files at an instant, one sentence and one file each. They see plain
// values that whoever runs the node takes from it, and nothing of the simulator.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "properties/findings.h"
#include "properties/written_log.h"
#include "sim/history/history.h"

namespace odradek::properties {

struct ReplicaEpoch {
  LeaderEpoch epoch;
  Offset start_offset;
  friend auto operator<=>(const ReplicaEpoch&, const ReplicaEpoch&) = default;
};

struct ReplicaBatch {
  int32_t last_sequence = -1;
  Offset last_offset;
  int32_t offset_delta = 0;
};
struct ReplicaProducer {
  ProducerId id;
  ProducerEpoch epoch;
  Timestamp last_timestamp;
  std::vector<ReplicaBatch> window;  // oldest first
};

// A batch as the node reported its append.
struct AppendedBatch {
  Offset next_offset;
  LeaderEpoch leader_epoch;
  uint32_t crc = 0;
};
using AppendedBatches = std::map<Offset, AppendedBatch>;  // by base offset

// A partition's log on one node at one instant.
struct ReplicaState {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset log_start_offset;
  Offset last_stable_offset;
  Offset high_watermark;
  Offset log_end_offset;
  Offset recovery_point;
  Offset flushed_end;  // as the node reported its syncs
  std::vector<ReplicaEpoch> epochs;
  // kAtRest: no client has anything left to do.
  enum class Moment : uint8_t { kRunning, kAtRest };
  Moment moment = Moment::kRunning;
  // kSeveral: it may follow another replica, and take over the batches of several epochs at a time.
  enum class Replicas : uint8_t { kOne, kSeveral };
  Replicas replicas = Replicas::kOne;
  Gaps gaps = Gaps::kNone;
  // Since when the oldest segment can be deleted by retention.bytes while a process serves; -1: it cannot.
  int64_t too_large_since_ns = -1;
  int64_t retention_check_ns = 0;

  // With the files: nullptr and empty when nobody read them, or what they show may change by itself.
  const WrittenLog* files = nullptr;    // as processes see them
  const WrittenLog* durable = nullptr;  // as a loss of power might leave them
  const AppendedBatches* appended = nullptr;
  std::vector<ReplicaProducer> producers;
  // Producers that wrote nothing since then may have been forgotten.
  Timestamp producers_expired_before = kNoTimestamp;
};

// A log that a node has just loaded; nothing was appended yet.
struct RecoveredLog {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset log_start_offset;
  Offset log_end_offset;
  // The node says that it was shut down cleanly before.
  enum class Shutdown : uint8_t { kClean, kUnclean };
  Shutdown claimed = Shutdown::kUnclean;
  Shutdown marked = Shutdown::kUnclean;  // whether the marker was there when the process started
  // kThere: the mark is still in the directory, or a loss of power might bring it back.
  enum class Mark : uint8_t { kGone, kThere };
  Mark mark_now = Mark::kGone;
  Gaps gaps = Gaps::kNone;
  const WrittenLog* files = nullptr;
};

struct DirectoryLog {
  TopicPartition partition;
  Gaps gaps = Gaps::kNone;
  // kNone: a sync of it failed, and what processes see may change by itself (ReplicaState::files is nullptr then).
  enum class Trust : uint8_t { kFull, kNone };
  Trust trust = Trust::kFull;
  // kShortened: a loss of power took its end once; a high watermark may have been written before.
  enum class Past : uint8_t { kWhole, kShortened };
  Past past = Past::kWhole;
  // kGone: processes see no such folder any more; a loss of power may bring it back.
  enum class Folder : uint8_t { kThere, kGone };
  Folder folder = Folder::kThere;
  WrittenLog files;
  WrittenLog durable;
};
// The files of a data directory.
struct DirectoryState {
  int64_t at_ns = 0;
  std::string node;
  std::string directory;
  // kStopped: no process runs on the node. kServing: one has loaded the directory and changes it.
  enum class Moment : uint8_t { kStopped, kServing };
  Moment moment = Moment::kStopped;
  enum class Marker : uint8_t { kNone, kThere };
  Marker clean_marker = Marker::kNone;
  Marker durable_clean_marker = Marker::kNone;
  WrittenCheckpoint recovery_points;
  WrittenCheckpoint log_starts;
  WrittenCheckpoint high_watermarks;
  std::vector<DirectoryLog> logs;
};

// A node answers a Fetch with records of a partition.
struct FetchAnswer {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset fetch_offset;
  Offset base_offset;                  // of the first batch
  Offset first_batch_end = kNoOffset;  // kNoOffset: nobody knows
  Offset next_offset;                  // after the last one
  Gaps gaps = Gaps::kNone;
  Offset high_watermark;
  Offset last_stable_offset;
  Offset log_start_offset;
  Offset log_end_offset;  // as the node reported its appends
};

// A node acknowledges a produced batch.
struct ProduceAnswer {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  int32_t base_sequence = -1;
  Offset base_offset;
  // kByLeader: nothing was promised but that it is in the leader's log, where there are other replicas (acks 0 and 1).
  enum class Promised : uint8_t { kByAll, kByLeader };
  Promised promised = Promised::kByAll;
  Offset high_watermark;                    // kNoOffset: it did not move since the log was loaded
  const AppendedBatch* appended = nullptr;  // the batch that was appended there; nullptr: there was none
  Offset answered_before = kNoOffset;       // the offset that an earlier answer gave for the same batch
};

// A node deletes a segment.
struct SegmentDeletion {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset base_offset;
  Offset next_offset;
  Timestamp largest_timestamp;  // kNoTimestamp: the node does not know
  Offset deleted_below;         // as far as DeleteRecords and recoveries have moved the log start
  Offset high_watermark;
  int64_t bytes_left = 0;  // of the segments behind it
  int64_t latest_wall_ms = 0;
  int64_t retention_ms = -1;     // -1: never
  int64_t retention_bytes = -1;  // likewise
};

// A cleaned copy takes the place of the segments in [base_offset, replaced_end).
struct SegmentCompaction {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset base_offset;
  Offset next_offset;  // of the copy
  Offset replaced_end;
  // Of the log at that instant.
  Offset last_stable_offset;
  Offset active_base_offset;
  Offset flushed_end;  // as the node reported its syncs
};

template <typename Subject>
struct Monitor {
  std::string_view id;  // several monitors may share one
  std::string_view sentence;
  Findings (*check)(const Subject&);
};
// All monitors of a kind of subject, in the order of their ids.
template <typename Subject>
std::span<const Monitor<Subject>> MonitorsOf();
template <>
std::span<const Monitor<ReplicaState>> MonitorsOf();
template <>
std::span<const Monitor<RecoveredLog>> MonitorsOf();
template <>
std::span<const Monitor<DirectoryState>> MonitorsOf();
template <>
std::span<const Monitor<FetchAnswer>> MonitorsOf();
template <>
std::span<const Monitor<ProduceAnswer>> MonitorsOf();
template <>
std::span<const Monitor<SegmentDeletion>> MonitorsOf();
template <>
std::span<const Monitor<SegmentCompaction>> MonitorsOf();

// Adds every monitor's verdict.
template <typename Subject>
void MonitorAll(const Subject& subject, Verdicts& into) {
  for (const Monitor<Subject>& monitor : MonitorsOf<Subject>()) into.Add(monitor.id, monitor.check(subject));
}

// One function per file of this folder.
Findings WatermarksAreOrdered(const ReplicaState&);
Findings LeaderEpochsIncrease(const ReplicaState&);
Findings LeaderEpochsAreThoseOfTheLog(const ReplicaState&);
Findings ProducerStateIsTheFoldOfTheLog(const ReplicaState&);
Findings RecoveryPointsAreDurable(const ReplicaState&);
Findings LogOffsetsIncrease(const ReplicaState&);
Findings AppendedBatchesNeverChange(const ReplicaState&);
Findings SequencesContinue(const ReplicaState&);
Findings ProducerEpochsNeverGoBack(const ReplicaState&);
Findings HighWatermarksReachTheEnd(const ReplicaState&);
Findings RetentionMakesProgress(const ReplicaState&);
Findings RecoveredLogsAreWhole(const RecoveredLog&);
Findings CleanStartsHaveAMarker(const RecoveredLog&);
Findings MarksAreGoneBeforeLogsAreLoaded(const RecoveredLog&);
Findings CheckpointsDescribeTheirLogs(const DirectoryState&);
Findings CleanShutdownsAreComplete(const DirectoryState&);
Findings ReadersSeeOnlyWhatIsVisible(const FetchAnswer&);
Findings FetchesBeginWhereAsked(const FetchAnswer&);
Findings RetriesAreAnsweredAlike(const ProduceAnswer&);
Findings AcknowledgedBatchesAreVisible(const ProduceAnswer&);
Findings OnlyOldSegmentsAreDeleted(const SegmentDeletion&);
Findings CompactionTakesOnlyWhatIsSettled(const SegmentCompaction&);
Findings CompactionKeepsTheEnds(const SegmentCompaction&);

}  // namespace odradek::properties
