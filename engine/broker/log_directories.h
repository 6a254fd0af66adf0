// The log directories of one shard (JBOD): which one holds a partition, where a new one goes, which ones are offline.
// Everything suspends and happens on the shard.
//
//  1. A directory whose disk fails at start-up is offline until the next start: its partitions are, and no other's. The
//     one that holds the metadata log must open, and a directory of another cluster, node or process ends the start.
//  2. A partition is in one directory: two with the same name and topic id end the start. While a directory is offline,
//  a partition that could be in it is never made
//     anew in another one: what the metadata says, or that the partition is newer than this start, decides.
//  3. A new partition goes to the directory with the fewest partitions, one without failures first.
//
// Source: KIP-112, KIP-858.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/uuid.h"
#include "engine/broker/options.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/storage/log_manager.h"

namespace odradek::broker {

enum class DirectoryUse : uint8_t {
  kPartitions,
  kMetadataAndPartitions,
  kMetadata,  // a metadata.log.dir that log.dirs does not name
};

struct LogDirectory {
  std::string path;
  DirectoryUse use = DirectoryUse::kPartitions;
};

// Every directory of the node, the metadata log's first.
std::vector<LogDirectory> DirectoriesOf(const NodeOptions& options);
// The shard's share of them. REQUIRES: it has one.
std::vector<LogDirectory> DirectoriesOfShard(const NodeOptions& options, ShardId shard, int32_t shard_count);

inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";

class LogDirectories {
 public:
  // The options outlive this.
  LogDirectories(env::Env& env, const NodeOptions& options);

  // Opens the directories and loads their logs.
  absl::Status Load(fiber::Fiber& self);
  // Closes all; the first error.
  absl::Status CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch);

  // The directory with a log of this name, be it one that could not be loaded. nullptr: none that is online.
  storage::LogManager* Holder(const TopicPartition& name) const;
  storage::LogManager* ById(const Uuid& directory_id) const;
  storage::LogManager* ForNewPartition() const;
  // REQUIRES: this is the shard of the metadata log, and it is loaded.
  storage::LogManager& metadata() const { return *open_.front().logs; }

  struct Open {
    LogDirectory directory;
    std::unique_ptr<storage::LogManager> logs;
    bool takes_partitions() const { return directory.use != DirectoryUse::kMetadata; }
  };
  const std::vector<Open>& open() const { return open_; }
  struct Offline {
    std::string path;
    std::string why;
  };
  const std::vector<Offline>& offline() const { return offline_; }
  bool empty() const { return open_.empty(); }

  // Of a log that is not the metadata's; empty: there is none.
  std::string SomePartitionFolder() const;
  // The open directory that the path lies in; nullptr: none.
  const Open* HolderOf(std::string_view path) const;
  // The directory counts as failed until the next start: its logs go offline. Nothing happens the second time.
  void TakeOffline(const Open& directory, std::string_view why);
  // A log could not be made in the directory.
  void NoteFailure(const storage::LogManager& logs) { troubled_.insert(logs.directory()); }

 private:
  absl::Status LoadOne(fiber::Fiber& self, const LogDirectory& directory, int32_t open_files_max);
  absl::Status CheckNoPartitionTwice() const;

  env::Env& env_;
  const NodeOptions& options_;
  std::vector<Open> open_;
  std::vector<Offline> offline_;
  std::set<std::string> troubled_;
};

}  // namespace odradek::broker
