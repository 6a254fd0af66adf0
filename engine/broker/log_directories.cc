#include "engine/broker/log_directories.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/broker/log_config.h"
#include "engine/broker/quorum_log.h"

namespace odradek::broker {
namespace {

std::vector<TopicPartition> HostedIn(const storage::LogManager& logs) {
  std::vector<TopicPartition> names;
  for (const std::shared_ptr<storage::Log>& log : logs.Logs()) names.push_back(log->name());
  for (const storage::LogManager::FailedLog& failed : logs.failed_logs()) names.push_back(failed.name);
  return names;
}

bool HasFailures(const storage::LogManager& logs) {
  if (!logs.failed_logs().empty()) return true;
  const std::vector<std::shared_ptr<storage::Log>> all = logs.Logs();
  return std::any_of(all.begin(), all.end(), [](const auto& log) { return log->is_offline(); });
}

}  // namespace

std::vector<LogDirectory> DirectoriesOf(const NodeOptions& options) {
  std::vector<LogDirectory> directories = {{options.config.metadata_log_dir, DirectoryUse::kMetadata}};
  for (const std::string& path : options.log_directories) {
    if (path == options.config.metadata_log_dir) {
      directories.front().use = DirectoryUse::kMetadataAndPartitions;
    } else {
      directories.push_back({path, DirectoryUse::kPartitions});
    }
  }
  return directories;
}

std::vector<LogDirectory> DirectoriesOfShard(const NodeOptions& options, ShardId shard, int32_t shard_count) {
  std::vector<LogDirectory> mine;
  const std::vector<LogDirectory> all = DirectoriesOf(options);
  for (size_t i = 0; i < all.size(); ++i) {
    if (static_cast<int32_t>(i) % shard_count == shard.value()) mine.push_back(all[i]);
  }
  REQUIRES(!mine.empty());
  return mine;
}

LogDirectories::LogDirectories(env::Env& env, const NodeOptions& options) : env_(env), options_(options) {}

absl::Status LogDirectories::LoadOne(fiber::Fiber& self, const LogDirectory& directory, int32_t open_files_max) {
  storage::LogManagerOptions manager;
  manager.directory = directory.path;
  manager.cluster_id = options_.cluster_id;
  manager.node_id = options_.config.node_id;
  manager.open_files_max = open_files_max;
  manager.default_config = PartitionConfigOf(options_, {.static_broker = &options_.static_properties}).log;
  manager.topic_configs.emplace(kMetadataTopic, QuorumLog::ConfigOf(options_));
  absl::StatusOr<std::unique_ptr<storage::LogManager>> opened = storage::LogManager::Open(self, env_, manager);
  if (!opened.ok()) return opened.status();
  if (const absl::Status loaded = (*opened)->LoadAll(self); !loaded.ok()) return loaded;
  open_.push_back({directory, std::move(*opened)});
  return absl::OkStatus();
}

absl::Status LogDirectories::Load(fiber::Fiber& self) {
  REQUIRES(open_.empty());
  const std::vector<LogDirectory> mine = DirectoriesOfShard(options_, env_.shards.self(), env_.shards.count());
  const auto count = static_cast<int32_t>(mine.size());
  for (const LogDirectory& directory : mine) {
    const absl::Status loaded = LoadOne(self, directory, std::max(1, options_.open_files_max / count));
    if (loaded.ok()) continue;
    const bool may_be_missing = directory.use == DirectoryUse::kPartitions && absl::IsUnavailable(loaded);
    if (!may_be_missing) return loaded;
    REACHED(env_.context, "broker.log_directory.offline");
    const std::string why(base::SV(loaded.message()));
    env_.log.Write(env::LogLevel::kError, "broker", "log directory is offline until the next start",
                   {{"directory", directory.path}, {"why", why}});
    offline_.push_back({directory.path, why});
  }
  if (open_.empty()) return base::Unavailable(fmt::format("no log directory is online: {}", offline_.front().why));
  return CheckNoPartitionTwice();
}

absl::Status LogDirectories::CheckNoPartitionTwice() const {
  // Folders of one name and different topic ids are of an earlier topic and its successor: the metadata tells.
  std::map<std::pair<TopicPartition, std::optional<TopicId>>, std::string> seen;
  for (const Open& one : open_) {
    for (const TopicPartition& name : HostedIn(*one.logs)) {
      const auto [at, is_new] = seen.emplace(std::pair(name, one.logs->TopicIdOf(name)), one.directory.path);
      if (is_new) continue;
      return base::FailedPrecondition(fmt::format("{} is both in {} and in {}: one of the two folders must go",
                                                  ToString(name), at->second, one.directory.path));
    }
  }
  return absl::OkStatus();
}

absl::Status LogDirectories::CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch) {
  absl::Status first = absl::OkStatus();
  for (const Open& one : open_) {
    const absl::Status closed = one.logs->CloseCleanly(self, broker_epoch);
    if (first.ok()) first = closed;
  }
  return first;
}

storage::LogManager* LogDirectories::Holder(const TopicPartition& name) const {
  for (const Open& one : open_) {
    if (one.logs->Find(name) != nullptr) return one.logs.get();
  }
  for (const Open& one : open_) {
    const auto& failed = one.logs->failed_logs();
    if (std::any_of(failed.begin(), failed.end(), [&](const auto& log) { return log.name == name; })) {
      return one.logs.get();
    }
  }
  return nullptr;
}

storage::LogManager* LogDirectories::ById(const Uuid& directory_id) const {
  for (const Open& one : open_) {
    if (one.takes_partitions() && one.logs->meta().directory_id == directory_id) return one.logs.get();
  }
  return nullptr;
}

storage::LogManager* LogDirectories::ForNewPartition() const {
  storage::LogManager* best = nullptr;
  std::tuple<bool, size_t> best_load;
  for (const Open& one : open_) {
    if (!one.takes_partitions()) continue;
    const bool fails = troubled_.contains(one.directory.path) || HasFailures(*one.logs);
    const std::tuple<bool, size_t> load(fails, one.logs->Logs().size());
    if (best != nullptr && load >= best_load) continue;
    best = one.logs.get();
    best_load = load;
  }
  return best;
}

const LogDirectories::Open* LogDirectories::HolderOf(std::string_view path) const {
  const auto holds = [&](const Open& one) {
    const std::string& folder = one.directory.path;
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
  };
  const auto at = std::find_if(open_.begin(), open_.end(), holds);
  return at == open_.end() ? nullptr : &*at;
}

void LogDirectories::TakeOffline(const Open& directory, std::string_view why) {
  const auto is_same = [&](const Offline& one) { return one.path == directory.directory.path; };
  if (std::any_of(offline_.begin(), offline_.end(), is_same)) return;
  env_.log.Write(env::LogLevel::kError, "broker", "log directory is offline until the next start",
                 {{"directory", directory.directory.path}, {"why", std::string(why)}});
  offline_.push_back({directory.directory.path, std::string(why)});
  troubled_.insert(directory.directory.path);
  for (const std::shared_ptr<storage::Log>& log : directory.logs->Logs()) log->TakeOffline(why);
}

std::string LogDirectories::SomePartitionFolder() const {
  for (const Open& one : open_) {
    for (const TopicPartition& name : HostedIn(*one.logs)) {
      if (name.topic != kMetadataTopic) return fmt::format("{}/{}", one.directory.path, ToString(name));
    }
  }
  return {};
}

}  // namespace odradek::broker
