// ListOffsets (KIP-79, KIP-320, KIP-734, KIP-1023; versions 1 to 11).
#include <utility>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithLeaderEpoch = 4;

OffsetLookup LookUpOn(RequestContext& context, const Placement& placement, LeaderEpoch epoch, Timestamp wanted,
                      Isolation isolation) {
  Shard& shard = context.node.shard(placement.shard);
  return CallOn(context.self, context.node.shard_envs(), context.home.id(), placement.shard,
                [&shard, name = placement.name, epoch, wanted, isolation](fiber::Fiber& self) {
                  const std::shared_ptr<Partition> partition = shard.Find(name);
                  OffsetLookup failed;
                  failed.error =
                      partition == nullptr ? ErrorCode::kNotLeaderOrFollower : partition->CheckLeaderEpoch(epoch);
                  return failed.error == ErrorCode::kNone ? partition->LookUp(self, wanted, isolation) : failed;
                });
}

}  // namespace

protocol::ListOffsetsResponse HandleListOffsets(RequestContext& context, const protocol::ListOffsetsRequest& request) {
  protocol::ListOffsetsResponse response;
  const auto isolation = request.isolation_level == 1 ? Isolation::kReadCommitted : Isolation::kReadUncommitted;
  for (const auto& topic : request.topics) {
    auto& topic_out = response.topics.emplace_back();
    topic_out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      const Placement placement =
          context.home.Place({topic.name, {}, Naming::kByName}, PartitionIndex(partition.partition_index));
      out.error_code = static_cast<int16_t>(placement.error);
      if (placement.error != ErrorCode::kNone) continue;
      const OffsetLookup found = LookUpOn(context, placement, LeaderEpoch(partition.current_leader_epoch),
                                          Timestamp(partition.timestamp), isolation);
      out.error_code = static_cast<int16_t>(found.error);
      if (found.error != ErrorCode::kNone) continue;
      out.timestamp = found.timestamp.value();
      out.offset = found.offset.value();
      if (context.version() >= kFirstVersionWithLeaderEpoch) out.leader_epoch = found.leader_epoch.value();
    }
  }
  return response;
}

}  // namespace odradek::broker
