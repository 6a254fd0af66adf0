#include "engine/metadata/new_partition.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/metadata/partition_change.h"
#include "engine/metadata/placement.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

bool IsActive(const Image& image, NodeId id) {
  const BrokerState* const broker = image.FindBroker(id);
  return broker != nullptr && broker->is_active();
}

}  // namespace

MaybeFailure CheckAssignment(const Image& image, PartitionIndex partition, const std::vector<int32_t>& broker_ids,
                             std::optional<size_t> replica_count) {
  const auto failure = [&](std::string why) {
    return Failure{ErrorCode::kInvalidReplicaAssignment,
                   fmt::format("Manual assignment of partition {}: {}", partition.value(), why)};
  };
  if (broker_ids.empty()) return failure("it names no broker");
  if (replica_count && broker_ids.size() != *replica_count) {
    return failure(
        fmt::format("it names {} broker(s), the other partitions have {}", broker_ids.size(), *replica_count));
  }
  std::vector<int32_t> sorted = broker_ids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return failure("it names a broker twice");
  for (const int32_t id : broker_ids) {
    if (image.FindBroker(NodeId(id)) == nullptr) return failure(fmt::format("broker {} is not registered", id));
  }
  const auto active = [&](int32_t id) { return IsActive(image, NodeId(id)); };
  if (std::any_of(broker_ids.begin(), broker_ids.end(), active)) return std::nullopt;
  return failure("all of its brokers are fenced or shutting down");
}

MaybeFailure CheckReplicationFactor(const Image& image, int16_t replication_factor) {
  const auto failure = [](std::string message) {
    return Failure{ErrorCode::kInvalidReplicationFactor, std::move(message)};
  };
  if (replication_factor < 1) return failure("Replication factor must be larger than 0, or -1 for the default");
  const auto usable =
      std::count_if(image.brokers().begin(), image.brokers().end(), [](const auto& e) { return IsUsable(e.second); });
  if (replication_factor > usable) {
    return failure(fmt::format("Replication factor {} cannot be reached: only {} broker(s) are registered",
                               replication_factor, usable));
  }
  const auto active = [](const auto& e) { return IsUsable(e.second) && !e.second.fenced; };
  if (std::any_of(image.brokers().begin(), image.brokers().end(), active)) return std::nullopt;
  return failure("All brokers are fenced or shutting down");
}

protocol::PartitionRecord MakePartitionRecord(const Image& image, const NewPartition& partition) {
  protocol::PartitionRecord record;
  record.partition_id = partition.index.value();
  record.topic_id = partition.topic_id;
  const bool with_directories = image.metadata_version().value_or(kMetadataVersionMax) >= kDirectoriesFrom;
  for (const NodeId id : partition.replicas) {
    record.replicas.push_back(id.value());
    if (IsActive(image, id)) record.isr.push_back(id.value());
    if (with_directories) record.directories.push_back(DefaultDirectory(image, id));
  }
  REQUIRES(!record.isr.empty());
  record.leader = record.isr.front();
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  return record;
}

}  // namespace odradek::metadata
