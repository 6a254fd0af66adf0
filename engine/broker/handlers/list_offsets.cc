// ListOffsets (KIP-79, KIP-320, KIP-734, KIP-1023; versions 1 to 11).
#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithLeaderEpoch = 4;
constexpr int16_t kFirstVersionWithOffsetNotAvailable = 5;

// The special values from -1 down, and the version that each came with: latest, earliest, maximum timestamp, earliest
// local, latest tiered, earliest pending upload.
constexpr std::array<int16_t, 6> kFirstVersionOfSpecial = {1, 1, 7, 8, 9, 11};

bool IsKnownTimestamp(int64_t timestamp, int16_t version) {
  if (timestamp >= 0) return true;
  const auto special = static_cast<uint64_t>(-(timestamp + 1));
  return special < kFirstVersionOfSpecial.size() && version >= kFirstVersionOfSpecial[special];
}

OffsetLookup LookUpOn(RequestContext& context, const Placement& placement, const Partition::LookUpRequest& request) {
  Shard& shard = context.node.shard(placement.shard);
  return CallOn(context.self, context.node.shard_envs(), context.home.id(), placement.shard,
                [&shard, placement, request](fiber::Fiber& self) {
                  const std::shared_ptr<Partition> partition = shard.Find(placement.name());
                  if (partition != nullptr) return partition->LookUp(self, request);
                  OffsetLookup missing;
                  missing.error = shard.ErrorOfMissing(placement.name());
                  return missing;
                });
}

// Clients of older versions do not know the code (KIP-207).
ErrorCode ToKnownError(ErrorCode error, int16_t version) {
  const bool is_unknown = error == ErrorCode::kOffsetNotAvailable && version < kFirstVersionWithOffsetNotAvailable;
  return is_unknown ? ErrorCode::kLeaderNotAvailable : error;
}

}  // namespace

protocol::ListOffsetsResponse HandleListOffsets(RequestContext& context, const protocol::ListOffsetsRequest& request) {
  protocol::ListOffsetsResponse response;
  const bool known_isolation = request.isolation_level == 0 || request.isolation_level == 1;
  const auto isolation = request.isolation_level == 1 ? Isolation::kReadCommitted : Isolation::kReadUncommitted;
  struct Mentions {
    int count = 0;
    bool is_answered = false;
  };
  std::map<std::pair<std::string_view, int32_t>, Mentions> mentions;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) ++mentions[{topic.name, partition.partition_index}].count;
  }
  for (const auto& topic : request.topics) {
    auto& topic_out = response.topics.emplace_back();
    topic_out.name = topic.name;
    for (const auto& partition : topic.partitions) {
      Mentions& mentioned = mentions.at({topic.name, partition.partition_index});
      if (std::exchange(mentioned.is_answered, true)) continue;
      auto& out = topic_out.partitions.emplace_back();
      out.partition_index = partition.partition_index;
      if (!known_isolation || mentioned.count > 1) {
        out.error_code = static_cast<int16_t>(ErrorCode::kInvalidRequest);
        continue;
      }
      if (!IsKnownTimestamp(partition.timestamp, context.version())) {
        out.error_code = static_cast<int16_t>(ErrorCode::kUnsupportedVersion);
        continue;
      }
      const Placement placement =
          context.home.Place({topic.name, {}, Naming::kByName}, PartitionIndex(partition.partition_index));
      out.error_code = static_cast<int16_t>(placement.error);
      if (placement.error != ErrorCode::kNone) continue;
      const OffsetLookup found =
          LookUpOn(context, placement,
                   {.wanted = Timestamp(partition.timestamp),
                    .current_leader_epoch = LeaderEpoch(partition.current_leader_epoch),
                    .isolation = isolation,
                    .who = request.replica_id >= 0 ? LookUpFor::kFollower : LookUpFor::kConsumer});
      out.error_code = static_cast<int16_t>(ToKnownError(found.error, context.version()));
      if (found.error != ErrorCode::kNone) continue;
      out.timestamp = found.timestamp.value();
      out.offset = found.offset.value();
      if (context.version() >= kFirstVersionWithLeaderEpoch) out.leader_epoch = found.leader_epoch.value();
    }
    if (topic_out.partitions.empty() && !topic.partitions.empty()) response.topics.pop_back();
  }
  return response;
}

}  // namespace odradek::broker
