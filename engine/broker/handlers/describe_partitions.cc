#include "engine/broker/handlers/describe_partitions.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::broker {

std::optional<BrokerAddress> AddressOf(const metadata::BrokerState& broker, std::string_view listener) {
  for (const metadata::ListenerState& one : broker.listeners) {
    if (one.name == listener) return BrokerAddress{broker.id, one.host, one.port, broker.rack};
  }
  return std::nullopt;
}

std::vector<BrokerAddress> LiveBrokers(const metadata::Image& image, std::string_view listener) {
  std::vector<BrokerAddress> live;
  for (const auto& [id, broker] : image.brokers()) {
    const std::optional<BrokerAddress> address = AddressOf(broker, listener);
    if (!broker.fenced && address) live.push_back(*address);
  }
  return live;
}

std::vector<int32_t> ToWire(const std::vector<NodeId>& nodes) {
  std::vector<int32_t> out;
  for (const NodeId node : nodes) out.push_back(node.value());
  return out;
}

namespace {

// A broker that names no directories is of an older version; a replica without a directory is about to get one.
bool IsDirectoryOnline(const metadata::BrokerState& broker, const Uuid& directory) {
  if (directory == metadata::kUnassignedDirectory || directory == metadata::kMigratingDirectory) return true;
  if (broker.log_dirs.empty()) return true;
  return std::find(broker.log_dirs.begin(), broker.log_dirs.end(), directory) != broker.log_dirs.end();
}

}  // namespace

std::vector<int32_t> OfflineReplicas(const metadata::PartitionState& partition, const metadata::Image& image) {
  INVARIANT(partition.directories.size() == partition.replicas.size());
  std::vector<int32_t> out;
  for (size_t i = 0; i < partition.replicas.size(); ++i) {
    const NodeId node = partition.replicas[i];
    const metadata::BrokerState* broker = image.FindBroker(node);
    const bool is_online = broker != nullptr && !broker->fenced && IsDirectoryOnline(*broker, partition.directories[i]);
    if (!is_online) out.push_back(node.value());
  }
  return out;
}

LeaderHint LeaderOf(const env::PartitionName& partition, const metadata::Image& image, std::string_view listener) {
  LeaderHint hint;
  const metadata::TopicState* const topic = image.FindTopic(partition.topic);
  if (topic == nullptr) return hint;
  const auto at = topic->partitions.find(partition.partition);
  if (at == topic->partitions.end()) return hint;
  hint.id = at->second.leader;
  hint.epoch = at->second.leader_epoch;
  const metadata::BrokerState* const broker = image.FindBroker(hint.id);
  if (broker != nullptr && !broker->fenced) hint.address = AddressOf(*broker, listener);
  return hint;
}

protocol::ErrorCode LeaderError(const metadata::PartitionState& partition) {
  return partition.leader == kNoNode ? protocol::ErrorCode::kLeaderNotAvailable : protocol::ErrorCode::kNone;
}

}  // namespace odradek::broker
