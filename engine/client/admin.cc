#include "engine/client/admin.h"

#include "engine/base/check.h"
#include "engine/client/admin_call.h"
#include "engine/protocol/generated/create_partitions.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/describe_cluster.h"
#include "engine/protocol/generated/describe_topic_partitions.h"
#include "engine/protocol/generated/metadata.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

// NOT_CONTROLLER concerns the whole request; every other error only its part.
template <typename Results>
ErrorCode WholeRequestError(const Results& results) {
  for (const auto& result : results) {
    if (result.error_code == protocol::ToWire(ErrorCode::kNotController)) return ErrorCode::kNotController;
  }
  return ErrorCode::kNone;
}

PartitionInfo DescribedPartition(const protocol::DescribeTopicPartitionsResponse::Partition& from) {
  return {.partition = PartitionIndex(from.partition_index),
          .error = static_cast<ErrorCode>(from.error_code),
          .leader = NodeId(from.leader_id),
          .leader_epoch = LeaderEpoch(from.leader_epoch),
          .replicas = NodeIdsOf(from.replica_nodes),
          .isr = NodeIdsOf(from.isr_nodes),
          .offline_replicas = NodeIdsOf(from.offline_replicas),
          .eligible_leader_replicas = NodeIdsOf(from.eligible_leader_replicas.value_or(std::vector<int32_t>())),
          .last_known_elr = NodeIdsOf(from.last_known_elr.value_or(std::vector<int32_t>()))};
}

}  // namespace

Admin::Admin(env::Env& env, const AdminConfig& config) : env_(env), config_(config) {
  REQUIRES(CheckConfig(config.common).empty());
  cluster_ = Cluster::Start(env_, config_.common, AutoCreateTopics::kOff);
}

Admin::~Admin() {
  cluster_->Stop();
}

void Admin::Close() {
  cluster_->Stop();
}

MonoTime Admin::DeadlineFrom(fiber::Fiber& self) const {
  return self.Now() + config_.common.default_api_timeout;
}

bool Admin::SleepBeforeRetry(fiber::Fiber& self, int64_t failure_count, MonoTime deadline) {
  if (cluster_->is_stopped() || self.Now() >= deadline) return false;
  const MonoTime again_at = self.Now() + cluster_->RetryBackoff(failure_count);
  fiber::SleepUntil(self, std::min(again_at, deadline));
  return self.Now() < deadline;
}

Cluster::Reached Admin::Reach(fiber::Fiber& self, Where where, MonoTime deadline) {
  const std::shared_ptr<Cluster> cluster = cluster_;
  if (where.node == kNoNode && where.target == Target::kAny) return cluster->ConnectAny(self, deadline);
  if (cluster->metadata_version() == 0) cluster->WaitForUpdate(self, 0, deadline);
  const NodeId node = where.node == kNoNode ? cluster->metadata().controller() : where.node;
  if (node.value() < 0) return cluster->ConnectAny(self, deadline);
  Cluster::Reached reached = cluster->Connect(self, node, Purpose::kRequests, deadline);
  if (!cluster->metadata_problem().empty() && reached.connection == nullptr) {
    reached.what += "; metadata: " + cluster->metadata_problem();
  }
  return reached;
}

bool Admin::IsNoBroker(fiber::Fiber& self, NodeId node, MonoTime deadline) {
  const std::shared_ptr<Cluster> cluster = cluster_;
  if (cluster->metadata_version() == 0) cluster->WaitForUpdate(self, 0, deadline);
  if (cluster->metadata().FindBroker(node) != nullptr) return false;
  // It may have joined since.
  const uint64_t version = cluster->metadata_version();
  cluster->RequestUpdate();
  return cluster->WaitForUpdate(self, version, deadline) && cluster->metadata().FindBroker(node) == nullptr;
}

