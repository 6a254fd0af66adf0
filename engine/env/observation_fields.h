// The name and the fields of each observation, once for all who write them down: traces, hashes of histories, log
// lines. Pure.
#pragma once

#include <cstdint>

#include "engine/env/observer.h"

namespace odradek::env {

// For std::visit. A visitor has Begin(name, partition), where the topic is empty if the observation is about the node,
// BeginTopic(name, topic), and then Field(name, number) and Text(name, text) for each field.
template <typename Visitor>
class FieldLister {
 public:
  explicit FieldLister(Visitor& visitor) : visit_(visitor) {}

  void operator()(const LogAppended& o) {
    visit_.Begin("log appended", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("leader_epoch", o.leader_epoch.value());
    visit_.Field("batch_crc", o.batch_crc);
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const LogFlushed& o) {
    visit_.Begin("log flushed", o.partition);
    visit_.Field("durable_end", o.durable_end.value());
  }
  void operator()(const LogRolled& o) {
    visit_.Begin("log rolled", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
  }
  void operator()(const LogTruncated& o) {
    visit_.Begin("log truncated", o.partition);
    visit_.Field("log_end_offset", o.log_end_offset.value());
  }
  void operator()(const LogStartMoved& o) {
    visit_.Begin("log start moved", o.partition);
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("reason", static_cast<int64_t>(o.reason));
  }
  void operator()(const SegmentDeleted& o) {
    visit_.Begin("segment deleted", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("largest_timestamp", o.largest_timestamp.value());
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const SegmentsCompacted& o) {
    visit_.Begin("segments compacted", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("replaced_end", o.replaced_end.value());
    visit_.Field("last_stable_offset", o.last_stable_offset.value());
    visit_.Field("active_base_offset", o.active_base_offset.value());
    visit_.Field("size_bytes_before", o.size_bytes_before);
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const LogCleaned& o) {
    visit_.Begin("log cleaned", o.partition);
    visit_.Field("first_dirty", o.first_dirty.value());
    visit_.Field("cleaned_until", o.cleaned_until.value());
    visit_.Field("bytes_read", o.bytes_read);
    visit_.Field("bytes_written", o.bytes_written);
  }
  void operator()(const SegmentExpired& o) {
    visit_.Begin("segment expired", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("high_watermark", o.high_watermark.value());
    visit_.Field("largest_timestamp", o.largest_timestamp.value());
    visit_.Field("now_ms", o.now.unix_millis());
    visit_.Field("left_bytes", o.left_bytes);
  }
  void operator()(const LogRecovered& o) {
    visit_.Begin("log recovered", o.partition);
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("log_end_offset", o.log_end_offset.value());
    visit_.Field("recovery_point", o.recovery_point.value());
    visit_.Field("bytes_read", o.bytes_read);
    visit_.Field("bytes_truncated", o.bytes_truncated);
    visit_.Field("was_clean", o.previous_shutdown == ShutdownKind::kClean ? 1 : 0);
  }
  void operator()(const LogCutOff& o) {
    visit_.Begin("log cut off", o.partition);
    visit_.Field("from", o.from.value());
  }
  void operator()(const LogTruncating& o) {
    visit_.Begin("log truncating", o.partition);
    visit_.Field("log_end_offset", o.log_end_offset.value());
  }
  void operator()(const LogOffline& o) {
    visit_.Begin("log offline", o.partition);
    visit_.Text("reason", o.reason);
  }
  void operator()(const HighWatermarkMoved& o) {
    visit_.Begin("high watermark", o.partition);
    visit_.Field("high_watermark", o.high_watermark.value());
  }
  void operator()(const LeaderEpochStarted& o) {
    visit_.Begin("leader epoch", o.partition);
    visit_.Field("leader_epoch", o.leader_epoch.value());
    visit_.Field("start_offset", o.start_offset.value());
  }
  void operator()(const ProduceAnswered& o) {
    visit_.Begin("produce answered", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("producer_id", o.producer_id.value());
    visit_.Field("producer_epoch", o.producer_epoch.value());
    visit_.Field("base_sequence", o.base_sequence);
    visit_.Field("acks", o.acks);
    visit_.Field("error", o.error);
  }
  void operator()(const RecordsFetched& o) {
    visit_.Begin("records fetched", o.partition);
    visit_.Field("fetch_offset", o.fetch_offset.value());
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("high_watermark", o.high_watermark.value());
    visit_.Field("last_stable_offset", o.last_stable_offset.value());
    visit_.Field("log_start_offset", o.log_start_offset.value());
  }
  void operator()(const FetchOutOfRange& o) {
    visit_.Begin("fetch out of range", o.partition);
    visit_.Field("fetch_offset", o.fetch_offset.value());
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("log_end_offset", o.log_end_offset.value());
  }
  void operator()(const TopicCreated& o) {
    visit_.BeginTopic("topic created", o.topic);
    visit_.Field("partition_count", o.partition_count);
  }
  void operator()(const TopicDeleted& o) { visit_.BeginTopic("topic deleted", o.topic); }
  void operator()(const ReplicaDropped& o) { visit_.Begin("replica dropped", o.partition); }
  void operator()(const NodeStarted& o) {
    visit_.Begin("node started", {});
    visit_.Field("node", o.node.value());
    visit_.Field("was_clean", o.previous_shutdown == ShutdownKind::kClean ? 1 : 0);
  }
  void operator()(const NodeShutDown& o) {
    visit_.Begin("node shut down", {});
    visit_.Field("node", o.node.value());
  }

 private:
  Visitor& visit_;
};

}  // namespace odradek::env
