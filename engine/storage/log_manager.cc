#include "engine/storage/log_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

LogManager::LogManager(env::Env& env, const LogManagerOptions& options)
    : env_(env),
      options_(options),
      files_(env.disk, std::max(options.open_files_max, 1)),
      checkpoints_(env, options.directory) {}

LogManager::~LogManager() = default;

absl::Status LogManager::Problem(std::string_view file, std::string_view what) const {
  return base::FailedPrecondition(fmt::format("{}: {}", Join(options_.directory, file), what));
}

absl::Status LogManager::DiskProblem(std::string_view file, std::string_view what, DiskError error) const {
  return base::Unavailable(fmt::format("{}: {}: {}", Join(options_.directory, file), what, env::ToString(error)));
}

absl::StatusOr<std::unique_ptr<LogManager>> LogManager::Open(fiber::Fiber& self, env::Env& env,
                                                             const LogManagerOptions& options) {
  REQUIRES(!options.directory.empty());
  std::unique_ptr<LogManager> manager(new LogManager(env, options));
  if (absl::Status status = manager->PrepareFolder(self); !status.ok()) return status;
  if (absl::Status status = manager->LoadMeta(self); !status.ok()) return status;
  if (absl::Status status = manager->TakeMarker(self); !status.ok()) return status;
  if (const DiskError error = manager->checkpoints_.Load(self); error != DiskError::kNone) {
    return manager->DiskProblem("", "checkpoints cannot be read", error);
  }
  return manager;
}

absl::Status LogManager::PrepareFolder(fiber::Fiber& self) {
  DiskError error = env_.disk.CreateDirectory(self, options_.directory);
  if (error == DiskError::kNone) error = env_.disk.SyncDirectory(self, ParentOf(options_.directory));
  if (error != DiskError::kNone && error != DiskError::kExists) {
    return base::Unavailable(
        fmt::format("data directory {} cannot be made: {}", options_.directory, env::ToString(error)));
  }
  env::LockResult lock = env_.disk.Lock(self, Join(options_.directory, kLockName));
  if (lock.error == DiskError::kLocked) {
    return Problem(kLockName, "the data directory is in use by another process, which holds this lock");
  }
  if (lock.error != DiskError::kNone) {
    return DiskProblem(kLockName, "cannot be locked", lock.error);
  }
  lock_ = std::move(lock.lock);
  // What a dead process renamed here is seen now and must stay: later decisions rest on it.
  error = env_.disk.SyncDirectory(self, options_.directory);
  if (error == DiskError::kNone) return absl::OkStatus();
  return DiskProblem("", "cannot be synced", error);
}

absl::Status LogManager::CheckMeta(const MetaProperties& found, const std::string& path) const {
  if (!options_.cluster_id.empty() && found.cluster_id != options_.cluster_id) {
    return base::FailedPrecondition(fmt::format("{}: cluster.id is {}, the node is configured for cluster {}", path,
                                                found.cluster_id, options_.cluster_id));
  }
  if (options_.node_id != kNoNode && found.node_id != options_.node_id) {
    return base::FailedPrecondition(fmt::format("{}: node.id is {}, the node is configured as {}", path,
                                                found.node_id.value(), options_.node_id.value()));
  }
  return absl::OkStatus();
}

absl::Status LogManager::CheckIsNew(fiber::Fiber& self) const {
  const env::ListResult list = env_.disk.List(self, options_.directory);
  if (list.error != DiskError::kNone) return DiskProblem("", "cannot be listed", list.error);
  for (const env::DirectoryEntry& entry : list.entries) {
    const std::optional<FolderName> folder = ParseFolderName(entry.name);
    if (entry.kind != env::FileKind::kDirectory || !folder || folder->kind != FolderKind::kPartition) continue;
    return Problem(
        kMetaPropertiesName,
        fmt::format("is missing, but the directory is not new: it holds {}. Put the file back; its lines are "
                    "version=1, cluster.id=ID and node.id=N",
                    entry.name));
  }
  return absl::OkStatus();
}

