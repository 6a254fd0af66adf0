// DescribeLogDirs (KIP-113, KIP-827, KIP-1066; versions 1 to 5): one log directory per shard.
#include <map>
#include <set>
#include <utility>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"

namespace odradek::broker {
namespace {

using LogDirAnswer = protocol::DescribeLogDirsResponse::Result;
// nullopt: all partitions.
using LogDirFilter = std::optional<std::set<TopicPartition>>;

LogDirFilter FilterOf(const protocol::DescribeLogDirsRequest& request) {
  if (!request.topics) return std::nullopt;
  LogDirFilter filter(std::in_place);
  for (const auto& topic : *request.topics) {
    for (const int32_t partition : topic.partitions) filter->insert({topic.topic, PartitionIndex(partition)});
  }
  return filter;
}

LogDirAnswer DescribeLogDir(fiber::Fiber& self, Shard& shard, const LogDirFilter& filter) {
  LogDirAnswer result;
  result.log_dir = shard.logs().directory();
  std::map<std::string, std::vector<protocol::DescribeLogDirsResponse::Partition>> topics;
  int64_t used_bytes = 0;
  for (const std::shared_ptr<Partition>& partition : shard.Partitions()) {
    const storage::Log& log = partition->log();
    used_bytes += log.size_bytes();
    if (filter && !filter->contains(log.name())) continue;
    topics[log.name().topic].push_back({log.name().partition.value(), log.size_bytes(), 0, false});
  }
  for (auto& [name, partitions] : topics) result.topics.push_back({name, std::move(partitions)});
  const env::IoResult free = shard.env().disk.FreeBytes(self, result.log_dir);
  if (free.ok()) {
    result.usable_bytes = free.size_bytes;
    result.total_bytes = free.size_bytes + used_bytes;
  }
  return result;
}

}  // namespace

protocol::DescribeLogDirsResponse HandleDescribeLogDirs(RequestContext& context,
                                                        const protocol::DescribeLogDirsRequest& request) {
  protocol::DescribeLogDirsResponse response;
  const LogDirFilter filter = FilterOf(request);
  for (const env::Env* env : context.node.shard_envs()) {
    const ShardId id = env->shards.self();
    Shard& shard = context.node.shard(id);
    response.results.push_back(
        CallOn(context.self, context.node.shard_envs(), context.home.id(), id,
               [&shard, filter](fiber::Fiber& self) { return DescribeLogDir(self, shard, filter); }));
  }
  return response;
}

}  // namespace odradek::broker
