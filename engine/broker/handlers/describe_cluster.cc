// DescribeCluster (KIP-700, KIP-919, KIP-1073; versions 0 to 2).
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "engine/broker/connection.h"
#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"

namespace odradek::broker {
namespace {

constexpr int8_t kBrokers = 1;
constexpr int8_t kControllers = 2;

// nullopt: the request may ask this listener.
struct WrongEndpoint {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string message;
};
std::optional<WrongEndpoint> CheckEndpointType(int8_t wanted, ListenerKind listener) {
  if (wanted != kBrokers && wanted != kControllers) {
    return WrongEndpoint{protocol::ErrorCode::kUnsupportedEndpointType,
                         fmt::format("Unsupported endpoint type {}", static_cast<int>(wanted))};
  }
  const int8_t here = listener == ListenerKind::kBroker ? kBrokers : kControllers;
  if (wanted == here) return std::nullopt;
  const auto name = [](int8_t type) { return type == kBrokers ? "BROKER" : "CONTROLLER"; };
  return WrongEndpoint{
      protocol::ErrorCode::kMismatchedEndpointType,
      fmt::format("The request was sent to an endpoint of type {}, but we wanted an endpoint of type {}", name(here),
                  name(wanted))};
}

}  // namespace

protocol::DescribeClusterResponse HandleDescribeCluster(RequestContext& context,
                                                        const protocol::DescribeClusterRequest& request) {
  protocol::DescribeClusterResponse response;
  if (std::optional<WrongEndpoint> wrong = CheckEndpointType(request.endpoint_type, context.connection.kind())) {
    response.error_code = static_cast<int16_t>(wrong->error);
    response.error_message = std::move(wrong->message);
    return response;
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  const NodeId self = context.node.options().config.node_id;
  response.endpoint_type = request.endpoint_type;
  response.cluster_id = context.node.cluster_id();
  response.controller_id = self.value();
  if (request.endpoint_type == kControllers) {
    for (const Node::OpenListener& listener : context.node.listeners()) {
      if (listener.endpoint.listener != context.connection.listener()) continue;
      response.brokers.push_back(
          {self.value(), listener.advertised.host, listener.advertised.port, std::nullopt, false});
    }
    return response;
  }
  for (const auto& [id, broker] : context.home.image().brokers()) {
    const std::optional<BrokerAddress> address = AddressOf(broker, context.connection.listener());
    if (!address || (broker.fenced && !request.include_fenced_brokers)) continue;
    response.brokers.push_back({address->id.value(), address->host, address->port, address->rack, broker.fenced});
  }
  return response;
}

}  // namespace odradek::broker