absl::Status LogManager::LoadMeta(fiber::Fiber& self) {
  const std::string path = Join(options_.directory, kMetaPropertiesName);
  const SmallFile file = ReadSmallFile(self, env_.disk, path);
  if (!file.ok() && file.error != DiskError::kNotFound) {
    return DiskProblem(kMetaPropertiesName, "cannot be read", file.error);
  }
  if (file.ok()) {
    absl::StatusOr<MetaProperties> found = ParseMetaProperties(path, file.content);
    if (!found.ok()) return found.status();
    if (absl::Status status = CheckMeta(*found, path); !status.ok()) return status;
    meta_ = *std::move(found);
    if (!meta_.directory_id.is_zero()) return absl::OkStatus();
  } else {
    if (absl::Status status = CheckIsNew(self); !status.ok()) return status;
    if (options_.cluster_id.empty())
      return Problem(kMetaPropertiesName, "the directory is new: a cluster id is needed");
    if (options_.node_id < NodeId(0)) return Problem(kMetaPropertiesName, "the directory is new: a node id is needed");
    meta_.cluster_id = options_.cluster_id;
    meta_.node_id = options_.node_id;
  }
  const uint64_t high = env_.entropy.Next64();
  const uint64_t low = env_.entropy.Next64();
  meta_.directory_id = Uuid::FromRandom(high, low);
  const std::string text = FormatMetaProperties(meta_);
  const DiskError error = ReplaceSmallFile(self, env_.disk, env_.context, path, AsBytes(text));
  if (error == DiskError::kNone) return absl::OkStatus();
  return DiskProblem(kMetaPropertiesName, "cannot be written", error);
}

absl::Status LogManager::TakeMarker(fiber::Fiber& self) {
  const SmallFile marker = ReadSmallFile(self, env_.disk, Join(options_.directory, kCleanShutdownName));
  if (marker.error == DiskError::kNotFound) return absl::OkStatus();
  if (!marker.ok()) return DiskProblem(kCleanShutdownName, "cannot be read", marker.error);
  previous_shutdown_ = env::ShutdownKind::kClean;
  previous_broker_epoch_ = ParseCleanShutdown(marker.content);
  // A crash from now on must be seen as one.
  if (MUTATION(env_.context, LG04)) return absl::OkStatus();
  return RemoveMarker(self);
}

absl::Status LogManager::RemoveMarker(fiber::Fiber& self) {
  DiskError error = RemoveIfThere(self, env_.disk, Join(options_.directory, kCleanShutdownName));
  if (error == DiskError::kNone) error = env_.disk.SyncDirectory(self, options_.directory);
  if (error == DiskError::kNone) return absl::OkStatus();
  return DiskProblem(kCleanShutdownName, "cannot be removed", error);
}

