// Settings of one partition's log, already parsed: the names are Kafka's topic properties, the units are in the types.
// Plain data; the defaults are Kafka's 4.3 (FEATURES 5.2). The simulator shrinks them to tiny values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/base/time.h"
#include "engine/record/batch.h"

namespace odradek::storage {

inline constexpr int64_t kNoLimit = -1;

struct LogConfig {
  // Roll.
  int64_t segment_bytes = 1 << 30;
  Duration segment_ms = Duration::Seconds(7 * 24 * 3600);
  Duration segment_jitter = Duration::Millis(0);  // at most this much is taken off segment_ms, drawn per segment
  int64_t segment_index_bytes = 10 << 20;
  int64_t index_interval_bytes = 4096;
  int64_t index_piece_bytes = 4096;  // what an index gathers in memory before it goes to the file
  // Offsets of a segment are stored relative to its base in 32 bits; smaller only in tests.
  int64_t segment_offsets_max = std::numeric_limits<int32_t>::max();

  // What is deleted and when. kNoLimit: never.
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  int64_t retention_ms = int64_t{7} * 24 * 3600 * 1000;
  int64_t retention_bytes = kNoLimit;
  Duration file_delete_delay = Duration::Seconds(60);

  // When a compacted log is cleaned and what goes then.
  int64_t min_cleanable_ratio_ppm = 500'000;
  Duration min_compaction_lag;
  Duration max_compaction_lag = Duration::kMax;
  Duration delete_retention = Duration::Seconds(24 * 3600);

  // When appends are synced. Both at their maximum: never by time or count, the operating system decides. A segment is
  // always synced after it was rolled. flush_messages = 1: before every answer, concurrent appends share a sync.
  int64_t flush_messages = std::numeric_limits<int64_t>::max();
  Duration flush_ms = Duration::kMax;

  // What is accepted.
  int64_t max_message_bytes = 1048588;
  record::TimestampType timestamp_type = record::TimestampType::kCreateTime;
  Duration timestamp_before_max = Duration::kMax;
  Duration timestamp_after_max = Duration::Seconds(3600);

  // Of the broker, not the topic.
  Duration producer_id_expiration = Duration::Seconds(24 * 3600);

  // A record that must be cleaned in time must not stay in the active segment for longer.
  Duration roll_after_max() const {
    return cleanup_compact && max_compaction_lag > Duration() ? std::min(segment_ms, max_compaction_lag) : segment_ms;
  }
  // What a start does that finds batches damaged behind the recovery point. Where every batch is synced before the next
  // is written, more than a torn end cannot come from a crash, and must not be cut off.
  enum class Damage : uint8_t { kCutOff, kRefuseUnlessTorn };
  Damage damage = Damage::kCutOff;

  bool flushes_every_append() const { return flush_messages <= 1; }
};

}  // namespace odradek::storage
