// What several APIs say about brokers and partitions, from the image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace odradek::broker
