// The resolved settings of one topic, ready for the log and the handlers: typed, in one unit, "no limit" as nullopt.
// A plain value; made anew when an override or a broker property changes. Source: FEATURES.md 5.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/time.h"
#include "engine/config/resolve.h"

namespace odradek::config {

// compression.type: kProducer stores batches as they came. The values from kUncompressed on are the codec numbers of
// record batches.
enum class CompressionType : int8_t {
  kProducer = -1,
  kUncompressed = 0,
  kGzip = 1,
  kSnappy = 2,
  kLz4 = 3,
  kZstd = 4,
};

enum class TimestampType : uint8_t { kCreateTime, kLogAppendTime };

// When a log's records reach the disk for certain: the row of the table of promises.
enum class FlushPolicy : uint8_t { kNever, kByInterval, kByMessages, kEveryAppend };

struct TopicConfig {
  bool cleanup_compact = false;  // cleanup.policy
  bool cleanup_delete = true;
  Duration delete_retention = Duration::Seconds(24 * 3600);
  std::optional<Duration> max_compaction_lag;
  int64_t min_cleanable_ratio_ppm = 500'000;
  Duration min_compaction_lag;
  CompressionType compression = CompressionType::kProducer;
  int32_t compression_gzip_level = -1;
  int32_t compression_lz4_level = 9;
  int32_t compression_zstd_level = 3;
  Duration file_delete_delay = Duration::Seconds(60);
  std::optional<int64_t> flush_messages;  // records; nullopt: not by count
  std::optional<Duration> flush_interval;
  int32_t index_interval_bytes = 4096;
  int32_t max_message_bytes = 1048588;
  TimestampType timestamp_type = TimestampType::kCreateTime;
  std::optional<Duration> timestamp_after_max = Duration::Seconds(3600);  // nullopt: any
  std::optional<Duration> timestamp_before_max;
  int32_t min_insync_replicas = 1;
  std::optional<int64_t> retention_bytes;
  std::optional<Duration> retention_time = Duration::Seconds(7 * 24 * 3600);
  int32_t segment_bytes = 1 << 30;
  int32_t segment_index_bytes = 10 << 20;
  Duration segment_time = Duration::Seconds(7 * 24 * 3600);
  Duration segment_jitter;
  bool unclean_leader_election = false;

  FlushPolicy flush_policy() const;
  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

TopicConfig ResolveTopicConfig(const Layers& layers);

}  // namespace odradek::config
