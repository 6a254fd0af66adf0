// OffsetForLeaderEpoch (KIP-101, KIP-279, KIP-320; versions 2 to 4).
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

replication::EpochEndAnswer AskEpoch(RequestContext& context, const Placement& placement,
                                     const replication::EpochEndQuestion& question) {
  Shard& shard = context.node.shard(placement.shard);
  return CallOn(context.self, context.node.shard_envs(), context.home.id(), placement.shard,
                [&shard, placement, question](fiber::Fiber&) {
                  const std::shared_ptr<Partition> partition = shard.Find(placement.name());
                  if (partition != nullptr) return partition->EndOfEpoch(question);
                  return replication::EpochEndAnswer{.error = shard.ErrorOfMissing(placement.name()), .end = {}};
                });
}

}  // namespace

protocol::OffsetForLeaderEpochResponse HandleOffsetForLeaderEpoch(
    RequestContext& context, const protocol::OffsetForLeaderEpochRequest& request) {
  protocol::OffsetForLeaderEpochResponse response;
  for (const auto& topic : request.topics) {
    auto& topic_out = response.topics.emplace_back();
    topic_out.topic = topic.topic;
    for (const auto& partition : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition = partition.partition;
      const Placement placement =
          context.home.Place({topic.topic, {}, Naming::kByName}, PartitionIndex(partition.partition));
      out.error_code = static_cast<int16_t>(placement.error);
      if (placement.error != ErrorCode::kNone) continue;
      const replication::EpochEndAnswer answer =
          AskEpoch(context, placement,
                   {.current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
                    .leader_epoch = LeaderEpoch(partition.leader_epoch)});
      out.error_code = static_cast<int16_t>(answer.error);
      out.leader_epoch = answer.end.epoch.value();
      out.end_offset = answer.end.end_offset.value();
    }
  }
  return response;
}

}  // namespace odradek::broker
