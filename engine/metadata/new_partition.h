// Records of new partitions: checks of given assignments, placement where none is given. Pure; part of the controller's
// inside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/metadata/controller.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// A manual assignment: distinct registered brokers, of this many if `replica_count` is set, at least one of them
// active.
MaybeFailure CheckAssignment(const Image& image, PartitionIndex partition, const std::vector<int32_t>& broker_ids,
                             std::optional<size_t> replica_count);

// Whether that many replicas can be placed at all.
MaybeFailure CheckReplicationFactor(const Image& image, int16_t replication_factor);

struct NewPartition {
  TopicId topic_id;
  PartitionIndex index;
  std::vector<NodeId> replicas;
};

// The first active replica leads, all active ones are in sync. REQUIRES: one replica is active.
protocol::PartitionRecord MakePartitionRecord(const Image& image, const NewPartition& partition);

}  // namespace odradek::metadata
