// DescribeProducers (KIP-664; version 0): who has state in a partition.
#include <utility>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"
#include "engine/metadata/topic_name.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using ProducersAnswer = protocol::DescribeProducersResponse::PartitionResponse;

ProducersAnswer DescribeProducersOf(RequestContext& context, const Placement& placement) {
  Shard& shard = context.node.shard(placement.shard);
  return CallOn(context.self, context.node.shard_envs(), context.home.id(), placement.shard,
                [&shard, placement](fiber::Fiber&) {
                  ProducersAnswer answer;
                  const std::shared_ptr<Partition> partition = shard.Find(placement.name());
                  if (partition == nullptr) {
                    answer.error_code = static_cast<int16_t>(shard.ErrorOfMissing(placement.name()));
                    return answer;
                  }
                  const ErrorCode error = partition->CheckLeads(kNoLeaderEpoch);
                  answer.error_code = static_cast<int16_t>(error);
                  if (error != ErrorCode::kNone) return answer;
                  for (const auto& [id, entry] : partition->log().producers().entries()) {
                    auto& out = answer.active_producers.emplace_back();
                    out.producer_id = id.value();
                    out.producer_epoch = entry.epoch.value();
                    out.last_sequence = entry.last_sequence();
                    out.last_timestamp = entry.last_timestamp.value();
                    out.coordinator_epoch = entry.coordinator_epoch;
                    out.current_txn_start_offset = entry.current_txn_first_offset.value();
                  }
                  return answer;
                });
}

}  // namespace

protocol::DescribeProducersResponse HandleDescribeProducers(RequestContext& context,
                                                            const protocol::DescribeProducersRequest& request) {
  protocol::DescribeProducersResponse response;
  for (const auto& topic : request.topics) {
    auto& topic_out = response.topics.emplace_back();
    topic_out.name = topic.name;
    for (const int32_t index : topic.partition_indexes) {
      const Placement placement = context.home.Place({topic.name, {}, Naming::kByName}, PartitionIndex(index));
      ProducersAnswer answer;
      const std::optional<std::string> name_problem = metadata::TopicNameProblem(topic.name);
      const ErrorCode error = name_problem ? ErrorCode::kInvalidTopicException : placement.error;
      answer.error_code = static_cast<int16_t>(error);
      if (error != ErrorCode::kNone) answer.error_message = name_problem.value_or("no such partition here");
      if (placement.error == ErrorCode::kNone) answer = DescribeProducersOf(context, placement);
      answer.partition_index = index;
      topic_out.partitions.push_back(std::move(answer));
    }
  }
  return response;
}

}  // namespace odradek::broker
