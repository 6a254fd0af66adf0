#include "engine/broker/handlers/describe_partitions.h"

namespace odradek::broker {

std::optional<BrokerAddress> AddressOf(const metadata::BrokerState& broker) {
  if (broker.listeners.empty()) return std::nullopt;
  const metadata::ListenerState& listener = broker.listeners.front();
  return BrokerAddress{broker.id, listener.host, listener.port, broker.rack};
}

std::vector<BrokerAddress> LiveBrokers(const metadata::Image& image) {
  std::vector<BrokerAddress> live;
  for (const auto& [id, broker] : image.brokers()) {
    const std::optional<BrokerAddress> address = AddressOf(broker);
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
