// DescribeLogDirs (KIP-113, KIP-827, KIP-1066; versions 1 to 5): the log directories of every shard.
#include <iterator>
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

LogDirAnswer DescribeLogDir(fiber::Fiber& self, Shard& shard, storage::LogManager& logs, const LogDirFilter& filter) {
  LogDirAnswer result;
  result.log_dir = logs.directory();
  std::map<std::string, std::vector<protocol::DescribeLogDirsResponse::Partition>> topics;
  for (const std::shared_ptr<storage::Log>& log : logs.Logs()) {
    const TopicPartition& name = log->name();
    if (shard.Find(name) == nullptr || (filter && !filter->contains(name))) continue;
    topics[name.topic].push_back({name.partition.value(), log->size_bytes(), 0, false});
  }
  for (auto& [name, partitions] : topics) result.topics.push_back({name, std::move(partitions)});
  const env::SpaceResult space = shard.env().disk.Space(self, result.log_dir);
  if (space.error == env::DiskError::kNone) {
    result.usable_bytes = space.free_bytes;
    result.total_bytes = space.total_bytes;
  }
  return result;
}

std::vector<LogDirAnswer> DescribeDirectoriesOf(fiber::Fiber& self, Shard& shard, const LogDirFilter& filter) {
  std::vector<LogDirAnswer> results;
  for (const LogDirectories::Open& one : shard.directories().open()) {
    if (one.takes_partitions()) results.push_back(DescribeLogDir(self, shard, *one.logs, filter));
  }
  for (const LogDirectories::Offline& one : shard.directories().offline()) {
    LogDirAnswer& offline = results.emplace_back();
    offline.error_code = static_cast<int16_t>(protocol::ErrorCode::kKafkaStorageError);
    offline.log_dir = one.path;
  }
  return results;
}

}  // namespace

protocol::DescribeLogDirsResponse HandleDescribeLogDirs(RequestContext& context,
                                                        const protocol::DescribeLogDirsRequest& request) {
  protocol::DescribeLogDirsResponse response;
  const LogDirFilter filter = FilterOf(request);
  for (const env::Env* env : context.node.shard_envs()) {
    const ShardId id = env->shards.self();
    Shard& shard = context.node.shard(id);
    std::vector<LogDirAnswer> some =
        CallOn(context.self, context.node.shard_envs(), context.home.id(), id,
               [&shard, filter](fiber::Fiber& self) { return DescribeDirectoriesOf(self, shard, filter); });
    std::move(some.begin(), some.end(), std::back_inserter(response.results));
  }
  return response;
}

}  // namespace odradek::broker
