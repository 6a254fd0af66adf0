// DescribeCluster (KIP-700, KIP-919, KIP-1073; versions 0 to 2).
#include "engine/broker/connection.h"
#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"

namespace odradek::broker {
namespace {

constexpr int8_t kBrokers = 1;
constexpr int8_t kControllers = 2;

}  // namespace

protocol::DescribeClusterResponse HandleDescribeCluster(RequestContext& context,
                                                        const protocol::DescribeClusterRequest& request) {
  protocol::DescribeClusterResponse response;
  if (request.endpoint_type != kBrokers) {
    const bool known = request.endpoint_type == kControllers;
    response.error_code = static_cast<int16_t>(known ? protocol::ErrorCode::kMismatchedEndpointType
                                                     : protocol::ErrorCode::kUnsupportedEndpointType);
    response.error_message = known ? "this is a broker listener" : "unknown endpoint type";
    return response;
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  response.cluster_id = context.node.cluster_id();
  response.controller_id = context.node.options().config.node_id.value();
  for (const auto& [id, broker] : context.home.image().brokers()) {
    const std::optional<BrokerAddress> address = AddressOf(broker, context.connection.listener());
    if (!address || (broker.fenced && !request.include_fenced_brokers)) continue;
    response.brokers.push_back({address->id.value(), address->host, address->port, address->rack, broker.fenced});
  }
  return response;
}

}  // namespace odradek::broker
