// What clients invoked and saw, and what the nodes went through: all that a checker may know. Plain data in the order
// of the operations' invocation; the same shape comes from the simulator and from a run against real sockets.
//
// Times are nanoseconds of one common clock (virtual time in the simulator). Every workload value is unique in its run.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"

namespace odradek::history {

// kOk: it happened. kFail: every attempt was answered with an error that proves that it did not. kUnknown: anything
// else (PROPERTIES: outcome classification).
enum class Outcome : uint8_t { kOk, kFail, kUnknown };
std::string_view ToString(Outcome outcome);

using ClientId = int32_t;
using Value = uint64_t;
// The number of a record's key.
using Key = uint32_t;
// Stands for bytes that no workload wrote.
inline constexpr Value kCorruptValue = UINT64_MAX;

struct Span {
  int64_t invoked_ns = 0;
  int64_t completed_ns = 0;  // for an operation that never completed: the end of the run
};

enum class Acks : int8_t { kNone = 0, kLeader = 1, kAll = -1 };

struct Send {
  Span span;
  ClientId client = 0;
  // Counts the producer sessions of a client: a new producer id is a new session.
  int32_t session = 0;
  bool idempotent = false;
  Acks acks = Acks::kAll;
  TopicPartition partition;
  Value value = 0;
  std::optional<Key> key = std::nullopt;
  bool is_tombstone = false;  // without a value: deletes its key where the topic is compacted
  Timestamp timestamp = kNoTimestamp;
  Outcome outcome = Outcome::kUnknown;
  Offset offset = kNoOffset;                 // of an ok send with acks != 0
  Timestamp acked_timestamp = kNoTimestamp;  // that the acknowledgement gave to the record
  int16_t error = 0;                         // Kafka's code of a failed or unknown one
};

struct PolledRecord {
  Offset offset;
  Value value = 0;
  Timestamp timestamp = kNoTimestamp;
  ProducerId producer_id = kNoProducerId;
};

// What one poll returned for one partition. A partition without records has no Poll. A consumer fetches ahead of its
// user: the span begins when the broker was asked for the records.
struct Poll {
  Span span;
  ClientId client = 0;
  // Changes whenever the client assigned or sought: positions are comparable only within one assignment.
  int32_t assignment = 0;
  TopicPartition partition;
  Offset position_before;
  Offset position_after;
  std::vector<PolledRecord> records;
};

enum class OffsetQuery : uint8_t { kEarliest, kLatest, kMaxTimestamp, kByTimestamp };

struct ListOffsets {
  Span span;
  ClientId client = 0;
  TopicPartition partition;
  OffsetQuery query = OffsetQuery::kLatest;
  Timestamp timestamp = kNoTimestamp;  // asked for (kByTimestamp)
  Outcome outcome = Outcome::kUnknown;
  Offset offset = kNoOffset;
  Timestamp found_timestamp = kNoTimestamp;
};

struct DeleteRecords {
  Span span;
  ClientId client = 0;
  TopicPartition partition;
  Offset before;
  Outcome outcome = Outcome::kUnknown;
  Offset low_watermark = kNoOffset;
};

// Somebody deleted a topic and may have made another one of its name.
struct TopicDeletion {
  Span span;
  ClientId client = 0;
  std::string topic;
  Outcome outcome = Outcome::kUnknown;
};

// A request that the protocol says must be refused, and what was said: Kafka's code.
struct Refusal {
  Span span;
  ClientId client = 0;
  std::string what;
  int16_t error = 0;
};

// What an answer to a Fetch named: of a client that reads answers itself.
struct FetchShape {
  Span span;
  ClientId client = 0;
  int32_t named_count = 0;     // partitions, as often as they are named
  int32_t distinct_count = 0;  // different ones
};

// A partition's complete contents, read from its start to its end when everything was healed. `span` begins before the
// first record was asked for.
struct FinalRead {
  Span span;
  TopicPartition partition;
  Offset log_start_offset;
  Offset end_offset;
  std::vector<PolledRecord> records;
};

enum class LossCause : uint8_t {
  kDeath,    // of the process, or of the power: judged by the table of promises
  kDamage,   // the disk had damaged a batch at or before recovered_end: nothing is promised from there on
  kDeletion  // of the topic, whose successor of the same name is another topic
};

// A log of a node came back shorter than it was: power was lost and the suffix from `recovered_end` on was not durable.
// Judged by the table of promises: `durable_end` is what had been promised.
struct LogLoss {
  int64_t at_ns = 0;
  TopicPartition partition;
  Offset recovered_end;
  Offset durable_end;
  Offset end_before;
  LossCause cause = LossCause::kDeath;
  bool was_reported = true;  // the node said that it cut something off
  // What other replicas of the partition have: it is not lost to clients.
  Offset kept_end = Offset(0);
};

// log_start_offset moved by retention or DeleteRecords, as the node reported it.
struct LogStart {
  int64_t at_ns = 0;
  TopicPartition partition;
  Offset log_start_offset;
  std::string node = {};
  bool is_new_replica = false;  // the node had dropped the one that it had
};

// Retention chose a segment to delete: what the node says that it went by.
struct Expiration {
  int64_t at_ns = 0;
  TopicPartition partition;
  Offset base_offset;
  Offset next_offset;
  Offset high_watermark;
  Timestamp largest_timestamp;
  int64_t now_ms = 0;      // by the node's wall clock
  int64_t left_bytes = 0;  // of the log without it
};

// A node said of a fetch offset that it is outside of a log, and where the log begins and ends.
struct OutOfRange {
  int64_t at_ns = 0;
  TopicPartition partition;
  Offset fetch_offset;
  Offset log_start_offset;
  Offset log_end_offset;
};

// A node's answer to a batch of a producer with an id; error is Kafka's code.
struct BatchAnswer {
  int64_t at_ns = 0;
  TopicPartition partition;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  int32_t base_sequence = 0;
  int32_t record_count = 0;
  int16_t error = 0;
  Acks acks = Acks::kAll;
  Offset base_offset;
  Offset durable_end;  // of the log, as the node had reported its syncs
};

// What a topic's configuration says; negative: no limit.
struct RetentionRule {
  std::string topic;
  int64_t retention_ms = -1;
  int64_t retention_bytes = -1;
};

// What a compacted topic's configuration says.
struct CompactionRule {
  std::string topic;
  int64_t delete_retention_ms = 0;
};

// The high watermark of a partition's leader moved, as the node reported it.
struct HighWatermark {
  int64_t at_ns = 0;
  TopicPartition partition;
  Offset high_watermark;
};

enum class NodeEventKind : uint8_t { kBoot, kStarted, kCrash, kPowerLoss, kPause, kResume, kShutDown, kFatal };
struct NodeEvent {
  int64_t at_ns = 0;
  std::string node;
  NodeEventKind kind = NodeEventKind::kBoot;
};
std::string_view ToString(NodeEventKind kind);

// The promises under which the run is judged.
struct Promise {
  // Acknowledged records survive loss of power (flush policy: every append).
  bool acked_survives_power_loss = false;
  // Operations on a partition take effect in the order of real time: so with one node that cannot be deposed.
  bool linearizable = true;
};

struct History {
  std::vector<Send> sends;
  std::vector<Poll> polls;
  std::vector<ListOffsets> list_offsets;
  std::vector<DeleteRecords> delete_records;
  std::vector<TopicDeletion> topic_deletions;
  std::vector<Refusal> refusals;
  std::vector<FetchShape> fetch_shapes;
  std::vector<FinalRead> final_reads;
  std::vector<LogLoss> losses;
  std::vector<LogStart> log_starts;
  std::vector<Expiration> expirations;
  std::vector<OutOfRange> out_of_ranges;
  std::vector<BatchAnswer> batch_answers;
  std::vector<RetentionRule> retention_rules;
  std::vector<CompactionRule> compaction_rules;
  std::vector<std::string> synced_topics;  // whose flush policy is a sync before every acknowledgement
  std::vector<HighWatermark> high_watermarks;
  std::vector<NodeEvent> node_events;
  Promise promise;
  // The liveness phase ended with every client done and every final read complete.
  bool converged = false;
  std::string why_not_converged;
};

// acks=1 promises nothing about a partition with other replicas: the next leader may never have had the record.
void ForgetWhatLeadersAcknowledged(const std::set<std::string>& replicated_topics, History& history);

// What a property found: the sentence that is false, and what it was seen on.
struct Violation {
  std::string property;
  std::string what;
  // Times of the operations and events that matter, for the trace's marks.
  std::vector<int64_t> at_ns;
};

}  // namespace odradek::history