absl::Status LogManager::SortFolder(fiber::Fiber& self, std::vector<TopicPartition>& partitions,
                                    std::vector<TopicPartition>& renamed) {
  const env::ListResult list = env_.disk.List(self, options_.directory);
  if (list.error != DiskError::kNone) return DiskProblem("", "cannot be listed", list.error);
  for (const env::DirectoryEntry& entry : list.entries) {
    const std::string path = Join(options_.directory, entry.name);
    if (entry.kind != env::FileKind::kDirectory) {
      if (entry.name.ends_with(kTmpSuffix)) RemoveIfThere(self, env_.disk, path);
      continue;
    }
    const std::optional<FolderName> folder = ParseFolderName(entry.name);
    const bool is_renamed = folder && (folder->kind == FolderKind::kDelete || folder->kind == FolderKind::kStray);
    if (is_renamed) renamed.push_back(folder->partition);
    if (folder && folder->kind == FolderKind::kPartition && ToString(folder->partition) == entry.name) {
      partitions.push_back(folder->partition);
    } else if (folder && folder->kind == FolderKind::kDelete) {
      deleted_.push_back({path, env_.clock.Now()});
    } else {
      REACHED(env_.context, "storage.foreign_folder");
      env_.log.Write(env::LogLevel::kWarning, "storage", "a folder that is no partition's is left alone",
                     {{"folder", path}});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<TopicId>> LogManager::ReadTopicId(fiber::Fiber& self, const std::string& folder) {
  const std::string path = Join(folder, kPartitionMetadataName);
  const SmallFile file = ReadSmallFile(self, env_.disk, path);
  if (file.error == DiskError::kNotFound) return std::optional<TopicId>();
  if (!file.ok()) return base::DataLoss(fmt::format("{}: {}", path, env::ToString(file.error)));
  absl::StatusOr<TopicId> id = ParsePartitionMetadata(path, file.content);
  if (!id.ok()) return id.status();
  return std::optional<TopicId>(*id);
}

void LogManager::LoadOne(fiber::Fiber& self, const TopicPartition& name) {
  const std::string folder = FolderOf(name);
  const absl::StatusOr<std::optional<TopicId>> topic_id = ReadTopicId(self, folder);
  absl::Status status = topic_id.status();
  if (status.ok()) {
    LogCheckpoints marks = checkpoints_.For(name);
    marks.previous_shutdown = previous_shutdown_;
    const auto known = options_.topic_configs.find(name.topic);
    const LogConfig& config = known == options_.topic_configs.end() ? options_.default_config : known->second;
    absl::StatusOr<std::shared_ptr<Log>> log =
        Log::Open(self, env_, files_, &checkpoints_, {.name = name, .directory = folder}, config, marks);
    if (log.ok()) {
      logs_[name] = {*std::move(log), *topic_id};
      return;
    }
    status = log.status();
  }
  const std::string problem(base::SV(status.message()));
  env_.log.Write(env::LogLevel::kError, "storage", "a log cannot be loaded", {{"problem", problem}});
  env_.observer.On(env::LogOffline{{name.topic, name.partition}, problem});
  failed_.push_back({name, problem});
}

absl::Status LogManager::LoadAll(fiber::Fiber& self) {
  REQUIRES(!loaded_);
  constexpr int kLoadersMax = 4;
  std::vector<TopicPartition> partitions;
  std::vector<TopicPartition> renamed;
  if (absl::Status status = SortFolder(self, partitions, renamed); !status.ok()) return status;
  size_t next = 0;
  fiber::TaskGroup loaders(self);
  for (int i = 0; i < kLoadersMax; ++i) {
    loaders.Spawn("storage-load", [&](fiber::Fiber& child) {
      while (next < partitions.size()) {
        const size_t mine = next++;
        LoadOne(child, partitions[mine]);
      }
    });
  }
  loaders.Join(self);
  std::sort(failed_.begin(), failed_.end(), [](const FailedLog& a, const FailedLog& b) { return a.name < b.name; });
  // Whoever took a log away may have died before its checkpoints forgot it: a later log of that name is another one.
  for (const TopicPartition& name : renamed) {
    if (std::ranges::find(partitions, name) != partitions.end()) continue;
    if (absl::Status status = EraseCheckpoints(self, name); !status.ok()) return status;
  }
  // The logs know where they start without it, but only as long as it is seen to be damaged: the next log that notes
  // its own start there makes it whole again.
  if (checkpoints_.are_log_starts_damaged() && !CheckpointLogStarts(self)) {
    return Problem(kLogStartCheckpointName, "cannot be replaced");
  }
  loaded_ = true;
  return MUTATION(env_.context, LG04) ? RemoveMarker(self) : absl::OkStatus();
}

std::shared_ptr<Log> LogManager::Find(const TopicPartition& name) const {
  const auto it = logs_.find(name);
  return it == logs_.end() ? nullptr : it->second.log;
}

std::vector<std::shared_ptr<Log>> LogManager::Logs() const {
  std::vector<std::shared_ptr<Log>> logs;
  for (const auto& [name, hosted] : logs_) logs.push_back(hosted.log);
  return logs;
}

std::optional<TopicId> LogManager::TopicIdOf(const TopicPartition& name) const {
  const auto it = logs_.find(name);
  return it == logs_.end() ? std::nullopt : it->second.topic_id;
}

absl::StatusOr<std::shared_ptr<Log>> LogManager::Create(fiber::Fiber& self, const TopicPartition& name,
                                                        const TopicId& topic_id, const LogConfig& config) {
  REQUIRES(!topic_id.is_zero());
  const std::string folder = FolderOf(name);
  const auto fail = [&](std::string_view what, DiskError error) {
    return base::Unavailable(fmt::format("{}: {}: {}", folder, what, env::ToString(error)));
  };
  const auto hosted = logs_.find(name);
  const bool is_other = hosted != logs_.end() && hosted->second.topic_id && *hosted->second.topic_id != topic_id;
  if (is_other && !MUTATION(env_.context, RP40)) {
    return base::FailedPrecondition(fmt::format("{} belongs to topic id {}, not {}", folder,
                                                hosted->second.topic_id->ToString(), topic_id.ToString()));
  }
  if (hosted != logs_.end() && hosted->second.topic_id) return hosted->second.log;
  for (const FailedLog& failed : failed_) {
    if (failed.name == name) return base::Unavailable(failed.problem);
  }
  DiskError error = DiskError::kNone;
  if (hosted == logs_.end()) {
    WarnOfLostFolder(name);
    // What the checkpoints say of an earlier log of this name does not hold for this one.
    if (error = checkpoints_.Erase(self, name); error != DiskError::kNone) return fail("checkpoint", error);
    const LogPlace place{.name = name, .directory = folder};
    const std::shared_ptr<Log> log = Log::StartUnborn(env_, files_, &checkpoints_, place, config, topic_id);
    logs_[name] = {log, topic_id};
    return log;
  }
  const std::string text = FormatPartitionMetadata(topic_id);
  error = ReplaceSmallFile(self, env_.disk, env_.context, Join(folder, kPartitionMetadataName), AsBytes(text));
  if (error == DiskError::kNone) error = env_.disk.SyncDirectory(self, options_.directory);
  if (error != DiskError::kNone) return fail("partition.metadata", error);
  logs_[name].topic_id = topic_id;
  return logs_[name].log;
}

// A log that was synced once and was not deleted had a folder.
void LogManager::WarnOfLostFolder(const TopicPartition& name) {
  const LogCheckpoints marks = checkpoints_.For(name);
  if (marks.recovery_point <= std::max(marks.log_start_offset, Offset(0))) return;
  const std::string folder = FolderOf(name);
  const auto is_of_it = [&](const DeletedFolder& deleted) { return deleted.path.starts_with(folder + "."); };
  if (std::any_of(deleted_.begin(), deleted_.end(), is_of_it)) return;
  REACHED(env_.context, "storage.lost_folder");
  env_.log.Write(env::LogLevel::kError, "storage", "records that were synced are lost: their folder is gone",
                 {{"log", folder}, {"synced_up_to", fmt::format("{}", marks.recovery_point.value())}});
}

absl::Status LogManager::RenameFolder(fiber::Fiber& self, const TopicPartition& name, FolderKind kind,
                                      std::string& renamed) {
  if (const auto it = logs_.find(name); it != logs_.end()) {
    const std::shared_ptr<Log> log = it->second.log;
    log->Abandon();
    logs_.erase(it);
    log->AwaitCleaningEnd(self);
    log->AwaitFolder(self);
    if (!log->has_folder()) return EraseCheckpoints(self, name);
  }
  std::erase_if(failed_, [&](const FailedLog& failed) { return failed.name == name; });
  const uint64_t high = env_.entropy.Next64();
  const uint64_t low = env_.entropy.Next64();
  renamed = Join(options_.directory, MarkedFolderName(name, Uuid::FromRandom(high, low), kind));
  DiskError error = env_.disk.Rename(self, FolderOf(name), renamed);
  if (error == DiskError::kNotFound) return base::NotFound(fmt::format("{} is not there", FolderOf(name)));
  if (error == DiskError::kNone) error = env_.disk.SyncDirectory(self, options_.directory);
  if (error == DiskError::kNone) return EraseCheckpoints(self, name);
  return Problem(ToString(name), fmt::format("cannot be renamed: {}", env::ToString(error)));
}

absl::Status LogManager::EraseCheckpoints(fiber::Fiber& self, const TopicPartition& name) {
  const DiskError error = checkpoints_.Erase(self, name);
  if (error == DiskError::kNone) return absl::OkStatus();
  return Problem(ToString(name), fmt::format("cannot be taken out of the checkpoints: {}", env::ToString(error)));
}

absl::Status LogManager::Delete(fiber::Fiber& self, const TopicPartition& name) {
  const std::shared_ptr<Log> log = Find(name);
  const Duration delay = log != nullptr ? log->config().file_delete_delay : options_.default_config.file_delete_delay;
  std::string renamed;
  if (absl::Status status = RenameFolder(self, name, FolderKind::kDelete, renamed); !status.ok()) return status;
  if (!renamed.empty()) deleted_.push_back({renamed, env_.clock.Now() + delay});
  return absl::OkStatus();
}

absl::Status LogManager::MarkStray(fiber::Fiber& self, const TopicPartition& name) {
  std::string renamed;
  if (absl::Status status = RenameFolder(self, name, FolderKind::kStray, renamed); !status.ok()) return status;
  if (renamed.empty()) return absl::OkStatus();
  env_.log.Write(env::LogLevel::kWarning, "storage", "a log that the metadata does not know is set aside",
                 {{"folder", renamed}});
  return absl::OkStatus();
}

void LogManager::FlushDue(fiber::Fiber& self) {
  for (const std::shared_ptr<Log>& log : Logs()) {
    if (log->IsFlushDue()) log->Flush(self);
  }
}

bool LogManager::CheckpointRecoveryPoints(fiber::Fiber& self) {
  return checkpoints_.Write(self, CheckpointKind::kRecoveryPoint, Logs()) == DiskError::kNone;
}

bool LogManager::CheckpointLogStarts(fiber::Fiber& self) {
  return checkpoints_.Write(self, CheckpointKind::kLogStart, Logs()) == DiskError::kNone;
}

bool LogManager::CheckpointHighWatermarks(fiber::Fiber& self) {
  return checkpoints_.Write(self, CheckpointKind::kHighWatermark, Logs()) == DiskError::kNone;
}

void LogManager::ApplyRetention(fiber::Fiber& self) {
  for (const std::shared_ptr<Log>& log : Logs()) log->ApplyRetention(self);
}

void LogManager::ExpireProducers() {
  for (const std::shared_ptr<Log>& log : Logs()) log->ExpireProducers();
}

DiskError LogManager::RemoveFolder(fiber::Fiber& self, const std::string& path) {
  const env::ListResult list = env_.disk.List(self, path);
  if (list.error == DiskError::kNotFound) return DiskError::kNone;
  if (list.error != DiskError::kNone) return list.error;
  for (const env::DirectoryEntry& entry : list.entries) {
    if (entry.kind != env::FileKind::kFile) continue;
    const DiskError error = RemoveIfThere(self, env_.disk, Join(path, entry.name));
    if (error != DiskError::kNone) return error;
  }
  const DiskError error = env_.disk.RemoveDirectory(self, path);
  return error == DiskError::kNotFound ? DiskError::kNone : error;
}

void LogManager::RemoveDeletedFiles(fiber::Fiber& self) {
  for (const std::shared_ptr<Log>& log : Logs()) log->RemoveDeletedFiles(self);
  std::vector<std::string> due;
  const MonoTime now = env_.clock.Now();
  for (const DeletedFolder& folder : deleted_) {
    if (folder.remove_at <= now) due.push_back(folder.path);
  }
  std::erase_if(deleted_, [now](const DeletedFolder& folder) { return folder.remove_at <= now; });
  for (const std::string& path : due) {
    const DiskError error = RemoveFolder(self, path);
    if (error == DiskError::kNone) continue;
    env_.log.Write(env::LogLevel::kWarning, "storage", "a deleted folder cannot be removed",
                   {{"folder", path}, {"error", std::string(env::ToString(error))}});
  }
}

absl::Status LogManager::CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch) {
  std::string problem;
  if (!loaded_) problem = "not all logs were loaded";
  for (const FailedLog& failed : failed_) problem = failed.problem;
  for (const std::shared_ptr<Log>& log : Logs()) {
    if (log->Close(self) != LogError::kNone) problem = log->offline_reason();
  }
  for (const CheckpointKind kind :
       {CheckpointKind::kRecoveryPoint, CheckpointKind::kLogStart, CheckpointKind::kHighWatermark}) {
    const DiskError error = checkpoints_.Write(self, kind, Logs());
    if (error != DiskError::kNone) problem = fmt::format("checkpoint: {}", env::ToString(error));
  }
  if (!problem.empty() && !MUTATION(env_.context, LG05)) {
    return Problem("", fmt::format("the shutdown is not clean: {}", problem));
  }
  const std::string text = FormatCleanShutdown(broker_epoch);
  const DiskError error =
      ReplaceSmallFile(self, env_.disk, env_.context, Join(options_.directory, kCleanShutdownName), AsBytes(text));
  return error == DiskError::kNone ? absl::OkStatus() : Problem(kCleanShutdownName, env::ToString(error));
}

}  // namespace odradek::storage
