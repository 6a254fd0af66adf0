// What several APIs say about brokers and partitions, from the image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/env/observer.h"
#include "engine/metadata/image.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {

struct BrokerAddress {
  NodeId id;
  std::string host;
  int32_t port = 0;
  std::optional<std::string> rack;
};

// Brokers that are not fenced and have the listener, with its address.
std::vector<BrokerAddress> LiveBrokers(const metadata::Image& image, std::string_view listener);
std::optional<BrokerAddress> AddressOf(const metadata::BrokerState& broker, std::string_view listener);

std::vector<int32_t> ToWire(const std::vector<NodeId>& nodes);
// Replicas on brokers that are not live, or in log directories that are not online.
std::vector<int32_t> OfflineReplicas(const metadata::PartitionState& partition, const metadata::Image& image);
// LEADER_NOT_AVAILABLE while nobody leads.
protocol::ErrorCode LeaderError(const metadata::PartitionState& partition);

// Who leads a partition, as far as the image knows: for answers that send a client elsewhere (KIP-951).
struct LeaderHint {
  NodeId id = kNoNode;
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::optional<BrokerAddress> address;
};
LeaderHint LeaderOf(const env::PartitionName& partition, const metadata::Image& image, std::string_view listener);

// Adds the node to an answer's list of nodes, once.
template <typename Endpoint>
void AddEndpoint(const BrokerAddress& node, std::vector<Endpoint>& endpoints) {
  for (const Endpoint& one : endpoints) {
    if (one.node_id == node.id.value()) return;
  }
  endpoints.push_back({node.id.value(), node.host, node.port, node.rack});
}

// The operations that a client may do, as a bit field: all that the kind of resource has, since nobody is kept out.
inline constexpr int32_t kTopicOperations = 3576;
inline constexpr int32_t kClusterOperations = 8096;

}  // namespace odradek::broker