TopicStatuses Admin::CreateTopics(fiber::Fiber& self, const std::vector<NewTopic>& topics, Validation validation) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  request.validate_only = validation == Validation::kValidateOnly;
  for (const NewTopic& topic : topics) {
    auto& wanted = request.topics.emplace_back();
    wanted.name = topic.name;
    wanted.num_partitions = topic.assignment.empty() ? topic.partition_count : -1;
    wanted.replication_factor = topic.assignment.empty() ? topic.replication_factor : int16_t{-1};
    for (const auto& [partition, nodes] : topic.assignment) {
      auto& assignment = wanted.assignments.emplace_back();
      assignment.partition_index = partition;
      for (const NodeId node : nodes) assignment.broker_ids.push_back(node.value());
    }
    for (const auto& [name, value] : topic.configs) wanted.configs.push_back({name, value});
  }
  const auto answer = Call<protocol::CreateTopicsRequest, protocol::CreateTopicsResponse>(
      self, {Target::kController}, request, DeadlineFrom(self),
      [](const auto& response) { return WholeRequestError(response.topics); });
  TopicStatuses statuses;
  for (const NewTopic& topic : topics) statuses[topic.name] = answer.status.ok() ? LeftOut() : answer.status;
  for (const auto& topic : answer.response.topics) {
    statuses[topic.name] = StatusOf(topic.error_code, topic.error_message, answer.is_unclear);
  }
  return statuses;
}

TopicStatuses Admin::DeleteTopics(fiber::Fiber& self, const std::vector<std::string>& topics) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  for (const std::string& topic : topics) {
    request.topics.emplace_back();
    request.topics.back().name = topic;
  }
  const auto answer = Call<protocol::DeleteTopicsRequest, protocol::DeleteTopicsResponse>(
      self, {Target::kController}, request, DeadlineFrom(self),
      [](const auto& response) { return WholeRequestError(response.responses); });
  TopicStatuses statuses;
  for (const std::string& topic : topics) statuses[topic] = answer.status.ok() ? LeftOut() : answer.status;
  for (const auto& topic : answer.response.responses) {
    if (topic.name) statuses[*topic.name] = StatusOf(topic.error_code, topic.error_message, answer.is_unclear);
  }
  return statuses;
}

std::map<TopicId, AdminStatus> Admin::DeleteTopicsById(fiber::Fiber& self, const std::vector<TopicId>& topics) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  for (const TopicId topic : topics) {
    request.topics.emplace_back();
    request.topics.back().topic_id = topic;
  }
  const auto answer = Call<protocol::DeleteTopicsRequest, protocol::DeleteTopicsResponse>(
      self, {Target::kController}, request, DeadlineFrom(self),
      [](const auto& response) { return WholeRequestError(response.responses); });
  std::map<TopicId, AdminStatus> statuses;
  for (const TopicId topic : topics) statuses[topic] = answer.status.ok() ? LeftOut() : answer.status;
  for (const auto& topic : answer.response.responses) {
    statuses[topic.topic_id] = StatusOf(topic.error_code, topic.error_message, answer.is_unclear);
  }
  return statuses;
}

TopicStatuses Admin::CreatePartitions(fiber::Fiber& self, const std::map<std::string, int32_t>& counts,
                                      Validation validation) {
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  request.validate_only = validation == Validation::kValidateOnly;
  for (const auto& [name, count] : counts) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    topic.assignments.reset();
  }
  const auto answer = Call<protocol::CreatePartitionsRequest, protocol::CreatePartitionsResponse>(
      self, {Target::kController}, request, DeadlineFrom(self),
      [](const auto& response) { return WholeRequestError(response.results); });
  TopicStatuses statuses;
  for (const auto& [name, count] : counts) statuses[name] = answer.status.ok() ? LeftOut() : answer.status;
  for (const auto& topic : answer.response.results) {
    statuses[topic.name] = StatusOf(topic.error_code, topic.error_message, answer.is_unclear);
  }
  return statuses;
}

