// The observation port: the engine says once what it did; monitors, the trace, metrics and logs all read it from here.
// Views in an observation are valid during the call only. Observers must not suspend and must not call the engine.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"

namespace odradek::env {

struct PartitionName {
  std::string_view topic;
  PartitionIndex partition;
};

// A batch is in the log (page cache), not yet visible to consumers.
struct LogAppended {
  PartitionName partition;
  Offset base_offset;
  Offset next_offset;
  LeaderEpoch leader_epoch;
  uint32_t batch_crc;
  int64_t size_bytes;
};
// Everything below `durable_end` has been synced since it was written.
struct LogFlushed {
  PartitionName partition;
  Offset durable_end;
};
struct LogRolled {
  PartitionName partition;
  Offset base_offset;
};
struct LogTruncated {
  PartitionName partition;
  Offset log_end_offset;
};
enum class LogStartReason : uint8_t { kRetention, kDeleteRecords, kRecovery };
struct LogStartMoved {
  PartitionName partition;
  Offset log_start_offset;
  LogStartReason reason;
};
struct SegmentDeleted {
  PartitionName partition;
  Offset base_offset;
  Offset next_offset;
  Timestamp largest_timestamp;
  int64_t size_bytes;
};
// A cleaned copy has taken the place of the segments in [base_offset, replaced_end).
struct SegmentsCompacted {
  PartitionName partition;
  Offset base_offset;
  Offset next_offset;  // of the copy
  Offset replaced_end;
  Offset last_stable_offset;
  Offset active_base_offset;
  int64_t size_bytes_before;
  int64_t size_bytes;
};
// Of every key with a record in [first_dirty, cleaned_until), no older record is left; the checkpoint says so durably.
struct LogCleaned {
  PartitionName partition;
  Offset first_dirty;
  Offset cleaned_until;
  int64_t bytes_read;
  int64_t bytes_written;
};
// Retention found that a segment may go: what it went by. It is deleted unless the node ends before.
struct SegmentExpired {
  PartitionName partition;
  Offset base_offset;
  Offset next_offset;
  Offset high_watermark;
  Timestamp largest_timestamp;
  WallTime now;
  int64_t left_bytes;  // of the log without it and those chosen before it
};
enum class ShutdownKind : uint8_t { kClean, kUnclean };
struct LogRecovered {
  PartitionName partition;
  Offset log_start_offset;
  Offset log_end_offset;
  Offset recovery_point;
  int64_t bytes_read;
  int64_t bytes_truncated;
  ShutdownKind previous_shutdown;
  // Where records were cut off that no torn write explains: the disk damaged them. kNoOffset: none were.
  Offset damaged_from = kNoOffset;
};
// What a recovery found at `from` and behind is not whole and is about to be cut off; the node may end before it is.
struct LogCutOff {
  PartitionName partition;
  Offset from;
};
// The log is about to be cut down to `log_end_offset`, on its leader's word; the node may end before it is.
struct LogTruncating {
  PartitionName partition;
  Offset log_end_offset;
};
// The log takes no more appends; the node answers KAFKA_STORAGE_ERROR for it.
struct LogOffline {
  PartitionName partition;
  std::string_view reason;
};
struct HighWatermarkMoved {
  PartitionName partition;
  Offset high_watermark;
};
struct LeaderEpochStarted {
  PartitionName partition;
  LeaderEpoch leader_epoch;
  Offset start_offset;
};
// An answer to a Produce for one partition is about to leave. error is Kafka's code.
struct ProduceAnswered {
  PartitionName partition;
  Offset base_offset;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
  int16_t acks;
  int16_t error;
};
struct RecordsFetched {
  PartitionName partition;
  Offset fetch_offset;
  Offset base_offset;  // of the first batch that is sent
  Offset next_offset;  // end of what is sent
  Offset high_watermark;
  Offset last_stable_offset;
  Offset log_start_offset;
};
// A fetch offset was said to be outside of the log.
struct FetchOutOfRange {
  PartitionName partition;
  Offset fetch_offset;
  Offset log_start_offset;
  Offset log_end_offset;
};
struct TopicCreated {
  std::string_view topic;
  TopicId id;
  int32_t partition_count;
};
struct TopicDeleted {
  std::string_view topic;
  TopicId id;
};
// The node has no replica any more, and its log goes: the topic was deleted, or the replica has moved.
struct ReplicaDropped {
  PartitionName partition;
};
struct NodeStarted {
  NodeId node;
  ShutdownKind previous_shutdown;
};
// The clean-shutdown marker is durable.
struct NodeShutDown {
  NodeId node;
};

using Observation =
    std::variant<LogAppended, LogFlushed, LogRolled, LogTruncated, LogStartMoved, SegmentDeleted, SegmentExpired,
                 LogRecovered, LogCutOff, LogOffline, HighWatermarkMoved, LeaderEpochStarted, ProduceAnswered,
                 RecordsFetched, FetchOutOfRange, TopicCreated, TopicDeleted, NodeStarted, NodeShutDown,
                 SegmentsCompacted, LogCleaned, LogTruncating, ReplicaDropped>;

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void On(const Observation& observation) = 0;
};

}  // namespace odradek::env
