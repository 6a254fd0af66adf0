// What the tables of topic and broker properties share; part of this library's inside.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "engine/config/def.h"

namespace odradek::config {

inline constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();
inline constexpr std::string_view kIntMaxText = "2147483647";
inline constexpr std::string_view kLongMaxText = "9223372036854775807";

inline constexpr Range kFromZero = {0};
inline constexpr Range kFromOne = {1};
inline constexpr Range kRatio = {0, 1000000};  // 0.0 to 1.0 in millionths
// The levels that the codecs' libraries know; gzip's -1 is "the library's default".
inline constexpr Range kGzipLevels = {-1, 9};
inline constexpr Range kLz4Levels = {1, 17};
inline constexpr Range kZstdLevels = {-131072, 22};
// Kafka's lower bound since 4.0 (KIP-1030): smaller segments cost more files than they save.
inline constexpr int64_t kSegmentBytesMin = 1 << 20;

inline constexpr std::string_view kCleanupPolicies[] = {"compact", "delete"};
inline constexpr std::string_view kCompressionTypes[] = {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"};
inline constexpr std::string_view kTimestampTypes[] = {"CreateTime", "LogAppendTime"};

// The only selector; a Java class, as Kafka names it.
inline constexpr std::string_view kRackAwareReplicaSelector =
    "org.apache.kafka.common.replica.RackAwareReplicaSelector";

// Families of broker properties that say the same thing in several units, the strongest first.
inline constexpr int64_t kMinuteMillis = 60 * 1000;
inline constexpr int64_t kHourMillis = 60 * kMinuteMillis;
inline constexpr Synonym kRetentionMs[] = {
    {"log.retention.ms"}, {"log.retention.minutes", kMinuteMillis}, {"log.retention.hours", kHourMillis}};
inline constexpr Synonym kRollMs[] = {{"log.roll.ms"}, {"log.roll.hours", kHourMillis}};
inline constexpr Synonym kRollJitterMs[] = {{"log.roll.jitter.ms"}, {"log.roll.jitter.hours", kHourMillis}};
inline constexpr Synonym kFlushMs[] = {{"log.flush.interval.ms"}, {"log.flush.scheduler.interval.ms"}};

// The tables of broker properties.
std::span<const ConfigDef> BrokerLogDefs();    // of the log: what topics inherit, and files and checks around it
std::span<const ConfigDef> BrokerNodeDefs();   // of the node: identity, listeners, limits, metadata log
std::span<const ConfigDef> BrokerOtherDefs();  // of what this version lacks or does not need
// Beginnings of the names of whole families.
std::span<const std::string_view> UnsupportedBrokerPrefixes();
std::span<const std::string_view> RemovedBrokerPrefixes();

constexpr bool InNameOrder(std::span<const ConfigDef> defs) {
  for (size_t i = 1; i < defs.size(); ++i) {
    if (defs[i - 1].name >= defs[i].name) return false;
  }
  return true;
}

}  // namespace odradek::config