AdminResult<ClusterDescription> Admin::DescribeCluster(fiber::Fiber& self) {
  const auto answer = Call<protocol::DescribeClusterRequest, protocol::DescribeClusterResponse>(
      self, {Target::kAny}, protocol::DescribeClusterRequest{}, DeadlineFrom(self),
      [](const auto& response) { return static_cast<ErrorCode>(response.error_code); });
  AdminResult<ClusterDescription> result{.status = answer.status, .value = {}};
  if (!answer.status.ok()) return result;
  result.status = StatusOf(answer.response.error_code, answer.response.error_message, false);
  result.value.cluster_id = answer.response.cluster_id;
  result.value.controller = NodeId(answer.response.controller_id);
  for (const auto& broker : answer.response.brokers) {
    result.value.brokers.push_back({NodeId(broker.broker_id), {broker.host, broker.port}, broker.rack});
  }
  return result;
}

Admin::DescribedTopics Admin::DescribeTopics(fiber::Fiber& self, const std::vector<std::string>& topics) {
  using protocol::DescribeTopicPartitionsRequest;
  using protocol::DescribeTopicPartitionsResponse;
  DescribedTopics result;
  // No topics would mean all of them.
  if (topics.empty()) return result;
  const MonoTime deadline = DeadlineFrom(self);
  DescribeTopicPartitionsRequest request;
  for (const std::string& topic : topics) {
    request.topics.push_back({topic});
    result.value[topic].status = LeftOut();
  }
  while (true) {
    auto answer = Call<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>(
        self, {Target::kAny}, request, deadline, [](const auto&) { return ErrorCode::kNone; });
    if (answer.status.error == ErrorCode::kUnsupportedVersion) return DescribeTopicsByMetadata(self, topics, deadline);
    if (!answer.status.ok()) return {.status = answer.status, .value = {}};
    for (const auto& topic : answer.response.topics) {
      const auto found = result.value.find(topic.name.value_or(""));
      if (found == result.value.end()) continue;
      TopicInfo& info = found->second.value;
      info.name = found->first;
      info.id = topic.topic_id;
      info.error = static_cast<ErrorCode>(topic.error_code);
      found->second.status = StatusOf(topic.error_code, std::nullopt, false);
      for (const auto& partition : topic.partitions) info.partitions.push_back(DescribedPartition(partition));
    }
    const auto& next = answer.response.next_cursor;
    if (!next) return result;
    // A cursor that stands still would never end.
    const bool is_stuck = request.cursor && request.cursor->topic_name == next->topic_name &&
                          request.cursor->partition_index >= next->partition_index;
    if (is_stuck) return {.status = LeftOut(), .value = {}};
    request.cursor = DescribeTopicPartitionsRequest::Cursor{next->topic_name, next->partition_index};
  }
}

Admin::DescribedTopics Admin::DescribeTopicsByMetadata(fiber::Fiber& self, const std::vector<std::string>& topics,
                                                       MonoTime deadline) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  for (const std::string& topic : topics) {
    request.topics->emplace_back();
    request.topics->back().name = topic;
  }
  const auto answer = Call<protocol::MetadataRequest, protocol::MetadataResponse>(
      self, {Target::kAny}, request, deadline,
      [](const auto& response) { return static_cast<ErrorCode>(response.error_code); });
  DescribedTopics result{.status = answer.status, .value = {}};
  if (!answer.status.ok()) return result;
  MetadataCache cache;
  cache.Apply(answer.response, topics);
  for (const std::string& topic : topics) {
    const TopicInfo& info = *cache.FindTopic(topic);
    result.value[topic] = {StatusOf(protocol::ToWire(info.error), std::nullopt, false), info};
  }
  return result;
}

AdminResult<std::vector<std::string>> Admin::ListTopics(fiber::Fiber& self) {
  protocol::MetadataRequest request;
  request.topics.reset();
  request.allow_auto_topic_creation = false;
  const auto answer = Call<protocol::MetadataRequest, protocol::MetadataResponse>(
      self, {Target::kAny}, request, DeadlineFrom(self),
      [](const auto& response) { return static_cast<ErrorCode>(response.error_code); });
  AdminResult<std::vector<std::string>> result{.status = answer.status, .value = {}};
  for (const auto& topic : answer.response.topics) {
    if (topic.name) result.value.push_back(*topic.name);
  }
  std::ranges::sort(result.value);
  return result;
}

}  // namespace odradek::client
