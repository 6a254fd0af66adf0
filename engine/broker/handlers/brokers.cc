// What brokers ask the active controller: BrokerRegistration (0 to 4), BrokerHeartbeat (0 to 2), AllocateProducerIds
// (0), AlterPartition (2 and 3), AssignReplicasToDirs (0). A controller that is not active says so. Sources: KIP-497,
// KIP-500, KIP-631, KIP-730, KIP-858, KIP-903.
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"

namespace odradek::broker {
namespace {

template <typename Response, typename Request>
Response AnswerBroker(RequestContext& context, const Request& request) {
  Decided<Response> decided = context.node.controller().Decide(context.self, request, context.version());
  if (decided.response) return *std::move(decided.response);
  Response refusal;
  refusal.error_code = protocol::ToWire(decided.error);
  return refusal;
}

}  // namespace

protocol::BrokerRegistrationResponse HandleBrokerRegistration(RequestContext& context,
                                                              const protocol::BrokerRegistrationRequest& request) {
  return AnswerBroker<protocol::BrokerRegistrationResponse>(context, request);
}

protocol::BrokerHeartbeatResponse HandleBrokerHeartbeat(RequestContext& context,
                                                        const protocol::BrokerHeartbeatRequest& request) {
  return AnswerBroker<protocol::BrokerHeartbeatResponse>(context, request);
}

protocol::AllocateProducerIdsResponse HandleAllocateProducerIds(RequestContext& context,
                                                                const protocol::AllocateProducerIdsRequest& request) {
  return AnswerBroker<protocol::AllocateProducerIdsResponse>(context, request);
}

protocol::AlterPartitionResponse HandleAlterPartition(RequestContext& context,
                                                      const protocol::AlterPartitionRequest& request) {
  return AnswerBroker<protocol::AlterPartitionResponse>(context, request);
}

protocol::AssignReplicasToDirsResponse HandleAssignReplicasToDirs(
    RequestContext& context, const protocol::AssignReplicasToDirsRequest& request) {
  return AnswerBroker<protocol::AssignReplicasToDirsResponse>(context, request);
}

}  // namespace odradek::broker
