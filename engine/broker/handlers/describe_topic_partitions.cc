// DescribeTopicPartitions (KIP-966; version 0): topics in name order, cut at the limit, with a cursor for the rest.
#include <algorithm>
#include <set>

#include "engine/broker/handlers/describe_partitions.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/metadata/topic_name.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using DescribedTopics = protocol::DescribeTopicPartitionsResponse;

DescribedTopics::Partition DescribePartition(PartitionIndex index, const metadata::PartitionState& partition,
                                             const metadata::Image& image) {
  DescribedTopics::Partition out;
  out.error_code = static_cast<int16_t>(LeaderError(partition));
  out.partition_index = index.value();
  out.leader_id = partition.leader.value();
  out.leader_epoch = partition.leader_epoch.value();
  out.replica_nodes = ToWire(partition.replicas);
  out.isr_nodes = ToWire(partition.isr);
  // Java's admin client needs both arrays (CLIENTS, trap 2).
  out.eligible_leader_replicas = ToWire(partition.eligible_leader_replicas);
  out.last_known_elr = ToWire(partition.last_known_elr);
  out.offline_replicas = OfflineReplicas(partition, image);
  return out;
}

// False: the limit was reached inside the topic and the cursor says where.
bool AddTopic(const metadata::TopicState& state, PartitionIndex first, const metadata::Image& image,
              int64_t& partitions_left, DescribedTopics& response) {
  DescribedTopics::Topic& topic = response.topics.emplace_back();
  topic.name = state.name;
  topic.topic_id = state.id;
  topic.is_internal = metadata::IsInternalTopic(state.name);
  topic.topic_authorized_operations = kTopicOperations;
  for (auto at = state.partitions.lower_bound(first); at != state.partitions.end(); ++at) {
    if (partitions_left == 0) {
      response.next_cursor = DescribedTopics::Cursor{state.name, at->first.value()};
      return false;
    }
    --partitions_left;
    topic.partitions.push_back(DescribePartition(at->first, at->second, image));
  }
  return true;
}

void AddProblem(const std::string& name, ErrorCode error, DescribedTopics& response) {
  DescribedTopics::Topic& topic = response.topics.emplace_back();
  topic.name = name;
  topic.error_code = static_cast<int16_t>(error);
}

// A cursor that points at nothing that was asked for.
DescribedTopics RefuseCursor(const protocol::DescribeTopicPartitionsRequest& request) {
  DescribedTopics response;
  for (const auto& topic : request.topics) AddProblem(topic.name, ErrorCode::kInvalidRequest, response);
  return response;
}

}  // namespace

protocol::DescribeTopicPartitionsResponse HandleDescribeTopicPartitions(
    RequestContext& context, const protocol::DescribeTopicPartitionsRequest& request) {
  DescribedTopics response;
  const metadata::Image& image = context.home.image();
  std::set<std::string> names;
  for (const auto& topic : request.topics) names.insert(topic.name);
  const bool asks_for_all = names.empty();
  if (asks_for_all) {
    for (const auto& [name, state] : image.topics()) names.insert(name);
  }
  PartitionIndex first(0);
  if (request.cursor) {
    const bool is_known = asks_for_all || names.contains(request.cursor->topic_name);
    if (!is_known || request.cursor->partition_index < 0) return RefuseCursor(request);
    names.erase(names.begin(), names.lower_bound(request.cursor->topic_name));
    first = PartitionIndex(request.cursor->partition_index);
  }
  int64_t partitions_left =
      std::clamp<int64_t>(request.response_partition_limit, 1, context.node.options().config.describe_partitions_max);
  for (const std::string& name : names) {
    // The cursor's place counts in its own topic only.
    if (request.cursor && name != request.cursor->topic_name) first = PartitionIndex(0);
    if (partitions_left == 0) {
      response.next_cursor = DescribedTopics::Cursor{name, 0};
      break;
    }
    const metadata::TopicState* state = image.FindTopic(name);
    if (state == nullptr) {
      const bool is_bad = metadata::TopicNameProblem(name).has_value();
      AddProblem(name, is_bad ? ErrorCode::kInvalidTopicException : ErrorCode::kUnknownTopicOrPartition, response);
      response.topics.back().topic_authorized_operations = kTopicOperations;
      continue;
    }
    if (!AddTopic(*state, first, image, partitions_left, response)) break;
  }
  return response;
}

}  // namespace odradek::broker
