// Metadata (KIP-526, KIP-516, KIP-700; versions 0 to 13), with creation of topics on demand.
#include <algorithm>
#include <set>
#include <utility>

#include "engine/broker/connection.h"
#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/metadata/topic_name.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using TopicAnswer = protocol::MetadataResponse::Topic;

constexpr int16_t kFirstVersionWithNullTopics = 1;
constexpr int16_t kFirstVersionWithCreationFlag = 4;
constexpr int16_t kFirstVersionWithIds = 12;

TopicAnswer DescribeTopic(const RequestContext& context, const metadata::TopicState& state) {
  const metadata::Image& image = context.home.image();
  TopicAnswer topic;
  topic.name = state.name;
  topic.topic_id = state.id;
  topic.is_internal = metadata::IsInternalTopic(state.name);
  for (const auto& [index, partition] : state.partitions) {
    protocol::MetadataResponse::Partition& out = topic.partitions.emplace_back();
    out.partition_index = index.value();
    out.leader_id = partition.leader.value();
    out.error_code = static_cast<int16_t>(LeaderError(partition));
    out.leader_epoch = partition.leader_epoch.value();
    if (out.leader_epoch > 0 && MUTATION(context.home.env().context, RT21)) --out.leader_epoch;
    out.replica_nodes = ToWire(partition.replicas);
    out.isr_nodes = ToWire(partition.isr);
    out.offline_replicas = OfflineReplicas(partition, image);
  }
  return topic;
}

TopicAnswer MissingTopic(ErrorCode error, std::optional<std::string> name, const TopicId& id) {
  TopicAnswer topic;
  topic.error_code = static_cast<int16_t>(error);
  topic.name = std::move(name);
  topic.topic_id = id;
  return topic;
}

TopicAnswer DescribeTopicById(const RequestContext& context, const TopicId& id) {
  const metadata::Image& image = context.home.image();
  const metadata::TopicState* state = image.FindTopicById(id);
  if (state != nullptr) return DescribeTopic(context, *state);
  return MissingTopic(ErrorCode::kUnknownTopicId, std::nullopt, id);
}

// Creates what is not there, if the client and the node allow it. Kafka answers LEADER_NOT_AVAILABLE for a topic that
// is on its way; here it is there when the answer leaves.
std::map<std::string, ErrorCode> CreateMissing(RequestContext& context, const std::set<std::string>& names) {
  std::map<std::string, ErrorCode> errors;
  if (names.empty()) return errors;
  protocol::CreateTopicsRequest request;
  for (const std::string& name : names) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
  }
  const auto created = context.node.controller().CreateTopics(context.self, request);
  if (!created.response) {
    for (const std::string& name : names) errors[name] = ErrorCode::kUnknownTopicOrPartition;
    return errors;
  }
  for (const auto& topic : created.response->topics) {
    const auto error = static_cast<ErrorCode>(topic.error_code);
    if (error == ErrorCode::kNone || error == ErrorCode::kTopicAlreadyExists) continue;
    errors[topic.name] = error == ErrorCode::kInvalidTopicException ? error : ErrorCode::kUnknownTopicOrPartition;
  }
  return errors;
}

// A topic id is the stronger name: Java's admin client sends an empty name beside it, others a null one.
bool IsAskedById(const protocol::MetadataRequest::Topic& topic) {
  return !topic.name || topic.topic_id != TopicId();
}

void DescribeNamed(RequestContext& context, const protocol::MetadataRequest& request,
                   protocol::MetadataResponse& response) {
  const bool may_create = context.node.options().config.auto_create_topics &&
                          (request.allow_auto_topic_creation || context.version() < kFirstVersionWithCreationFlag);
  std::set<std::string> missing;
  for (const auto& topic : *request.topics) {
    if (!IsAskedById(topic) && context.home.image().FindTopic(*topic.name) == nullptr) missing.insert(*topic.name);
  }
  const auto errors = may_create ? CreateMissing(context, missing) : std::map<std::string, ErrorCode>();
  std::set<std::pair<std::optional<std::string>, TopicId>> answered;
  for (const auto& topic : *request.topics) {
    const bool by_id = IsAskedById(topic);
    if (!answered.emplace(by_id ? std::nullopt : topic.name, topic.topic_id).second) continue;
    if (by_id) {
      response.topics.push_back(DescribeTopicById(context, topic.topic_id));
      continue;
    }
    const metadata::TopicState* state = context.home.image().FindTopic(*topic.name);
    if (state != nullptr) {
      response.topics.push_back(DescribeTopic(context, *state));
      continue;
    }
    const auto error = errors.find(*topic.name);
    ErrorCode code = error != errors.end() ? error->second : ErrorCode::kUnknownTopicOrPartition;
    if (metadata::TopicNameProblem(*topic.name)) code = ErrorCode::kInvalidTopicException;
    response.topics.push_back(MissingTopic(code, topic.name, {}));
  }
}

bool AsksById(const protocol::MetadataRequest& request) {
  return request.topics && std::any_of(request.topics->begin(), request.topics->end(), &IsAskedById);
}

// Versions 10 and 11 have a place for ids, but nobody serves them there (KIP-516).
protocol::MetadataResponse RefuseIds(const protocol::MetadataRequest& request) {
  protocol::MetadataResponse response;
  for (const auto& topic : *request.topics) {
    response.topics.push_back(MissingTopic(ErrorCode::kInvalidRequest, topic.name.value_or(""), topic.topic_id));
  }
  return response;
}

}  // namespace

protocol::MetadataResponse HandleMetadata(RequestContext& context, const protocol::MetadataRequest& request) {
  protocol::MetadataResponse response;
  if (context.version() < kFirstVersionWithIds && AsksById(request)) return RefuseIds(request);
  // Version 0 asks for all topics with an empty list, later ones with null.
  const bool wants_all =
      !request.topics || (context.version() < kFirstVersionWithNullTopics && request.topics->empty());
  if (wants_all) {
    for (const auto& [name, state] : context.home.image().topics()) {
      response.topics.push_back(DescribeTopic(context, *state));
    }
  } else {
    DescribeNamed(context, request, response);
  }
  if (request.include_topic_authorized_operations) {
    for (TopicAnswer& topic : response.topics) {
      if (static_cast<ErrorCode>(topic.error_code) == ErrorCode::kUnknownTopicId) continue;
      topic.topic_authorized_operations = kTopicOperations;
    }
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  for (const BrokerAddress& broker : LiveBrokers(context.home.image(), context.connection.listener())) {
    response.brokers.push_back({broker.id.value(), broker.host, broker.port, broker.rack});
  }
  response.cluster_id = context.node.cluster_id();
  response.controller_id = context.node.options().config.node_id.value();
  return response;
}

}  // namespace odradek::broker
