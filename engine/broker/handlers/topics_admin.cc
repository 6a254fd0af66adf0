// CreateTopics (2 to 7), DeleteTopics (1 to 6), CreatePartitions (0 to 3), IncrementalAlterConfigs (0 to 1),
// AlterConfigs (0 to 2): the controller decides; it lives on the connection's own node.
// One that it cannot begin in time is refused, topic by topic.
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"

namespace odradek::broker {
namespace {

constexpr std::string_view kTimedOut = "The controller did not begin the request within timeout_ms.";

// Names and what a result needs to refuse one of them.
template <typename Result>
Result TimedOut(Result result) {
  result.error_code = protocol::ToWire(protocol::ErrorCode::kRequestTimedOut);
  result.error_message = kTimedOut;
  return result;
}

}  // namespace

protocol::CreateTopicsResponse HandleCreateTopics(RequestContext& context,
                                                  const protocol::CreateTopicsRequest& request) {
  auto response = context.node.controller().CreateTopics(context.self, request);
  if (response) return *std::move(response);
  protocol::CreateTopicsResponse refusal;
  for (const auto& topic : request.topics) {
    protocol::CreateTopicsResponse::CreatableTopicResult result;
    result.name = topic.name;
    refusal.topics.push_back(TimedOut(std::move(result)));
  }
  return refusal;
}

protocol::DeleteTopicsResponse HandleDeleteTopics(RequestContext& context,
                                                  const protocol::DeleteTopicsRequest& request) {
  auto response = context.node.controller().DeleteTopics(context.self, request, context.version());
  if (response) return *std::move(response);
  protocol::DeleteTopicsResponse refusal;
  const auto refuse = [&refusal](const std::optional<std::string>& name, const Uuid& topic_id) {
    protocol::DeleteTopicsResponse::DeletableTopicResult result;
    result.name = name;
    result.topic_id = topic_id;
    refusal.responses.push_back(TimedOut(std::move(result)));
  };
  for (const auto& topic : request.topics) refuse(topic.name, topic.topic_id);
  for (const std::string& name : request.topic_names) refuse(name, Uuid());
  return refusal;
}

protocol::CreatePartitionsResponse HandleCreatePartitions(RequestContext& context,
                                                          const protocol::CreatePartitionsRequest& request) {
  auto response = context.node.controller().CreatePartitions(context.self, request);
  if (response) return *std::move(response);
  protocol::CreatePartitionsResponse refusal;
  for (const auto& topic : request.topics) {
    protocol::CreatePartitionsResponse::TopicResult result;
    result.name = topic.name;
    refusal.results.push_back(TimedOut(std::move(result)));
  }
  return refusal;
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
