// What administrators ask of the cluster: ElectLeaders (0 to 2), AlterPartitionReassignments (0 to 1),
// ListPartitionReassignments (0), UnregisterBroker (0): the active controller decides. What nobody decides is refused
// as a whole, and item by item where the version has no other place. Sources: KIP-183, KIP-455, KIP-460, KIP-500,
// KIP-860.
#include <utility>

#include "engine/broker/handlers/forward.h"
#include "engine/broker/handlers/handlers.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

// Of requests that say nothing about how long they may take.
constexpr Duration kTimeout = Duration::Seconds(30);

template <typename Request>
Duration TimeoutOf(const Request& request) {
  if constexpr (requires { request.timeout_ms; }) return Duration::Millis(request.timeout_ms);
  return kTimeout;
}

template <typename Response, typename Request, typename Refuse>
Response DecideSomewhere(RequestContext& context, const Request& request, Refuse refuse) {
  auto decided = context.node.controller().Decide(context.self, request, context.version());
  if (decided.response) return *std::move(decided.response);
  auto forwarded = Forward<Response>(context, request, decided.error, TimeoutOf(request));
  return forwarded ? *std::move(forwarded) : refuse(decided.error);
}

template <typename Result>
Result Refused(ErrorCode error) {
  Result result;
  result.error_code = protocol::ToWire(error);
  result.error_message = WhyUndecided(error);
  return result;
}

}  // namespace

protocol::ElectLeadersResponse HandleElectLeaders(RequestContext& context,
                                                  const protocol::ElectLeadersRequest& request) {
  using Response = protocol::ElectLeadersResponse;
  return DecideSomewhere<Response>(context, request, [&request](ErrorCode error) {
    Response refusal;
    refusal.error_code = protocol::ToWire(error);
    if (!request.topic_partitions) return refusal;
    for (const auto& topic : *request.topic_partitions) {
      auto& results = refusal.replica_election_results.emplace_back();
      results.topic = topic.topic;
      for (const int32_t index : topic.partitions) {
        results.partition_result.push_back(Refused<Response::PartitionResult>(error));
        results.partition_result.back().partition_id = index;
      }
    }
    return refusal;
  });
}

protocol::AlterPartitionReassignmentsResponse HandleAlterPartitionReassignments(
    RequestContext& context, const protocol::AlterPartitionReassignmentsRequest& request) {
  using Response = protocol::AlterPartitionReassignmentsResponse;
  return DecideSomewhere<Response>(context, request, [&request](ErrorCode error) {
    auto refusal = Refused<Response>(error);
    refusal.allow_replication_factor_change = request.allow_replication_factor_change;
    for (const auto& topic : request.topics) {
      auto& results = refusal.responses.emplace_back();
      results.name = topic.name;
      for (const auto& partition : topic.partitions) {
        results.partitions.push_back(Refused<Response::ReassignablePartitionResponse>(error));
        results.partitions.back().partition_index = partition.partition_index;
      }
    }
    return refusal;
  });
}

protocol::ListPartitionReassignmentsResponse HandleListPartitionReassignments(
    RequestContext& context, const protocol::ListPartitionReassignmentsRequest& request) {
  using Response = protocol::ListPartitionReassignmentsResponse;
  return DecideSomewhere<Response>(context, request, Refused<Response>);
}

protocol::UnregisterBrokerResponse HandleUnregisterBroker(RequestContext& context,
                                                          const protocol::UnregisterBrokerRequest& request) {
  using Response = protocol::UnregisterBrokerResponse;
  return DecideSomewhere<Response>(context, request, Refused<Response>);
}

}  // namespace odradek::broker
