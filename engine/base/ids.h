// The ids, epochs and offsets of Kafka, one type each. Sentinels carry Kafka's wire values.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/strong.h"

namespace odradek {

// Position of a record in a partition. Offsets that end a range are exclusive: log_end_offset, high_watermark,
// last_stable_offset, recovery_point. −1 is "none".
using Offset = base::StrongPosition<struct OffsetTag, int64_t>;
inline constexpr Offset kNoOffset{-1};

// Incremented by the controller with every leader change of a partition. −1 is "none".
using LeaderEpoch = base::Strong<struct LeaderEpochTag, int32_t>;
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

using PartitionEpoch = base::Strong<struct PartitionEpochTag, int32_t>;
using PartitionIndex = base::Strong<struct PartitionIndexTag, int32_t>;

// node.id of a broker or controller. −1 is "none".
using NodeId = base::Strong<struct NodeIdTag, int32_t>;
inline constexpr NodeId kNoNode{-1};
using BrokerEpoch = base::Strong<struct BrokerEpochTag, int64_t>;

// A node runs 1..N shards, numbered from 0.
using ShardId = base::Strong<struct ShardIdTag, int32_t>;

// Idempotent and transactional producers (KIP-98). −1 is "none".
using ProducerId = base::Strong<struct ProducerIdTag, int64_t>;
inline constexpr ProducerId kNoProducerId{-1};
using ProducerEpoch = base::Strong<struct ProducerEpochTag, int16_t>;
inline constexpr ProducerEpoch kNoProducerEpoch{-1};

// Milliseconds since the Unix epoch as they stand in records and indexes; producers may set any value. −1 is "none".
using Timestamp = base::Strong<struct TimestampTag, int64_t>;
inline constexpr Timestamp kNoTimestamp{-1};

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// "topic-partition": the name of the partition's folder (FEATURES.md 3.2).
inline std::string ToString(const TopicPartition& tp) {
  return tp.topic + "-" + std::to_string(tp.partition.value());
}

}  // namespace odradek
