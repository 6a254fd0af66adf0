#include "engine/broker/handlers/describe_partitions.h"

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

std::vector<int32_t> OfflineReplicas(const metadata::PartitionState& partition, const metadata::Image& image) {
  std::vector<int32_t> out;
  for (const NodeId node : partition.replicas) {
    const metadata::BrokerState* broker = image.FindBroker(node);
    if (broker == nullptr || broker->fenced) out.push_back(node.value());
  }
  return out;
}

protocol::ErrorCode LeaderError(const metadata::PartitionState& partition) {
  return partition.leader == kNoNode ? protocol::ErrorCode::kLeaderNotAvailable : protocol::ErrorCode::kNone;
}

}  // namespace odradek::broker
