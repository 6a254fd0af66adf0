// CreateTopics (2 to 7), DeleteTopics (1 to 6), CreatePartitions (0 to 3), IncrementalAlterConfigs (0 to 1),
// AlterConfigs (0 to 2): the controller decides; it lives on the connection's own node.
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"

namespace odradek::broker {

protocol::CreateTopicsResponse HandleCreateTopics(RequestContext& context,
                                                  const protocol::CreateTopicsRequest& request) {
  return context.node.controller().CreateTopics(context.self, request);
}

protocol::DeleteTopicsResponse HandleDeleteTopics(RequestContext& context,
                                                  const protocol::DeleteTopicsRequest& request) {
  return context.node.controller().DeleteTopics(context.self, request, context.version());
}

protocol::CreatePartitionsResponse HandleCreatePartitions(RequestContext& context,
                                                          const protocol::CreatePartitionsRequest& request) {
  return context.node.controller().CreatePartitions(context.self, request);
}

protocol::IncrementalAlterConfigsResponse HandleIncrementalAlterConfigs(
    RequestContext& context, const protocol::IncrementalAlterConfigsRequest& request) {
  return context.node.controller().IncrementalAlterConfigs(context.self, request);
}

protocol::AlterConfigsResponse HandleAlterConfigs(RequestContext& context,
                                                  const protocol::AlterConfigsRequest& request) {
  return context.node.controller().AlterConfigs(context.self, request);
}

}  // namespace odradek::broker
