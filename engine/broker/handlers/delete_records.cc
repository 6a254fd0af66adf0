// DeleteRecords (KIP-107; versions 0 to 2).
#include <algorithm>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

using Deletion = PartitionReplica::Deletion;

struct DeletionWish {
  Placement placement;
  Offset before;
  MonoTime until;
};

Deletion DeleteOn(fiber::Fiber& caller, const RequestContext& context, const DeletionWish& wish) {
  Shard& shard = context.node.shard(wish.placement.shard);
  return CallOn(caller, context.node.shard_envs(), context.home.id(), wish.placement.shard,
                [&shard, wish](fiber::Fiber& self) {
                  const env::PartitionName name = wish.placement.name();
                  const std::shared_ptr<Partition> partition = shard.Find(name);
                  if (partition == nullptr) return Deletion{.error = shard.ErrorOfMissing(name)};
                  return partition->DeleteRecords(self, wish.before, wish.until);
                });
}

}  // namespace

protocol::DeleteRecordsResponse HandleDeleteRecords(RequestContext& context,
                                                    const protocol::DeleteRecordsRequest& request) {
  protocol::DeleteRecordsResponse response;
  const MonoTime until = context.self.Now() + Duration::Millis(std::max(0, request.timeout_ms));
  // All at once: each waits for its followers.
  context.work_place.GiveUp();
  fiber::TaskGroup deletions(context.self);
  response.topics.resize(request.topics.size());
  for (size_t t = 0; t < request.topics.size(); ++t) {
    const auto& topic = request.topics[t];
    response.topics[t].name = topic.name;
    response.topics[t].partitions.resize(topic.partitions.size());
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      auto& out = response.topics[t].partitions[p];
      out.partition_index = topic.partitions[p].partition_index;
      out.low_watermark = -1;
      const Placement placement =
          context.home.Place({topic.name, {}, Naming::kByName}, PartitionIndex(out.partition_index));
      out.error_code = static_cast<int16_t>(placement.error);
      if (placement.error != ErrorCode::kNone) continue;
      const DeletionWish wish{placement, Offset(topic.partitions[p].offset), until};
      deletions.Spawn("delete records", [&context, &out, wish](fiber::Fiber& self) {
        const Deletion done = DeleteOn(self, context, wish);
        out.error_code = static_cast<int16_t>(done.error);
        if (done.error == ErrorCode::kNone) out.low_watermark = done.low_watermark.value();
      });
    }
  }
  deletions.Join(context.self);
  return response;
}

}  // namespace odradek::broker
