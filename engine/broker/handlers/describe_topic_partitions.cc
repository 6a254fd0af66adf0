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

}  // namespace

protocol::DescribeTopicPartitionsResponse HandleDescribeTopicPartitions(
    RequestContext& context, const protocol::DescribeTopicPartitionsRequest& request) {
  DescribedTopics response;
  const metadata::Image& image = context.home.image();
  std::set<std::string> names;
  for (const auto& topic : request.topics) names.insert(topic.name);
  if (names.empty()) {
    for (const auto& [name, state] : image.topics()) names.insert(name);
  }
  PartitionIndex first(0);
  if (request.cursor) {
    names.erase(names.begin(), names.lower_bound(request.cursor->topic_name));
    if (names.contains(request.cursor->topic_name)) first = PartitionIndex(request.cursor->partition_index);
  }
  int64_t partitions_left =
      std::clamp<int64_t>(request.response_partition_limit, 1, context.node.options().config.describe_partitions_max);
  for (const std::string& name : names) {
    const metadata::TopicState* state = image.FindTopic(name);
    if (state == nullptr) {
      DescribedTopics::Topic& topic = response.topics.emplace_back();
      topic.name = name;
      topic.error_code = static_cast<int16_t>(metadata::TopicNameProblem(name) ? ErrorCode::kInvalidTopicException
                                                                               : ErrorCode::kUnknownTopicOrPartition);
      continue;
    }
    if (partitions_left == 0) {
      response.next_cursor = DescribedTopics::Cursor{name, 0};
      break;
    }
    if (!AddTopic(*state, first, image, partitions_left, response)) break;
    first = PartitionIndex(0);
  }
  return response;
}

}  // namespace odradek::broker
