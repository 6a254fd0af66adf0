#include "sim/cluster/observation_text.h"

#include <fmt/format.h>

#include <string_view>

#include "engine/base/prng.h"

namespace odradek::sim {
namespace {

// One list of fields per observation; what is done with a field is the visitor's business.
template <typename Visitor>
class FieldLister {
 public:
  explicit FieldLister(Visitor& visitor) : visit_(visitor) {}

  void operator()(const env::LogAppended& o) {
    visit_.Begin("log appended", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("leader_epoch", o.leader_epoch.value());
    visit_.Field("batch_crc", o.batch_crc);
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const env::LogFlushed& o) {
    visit_.Begin("log flushed", o.partition);
    visit_.Field("durable_end", o.durable_end.value());
  }
  void operator()(const env::LogRolled& o) {
    visit_.Begin("log rolled", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
  }
  void operator()(const env::LogTruncated& o) {
    visit_.Begin("log truncated", o.partition);
    visit_.Field("log_end_offset", o.log_end_offset.value());
  }
  void operator()(const env::LogStartMoved& o) {
    visit_.Begin("log start moved", o.partition);
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("reason", static_cast<int64_t>(o.reason));
  }
  void operator()(const env::SegmentDeleted& o) {
    visit_.Begin("segment deleted", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("largest_timestamp", o.largest_timestamp.value());
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const env::SegmentsCompacted& o) {
    visit_.Begin("segments compacted", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("replaced_end", o.replaced_end.value());
    visit_.Field("last_stable_offset", o.last_stable_offset.value());
    visit_.Field("active_base_offset", o.active_base_offset.value());
    visit_.Field("size_bytes_before", o.size_bytes_before);
    visit_.Field("size_bytes", o.size_bytes);
  }
  void operator()(const env::LogCleaned& o) {
    visit_.Begin("log cleaned", o.partition);
    visit_.Field("first_dirty", o.first_dirty.value());
    visit_.Field("cleaned_until", o.cleaned_until.value());
    visit_.Field("bytes_read", o.bytes_read);
    visit_.Field("bytes_written", o.bytes_written);
  }
  void operator()(const env::SegmentExpired& o) {
    visit_.Begin("segment expired", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("high_watermark", o.high_watermark.value());
    visit_.Field("largest_timestamp", o.largest_timestamp.value());
    visit_.Field("now_ms", o.now.unix_millis());
    visit_.Field("left_bytes", o.left_bytes);
  }
  void operator()(const env::LogRecovered& o) {
    visit_.Begin("log recovered", o.partition);
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("log_end_offset", o.log_end_offset.value());
    visit_.Field("recovery_point", o.recovery_point.value());
    visit_.Field("bytes_read", o.bytes_read);
    visit_.Field("bytes_truncated", o.bytes_truncated);
    visit_.Field("was_clean", o.previous_shutdown == env::ShutdownKind::kClean ? 1 : 0);
  }
  void operator()(const env::LogCutOff& o) {
    visit_.Begin("log cut off", o.partition);
    visit_.Field("from", o.from.value());
  }
  void operator()(const env::LogOffline& o) {
    visit_.Begin("log offline", o.partition);
    visit_.Text("reason", o.reason);
  }
  void operator()(const env::HighWatermarkMoved& o) {
    visit_.Begin("high watermark", o.partition);
    visit_.Field("high_watermark", o.high_watermark.value());
  }
  void operator()(const env::LeaderEpochStarted& o) {
    visit_.Begin("leader epoch", o.partition);
    visit_.Field("leader_epoch", o.leader_epoch.value());
    visit_.Field("start_offset", o.start_offset.value());
  }
  void operator()(const env::ProduceAnswered& o) {
    visit_.Begin("produce answered", o.partition);
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("producer_id", o.producer_id.value());
    visit_.Field("producer_epoch", o.producer_epoch.value());
    visit_.Field("base_sequence", o.base_sequence);
    visit_.Field("acks", o.acks);
    visit_.Field("error", o.error);
  }
  void operator()(const env::RecordsFetched& o) {
    visit_.Begin("records fetched", o.partition);
    visit_.Field("fetch_offset", o.fetch_offset.value());
    visit_.Field("base_offset", o.base_offset.value());
    visit_.Field("next_offset", o.next_offset.value());
    visit_.Field("high_watermark", o.high_watermark.value());
    visit_.Field("last_stable_offset", o.last_stable_offset.value());
    visit_.Field("log_start_offset", o.log_start_offset.value());
  }
  void operator()(const env::FetchOutOfRange& o) {
    visit_.Begin("fetch out of range", o.partition);
    visit_.Field("fetch_offset", o.fetch_offset.value());
    visit_.Field("log_start_offset", o.log_start_offset.value());
    visit_.Field("log_end_offset", o.log_end_offset.value());
  }
  void operator()(const env::TopicCreated& o) {
    visit_.Begin("topic created", {o.topic, PartitionIndex(0)});
    visit_.Field("partition_count", o.partition_count);
  }
  void operator()(const env::TopicDeleted& o) { visit_.Begin("topic deleted", {o.topic, PartitionIndex(0)}); }
  void operator()(const env::NodeStarted& o) {
    visit_.Begin("node started", {});
    visit_.Field("node", o.node.value());
    visit_.Field("was_clean", o.previous_shutdown == env::ShutdownKind::kClean ? 1 : 0);
  }
  void operator()(const env::NodeShutDown& o) {
    visit_.Begin("node shut down", {});
    visit_.Field("node", o.node.value());
  }

 private:
  Visitor& visit_;
};

class TextVisitor {
 public:
  void Begin(std::string_view what, const env::PartitionName& partition) {
    text = what;
    if (!partition.topic.empty()) text += fmt::format(" {}-{}", partition.topic, partition.partition.value());
  }
  void Field(std::string_view name, int64_t value) { text += fmt::format(" {}={}", name, value); }
  void Text(std::string_view name, std::string_view value) { text += fmt::format(" {}={}", name, value); }
  std::string text;
};

class FoldVisitor {
 public:
  explicit FoldVisitor(Kernel& kernel) : kernel_(kernel) {}
  void Begin(std::string_view what, const env::PartitionName& partition) {
    const uint64_t topic = base::HashName(partition.topic);
    kernel_.Fold(what.size() ^ topic, static_cast<uint64_t>(partition.partition.value()));
  }
  void Field(std::string_view name, int64_t value) { kernel_.Fold(name.size(), static_cast<uint64_t>(value)); }
  void Text(std::string_view name, std::string_view value) { kernel_.Fold(name.size(), base::HashName(value)); }

 private:
  Kernel& kernel_;
};

}  // namespace

std::string FormatObservation(const env::Observation& observation) {
  TextVisitor visitor;
  std::visit(FieldLister<TextVisitor>(visitor), observation);
  return visitor.text;
}

void FoldObservation(Kernel& kernel, const env::Observation& observation) {
  kernel.Fold(observation.index(), 0);
  FoldVisitor visitor(kernel);
  std::visit(FieldLister<FoldVisitor>(visitor), observation);
}

}  // namespace odradek::sim
