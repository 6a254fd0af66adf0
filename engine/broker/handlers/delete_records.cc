// DeleteRecords (KIP-107; versions 0 to 2).
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

Partition::Deletion DeleteOn(RequestContext& context, const Placement& placement, Offset before) {
  Shard& shard = context.node.shard(placement.shard);
  return CallOn(context.self, context.node.shard_envs(), context.home.id(), placement.shard,
                [&shard, placement, before](fiber::Fiber& self) {
                  const std::shared_ptr<Partition> partition = shard.Find(placement.name());
                  Partition::Deletion missing{.error = shard.ErrorOfMissing(placement.name())};
                  return partition == nullptr ? missing : partition->DeleteRecords(self, before);
                });
}

}  // namespace

protocol::DeleteRecordsResponse HandleDeleteRecords(RequestContext& context,
                                                    const protocol::DeleteRecordsRequest& request) {
  protocol::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& topic_out = response.topics.emplace_back();
    topic_out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      out.low_watermark = -1;
      const Placement placement =
          context.home.Place({topic.name, {}, Naming::kByName}, PartitionIndex(partition.partition_index));
      out.error_code = static_cast<int16_t>(placement.error);
      if (placement.error != ErrorCode::kNone) continue;
      const Partition::Deletion done = DeleteOn(context, placement, Offset(partition.offset));
      out.error_code = static_cast<int16_t>(done.error);
      if (done.error == ErrorCode::kNone) out.low_watermark = done.low_watermark.value();
    }
  }
  return response;
}

}  // namespace odradek::broker
