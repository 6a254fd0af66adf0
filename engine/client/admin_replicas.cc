// Admin's calls about where replicas are, who leads, and which brokers there are.
#include "engine/client/admin.h"
#include "engine/client/admin_call.h"
#include "engine/protocol/generated/alter_partition_reassignments.h"
#include "engine/protocol/generated/elect_leaders.h"
#include "engine/protocol/generated/list_partition_reassignments.h"
#include "engine/protocol/generated/unregister_broker.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;

ErrorCode WholeError(const auto& response) {
  return static_cast<ErrorCode>(response.error_code);
}

// One entry for each topic of sorted partitions.
template <typename Topics>
auto& TopicOf(Topics& topics, const std::string& name, std::string Topics::value_type::*of) {
  if (topics.empty() || topics.back().*of != name) topics.emplace_back().*of = name;
  return topics.back();
}

}  // namespace

std::map<TopicPartition, AdminStatus> Admin::AlterPartitionReassignments(fiber::Fiber& self, const Targets& targets) {
  using Request = protocol::AlterPartitionReassignmentsRequest;
  using Response = protocol::AlterPartitionReassignmentsResponse;
  Request request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  for (const auto& [partition, replicas] : targets) {
    auto& move = TopicOf(request.topics, partition.topic, &Request::ReassignableTopic::name).partitions.emplace_back();
    move.partition_index = partition.partition.value();
    if (!replicas) continue;
    move.replicas.emplace();
    for (const NodeId node : *replicas) move.replicas->push_back(node.value());
  }
  const auto answer = Call<Request, Response>(self, {Target::kController}, request, DeadlineFrom(self),
                                              [](const Response& response) { return WholeError(response); });
  AdminStatus of_all = answer.status;
  if (of_all.ok()) of_all = StatusOf(answer.response.error_code, answer.response.error_message, answer.is_unclear);
  std::map<TopicPartition, AdminStatus> statuses;
  for (const auto& [partition, replicas] : targets) statuses[partition] = of_all.ok() ? LeftOut() : of_all;
  for (const auto& topic : answer.response.responses) {
    for (const auto& partition : topic.partitions) {
      statuses[{topic.name, PartitionIndex(partition.partition_index)}] =
          StatusOf(partition.error_code, partition.error_message, answer.is_unclear);
    }
  }
  return statuses;
}

AdminResult<std::map<TopicPartition, Reassignment>> Admin::ListPartitionReassignments(fiber::Fiber& self) {
  using Request = protocol::ListPartitionReassignmentsRequest;
  using Response = protocol::ListPartitionReassignmentsResponse;
  Request request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  const auto answer = Call<Request, Response>(self, {Target::kController}, request, DeadlineFrom(self),
                                              [](const Response& response) { return WholeError(response); });
  AdminResult<std::map<TopicPartition, Reassignment>> result{.status = answer.status, .value = {}};
  if (result.ok()) result.status = StatusOf(answer.response.error_code, answer.response.error_message, false);
  for (const auto& topic : answer.response.topics) {
    for (const auto& partition : topic.partitions) {
      result.value[{topic.name, PartitionIndex(partition.partition_index)}] = {
          NodeIdsOf(partition.replicas), NodeIdsOf(partition.adding_replicas), NodeIdsOf(partition.removing_replicas)};
    }
  }
  return result;
}

std::map<TopicPartition, AdminStatus> Admin::ElectLeaders(fiber::Fiber& self, ElectionType type,
                                                          const std::vector<TopicPartition>& partitions) {
  using Request = protocol::ElectLeadersRequest;
  using Response = protocol::ElectLeadersResponse;
  Request request;
  request.timeout_ms = TimeoutMillis(*cluster_);
  request.election_type = static_cast<int8_t>(type);
  for (const TopicPartition& partition : partitions) {
    TopicOf(*request.topic_partitions, partition.topic, &Request::TopicPartitions::topic)
        .partitions.push_back(partition.partition.value());
  }
  const auto answer = Call<Request, Response>(self, {Target::kController}, request, DeadlineFrom(self),
                                              [](const Response& response) { return WholeError(response); });
  AdminStatus of_all = answer.status;
  if (of_all.ok()) of_all = StatusOf(answer.response.error_code, std::nullopt, answer.is_unclear);
  std::map<TopicPartition, AdminStatus> statuses;
  for (const TopicPartition& partition : partitions) statuses[partition] = of_all.ok() ? LeftOut() : of_all;
  for (const auto& topic : answer.response.replica_election_results) {
    for (const auto& partition : topic.partition_result) {
      statuses[{topic.topic, PartitionIndex(partition.partition_id)}] =
          StatusOf(partition.error_code, partition.error_message, answer.is_unclear);
    }
  }
  return statuses;
}

AdminStatus Admin::UnregisterBroker(fiber::Fiber& self, NodeId broker) {
  using Request = protocol::UnregisterBrokerRequest;
  using Response = protocol::UnregisterBrokerResponse;
  Request request;
  request.broker_id = broker.value();
  const auto answer = Call<Request, Response>(self, {Target::kController}, request, DeadlineFrom(self),
                                              [](const Response& response) { return WholeError(response); });
  if (!answer.status.ok()) return answer.status;
  return StatusOf(answer.response.error_code, answer.response.error_message, answer.is_unclear);
}

}  // namespace odradek::client
