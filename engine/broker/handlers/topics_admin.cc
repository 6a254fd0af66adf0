// CreateTopics (2 to 7), DeleteTopics (1 to 6), CreatePartitions (0 to 3), IncrementalAlterConfigs (0 to 1),
// AlterConfigs (0 to 2): the active controller decides. What it cannot begin in time, and what is asked of a controller
// that is not active, is refused item by item.
#include <utility>

#include "engine/broker/handlers/forward.h"
#include "engine/broker/handlers/handlers.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

template <typename Result>
Result Refused(ErrorCode error, Result result) {
  result.error_code = protocol::ToWire(error);
  result.error_message = WhyUndecided(error);
  return result;
}

constexpr Duration kConfigsTimeout = Duration::Seconds(30);

template <typename Response, typename Request>
Response RefuseResources(ErrorCode error, const Request& request) {
  Response refusal;
  for (const auto& resource : request.resources) {
    auto& result = refusal.responses.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    result = Refused(error, std::move(result));
  }
  return refusal;
}

}  // namespace

protocol::CreateTopicsResponse HandleCreateTopics(RequestContext& context,
                                                  const protocol::CreateTopicsRequest& request) {
  auto decided = context.node.controller().CreateTopics(context.self, request);
  if (decided.response) return *std::move(decided.response);
  auto forwarded =
      Forward<protocol::CreateTopicsResponse>(context, request, decided.error, Duration::Millis(request.timeout_ms));
  if (forwarded) return *std::move(forwarded);
  protocol::CreateTopicsResponse refusal;
  for (const auto& topic : request.topics) {
    protocol::CreateTopicsResponse::CreatableTopicResult result;
    result.name = topic.name;
    refusal.topics.push_back(Refused(decided.error, std::move(result)));
  }
  return refusal;
}

protocol::DeleteTopicsResponse HandleDeleteTopics(RequestContext& context,
                                                  const protocol::DeleteTopicsRequest& request) {
  auto decided = context.node.controller().DeleteTopics(context.self, request, context.version());
  if (decided.response) return *std::move(decided.response);
  auto forwarded =
      Forward<protocol::DeleteTopicsResponse>(context, request, decided.error, Duration::Millis(request.timeout_ms));
  if (forwarded) return *std::move(forwarded);
  protocol::DeleteTopicsResponse refusal;
  const auto refuse = [&refusal, &decided](const std::optional<std::string>& name, const Uuid& topic_id) {
    protocol::DeleteTopicsResponse::DeletableTopicResult result;
    result.name = name;
    result.topic_id = topic_id;
    refusal.responses.push_back(Refused(decided.error, std::move(result)));
  };
  for (const auto& topic : request.topics) refuse(topic.name, topic.topic_id);
  for (const std::string& name : request.topic_names) refuse(name, Uuid());
  return refusal;
}

protocol::CreatePartitionsResponse HandleCreatePartitions(RequestContext& context,
                                                          const protocol::CreatePartitionsRequest& request) {
  auto decided = context.node.controller().CreatePartitions(context.self, request);
  if (decided.response) return *std::move(decided.response);
  auto forwarded = Forward<protocol::CreatePartitionsResponse>(context, request, decided.error,
                                                               Duration::Millis(request.timeout_ms));
  if (forwarded) return *std::move(forwarded);
  protocol::CreatePartitionsResponse refusal;
  for (const auto& topic : request.topics) {
    protocol::CreatePartitionsResponse::TopicResult result;
    result.name = topic.name;
    refusal.results.push_back(Refused(decided.error, std::move(result)));
  }
  return refusal;
}

protocol::IncrementalAlterConfigsResponse HandleIncrementalAlterConfigs(
    RequestContext& context, const protocol::IncrementalAlterConfigsRequest& request) {
  auto decided = context.node.controller().IncrementalAlterConfigs(context.self, request);
  if (decided.response) return *std::move(decided.response);
  auto forwarded = Forward<protocol::IncrementalAlterConfigsResponse>(context, request, decided.error, kConfigsTimeout);
  if (forwarded) return *std::move(forwarded);
  return RefuseResources<protocol::IncrementalAlterConfigsResponse>(decided.error, request);
}

protocol::AlterConfigsResponse HandleAlterConfigs(RequestContext& context,
                                                  const protocol::AlterConfigsRequest& request) {
  auto decided = context.node.controller().AlterConfigs(context.self, request);
  if (decided.response) return *std::move(decided.response);
  auto forwarded = Forward<protocol::AlterConfigsResponse>(context, request, decided.error, kConfigsTimeout);
  if (forwarded) return *std::move(forwarded);
  return RefuseResources<protocol::AlterConfigsResponse>(decided.error, request);
}

}  // namespace odradek::broker
