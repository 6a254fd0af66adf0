#include "engine/broker/log_config.h"

#include "engine/config/topic_config.h"

namespace odradek::broker {

namespace {

std::optional<record::CompressionOptions> CompressionOf(const config::TopicConfig& config) {
  switch (config.compression) {
    case config::CompressionType::kProducer:
      return std::nullopt;
    case config::CompressionType::kUncompressed:
      return record::CompressionOptions{.codec = record::Codec::kNone};
    case config::CompressionType::kGzip:
      return record::CompressionOptions{.codec = record::Codec::kGzip, .level = config.compression_gzip_level};
    case config::CompressionType::kSnappy:
      return record::CompressionOptions{.codec = record::Codec::kSnappy};
    case config::CompressionType::kLz4:
      return record::CompressionOptions{.codec = record::Codec::kLz4, .level = config.compression_lz4_level};
    case config::CompressionType::kZstd:
      return record::CompressionOptions{.codec = record::Codec::kZstd, .level = config.compression_zstd_level};
  }
  return std::nullopt;
}

}  // namespace

PartitionConfig PartitionConfigOf(const NodeOptions& options, const config::Layers& layers) {
  const config::TopicConfig resolved = config::ResolveTopicConfig(layers);
  PartitionConfig partition;
  partition.compression = CompressionOf(resolved);
  partition.min_insync_replicas = resolved.min_insync_replicas;
  storage::LogConfig& out = partition.log;
  out.segment_bytes = resolved.segment_bytes;
  out.segment_ms = resolved.segment_time;
  out.segment_jitter = resolved.segment_jitter;
  out.segment_index_bytes = resolved.segment_index_bytes;
  out.index_interval_bytes = resolved.index_interval_bytes;
  out.segment_offsets_max = options.segment_offsets_max;
  out.cleanup_compact = resolved.cleanup_compact;
  out.cleanup_delete = resolved.cleanup_delete;
  out.min_cleanable_ratio_ppm = resolved.min_cleanable_ratio_ppm;
  out.min_compaction_lag = resolved.min_compaction_lag;
  out.max_compaction_lag = resolved.max_compaction_lag.value_or(Duration::kMax);
  out.delete_retention = resolved.delete_retention;
  out.retention_ms = resolved.retention_time ? resolved.retention_time->millis() : storage::kNoLimit;
  out.retention_bytes = resolved.retention_bytes.value_or(storage::kNoLimit);
  out.file_delete_delay = resolved.file_delete_delay;
  if (resolved.flush_messages) out.flush_messages = *resolved.flush_messages;
  if (resolved.flush_interval) out.flush_ms = *resolved.flush_interval;
  out.max_message_bytes = resolved.max_message_bytes;
  out.timestamp_type = resolved.timestamp_type == config::TimestampType::kLogAppendTime
                           ? record::TimestampType::kLogAppendTime
                           : record::TimestampType::kCreateTime;
  out.timestamp_before_max = resolved.timestamp_before_max.value_or(Duration::kMax);
  out.timestamp_after_max = resolved.timestamp_after_max.value_or(Duration::kMax);
  out.producer_id_expiration = options.config.producer_id_expiration;
  return partition;
}

}  // namespace odradek::broker
