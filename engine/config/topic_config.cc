#include "engine/config/topic_config.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::config {
namespace {

class TopicReader {
 public:
  explicit TopicReader(const Layers& layers) : layers_(layers) {}

  std::optional<Value> Find(std::string_view name) const {
    const ConfigDef* const def = FindTopicDef(name);
    INVARIANT(def != nullptr);
    return ResolveTopic(layers_, *def).value;
  }
  Value Get(std::string_view name) const {
    std::optional<Value> value = Find(name);
    INVARIANT(value.has_value());
    return *std::move(value);
  }
  int64_t Long(std::string_view name) const { return Get(name).number; }
  int32_t Int(std::string_view name) const {
    const int64_t number = Get(name).number;
    INVARIANT(number >= std::numeric_limits<int32_t>::min());
    INVARIANT(number <= std::numeric_limits<int32_t>::max());
    return static_cast<int32_t>(number);
  }
  Duration Millis(std::string_view name) const { return Duration::SaturatingMillis(Long(name)); }
  // nullopt: negative or the largest number there is, which both mean "no limit".
  std::optional<int64_t> Limit(std::string_view name) const {
    const int64_t number = Long(name);
    if (number < 0 || number == std::numeric_limits<int64_t>::max()) return std::nullopt;
    return number;
  }
  std::optional<Duration> MillisLimit(std::string_view name) const {
    const std::optional<int64_t> millis = Limit(name);
    return millis ? std::optional(Duration::SaturatingMillis(*millis)) : std::nullopt;
  }

 private:
  const Layers& layers_;
};

CompressionType CompressionOf(std::string_view text) {
  if (text == "uncompressed") return CompressionType::kUncompressed;
  if (text == "gzip") return CompressionType::kGzip;
  if (text == "snappy") return CompressionType::kSnappy;
  if (text == "lz4") return CompressionType::kLz4;
  if (text == "zstd") return CompressionType::kZstd;
  INVARIANT(text == "producer");
  return CompressionType::kProducer;
}

}  // namespace

FlushPolicy TopicConfig::flush_policy() const {
  if (flush_messages == 1 || flush_interval == Duration()) return FlushPolicy::kEveryAppend;
  if (flush_messages) return FlushPolicy::kByMessages;
  return flush_interval ? FlushPolicy::kByInterval : FlushPolicy::kNever;
}

TopicConfig ResolveTopicConfig(const Layers& layers) {
  const TopicReader read(layers);
  TopicConfig out;
  const std::vector<std::string> policies = read.Get("cleanup.policy").list;
  out.cleanup_compact = std::find(policies.begin(), policies.end(), "compact") != policies.end();
  out.cleanup_delete = std::find(policies.begin(), policies.end(), "delete") != policies.end();
  out.delete_retention = read.Millis("delete.retention.ms");
  out.max_compaction_lag = read.MillisLimit("max.compaction.lag.ms");
  out.min_cleanable_ratio_ppm = read.Long("min.cleanable.dirty.ratio");
  out.min_compaction_lag = read.Millis("min.compaction.lag.ms");
  out.compression = CompressionOf(read.Get("compression.type").text);
  out.compression_gzip_level = read.Int("compression.gzip.level");
  out.compression_lz4_level = read.Int("compression.lz4.level");
  out.compression_zstd_level = read.Int("compression.zstd.level");
  out.file_delete_delay = read.Millis("file.delete.delay.ms");
  out.flush_messages = read.Limit("flush.messages");
  out.flush_interval = read.MillisLimit("flush.ms");
  out.index_interval_bytes = read.Int("index.interval.bytes");
  out.max_message_bytes = read.Int("max.message.bytes");
  out.timestamp_type = read.Get("message.timestamp.type").text == "LogAppendTime" ? TimestampType::kLogAppendTime
                                                                                  : TimestampType::kCreateTime;
  out.timestamp_after_max = read.MillisLimit("message.timestamp.after.max.ms");
  out.timestamp_before_max = read.MillisLimit("message.timestamp.before.max.ms");
  out.min_insync_replicas = read.Int("min.insync.replicas");
  out.retention_bytes = read.Limit("retention.bytes");
  out.retention_time = read.MillisLimit("retention.ms");
  const std::optional<Value> internal_segment_bytes = read.Find("internal.segment.bytes");
  out.segment_bytes =
      internal_segment_bytes ? static_cast<int32_t>(internal_segment_bytes->number) : read.Int("segment.bytes");
  out.segment_index_bytes = read.Int("segment.index.bytes");
  out.segment_time = read.Millis("segment.ms");
  out.segment_jitter = std::min(read.Millis("segment.jitter.ms"), out.segment_time);
  out.unclean_leader_election = read.Get("unclean.leader.election.enable").boolean;
  return out;
}

}  // namespace odradek::config
