// A data directory: its lock, its identity (meta.properties), its checkpoints and the logs in it. Owned by the node's
// shard that owns its partitions. The owner drives the periodic tasks; nothing runs by itself.
//
//  1. One process per directory: the second one is refused.
//  2. The clean-shutdown marker is gone, durably, before anything is loaded, and comes back only as the last act of a
//     shutdown in which every log was loaded, flushed and closed.
//  3. A checkpoint file always lists every log of the directory, whatever state the log is in.
//  4. What does not belong here is reported and left alone; a folder that cannot be loaded is an offline log, not the
//     end of the node.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/storage/checkpoint_files.h"
#include "engine/storage/file_names.h"
#include "engine/storage/log.h"
#include "engine/storage/meta_properties.h"

namespace odradek::storage {

struct LogManagerOptions {
  std::string directory;  // made if it does not exist
  // Empty: whatever the directory says (an error if it is new).
  std::string cluster_id;
  NodeId node_id = kNoNode;
  int32_t open_files_max = 1000;
  LogConfig default_config = {};
  // Of topics whose settings are known before their logs are loaded: the metadata log's.
  std::map<std::string, LogConfig> topic_configs = {};
};

class LogManager {
 public:
  // Takes the lock, checks or writes meta.properties, removes the clean-shutdown marker. Loads no log yet. UNAVAILABLE:
  // the disk fails; any other error is about what the directory holds or who uses it.
  static absl::StatusOr<std::unique_ptr<LogManager>> Open(fiber::Fiber& self, env::Env& env,
                                                          const LogManagerOptions& options);
  ~LogManager();
  LogManager(const LogManager&) = delete;
  LogManager& operator=(const LogManager&) = delete;

  // Loads every partition folder, several at a time. Folders that fail are in failed_logs().
  absl::Status LoadAll(fiber::Fiber& self);
  struct FailedLog {
    TopicPartition name;
    std::string problem;
  };
  const std::vector<FailedLog>& failed_logs() const { return failed_; }

  // nullptr: not here.
  std::shared_ptr<Log> Find(const TopicPartition& name) const;
  std::vector<std::shared_ptr<Log>> Logs() const;  // by name
  // Of partition.metadata; nullopt: unknown.
  std::optional<TopicId> TopicIdOf(const TopicPartition& name) const;

  // A new log has no folder until its first append (Log::StartUnborn); what an earlier one of the name left in the
  // checkpoints is gone, durably, on return. An existing log of the same topic id is returned as it is;
  // one of another id is an error.
  absl::StatusOr<std::shared_ptr<Log>> Create(fiber::Fiber& self, const TopicPartition& name, const TopicId& topic_id,
                                              const LogConfig& config);
  // Renames the folder to "….-delete", durably; its files go later (RemoveDeletedFolders).
  absl::Status Delete(fiber::Fiber& self, const TopicPartition& name);
  // Renames a folder that the metadata does not know to "….-stray".
  absl::Status MarkStray(fiber::Fiber& self, const TopicPartition& name);

  // --- Periodic tasks; each may be called at any time.
  void FlushDue(fiber::Fiber& self);                  // log.flush.scheduler.interval.ms
  bool CheckpointRecoveryPoints(fiber::Fiber& self);  // log.flush.offset.checkpoint.interval.ms
  bool CheckpointLogStarts(fiber::Fiber& self);       // log.flush.start.offset.checkpoint.interval.ms
  bool CheckpointHighWatermarks(fiber::Fiber& self);  // replica.high.watermark.checkpoint.interval.ms
  void ApplyRetention(fiber::Fiber& self);            // log.retention.check.interval.ms
  void RemoveDeletedFiles(fiber::Fiber& self);        // files and folders whose delay has passed
  void ExpireProducers();

  // Flush, close and checkpoint everything, marker last. The marker is written only if every log was loaded and closed
  // without an error. `broker_epoch` goes into it.
  absl::Status CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch);

  const MetaProperties& meta() const { return meta_; }
  env::ShutdownKind previous_shutdown() const { return previous_shutdown_; }
  // Of the marker that was found; −1 if there was none.
  BrokerEpoch previous_broker_epoch() const { return previous_broker_epoch_; }
  const std::string& directory() const { return options_.directory; }
  size_t open_file_count() const { return files_.open_count(); }

 private:
  struct Hosted {
    std::shared_ptr<Log> log;
    std::optional<TopicId> topic_id;
  };
  struct DeletedFolder {
    std::string path;
    MonoTime remove_at;
  };

  LogManager(env::Env& env, const LogManagerOptions& options);

  absl::Status Problem(std::string_view file, std::string_view what) const;
  absl::Status DiskProblem(std::string_view file, std::string_view what, env::DiskError error) const;
  absl::Status PrepareFolder(fiber::Fiber& self);
  absl::Status LoadMeta(fiber::Fiber& self);
  absl::Status CheckIsNew(fiber::Fiber& self) const;
  absl::Status CheckMeta(const MetaProperties& found, const std::string& path) const;
  absl::Status TakeMarker(fiber::Fiber& self);
  absl::Status RemoveMarker(fiber::Fiber& self);
  absl::Status SortFolder(fiber::Fiber& self, std::vector<TopicPartition>& partitions,
                          std::vector<TopicPartition>& renamed);
  void LoadOne(fiber::Fiber& self, const TopicPartition& name);
  absl::StatusOr<std::optional<TopicId>> ReadTopicId(fiber::Fiber& self, const std::string& folder);
  // `renamed` stays empty where there was no folder yet.
  absl::Status RenameFolder(fiber::Fiber& self, const TopicPartition& name, FolderKind kind, std::string& renamed);
  absl::Status EraseCheckpoints(fiber::Fiber& self, const TopicPartition& name);
  void WarnOfLostFolder(const TopicPartition& name);
  env::DiskError RemoveFolder(fiber::Fiber& self, const std::string& path);
  std::string FolderOf(const TopicPartition& name) const { return Join(options_.directory, ToString(name)); }

  env::Env& env_;
  const LogManagerOptions options_;
  OpenFiles files_;
  CheckpointFiles checkpoints_;
  std::unique_ptr<env::FileLock> lock_;
  MetaProperties meta_;
  env::ShutdownKind previous_shutdown_ = env::ShutdownKind::kUnclean;
  BrokerEpoch previous_broker_epoch_{-1};
  std::map<TopicPartition, Hosted> logs_;
  std::vector<FailedLog> failed_;
  std::vector<DeletedFolder> deleted_;
  bool loaded_ = false;
};

}  // namespace odradek::storage
