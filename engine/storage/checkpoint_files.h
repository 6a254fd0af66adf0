// The checkpoint files of a data directory: recovery points, log starts, high watermarks, and how far logs were
// cleaned. Owned by the LogManager; functions that take a Fiber may suspend.
//
//  1. A file lists every log that ever was entered and not erased, whether it is loaded, failed or offline; the
//     cleaner's only those that were cleaned.
//  2. A log start in the file does not fall and a recovery point does not rise, but by what the log says itself.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/log.h"

namespace odradek::storage {

enum class CheckpointKind : uint8_t { kRecoveryPoint, kLogStart, kHighWatermark, kCleaner };

class CheckpointFiles final : public LogMarks {
 public:
  CheckpointFiles(env::Env& env, std::string folder) : env_(env), folder_(std::move(folder)) {}

  // Files that are damaged are reported and count as empty: recovery then reads more.
  env::DiskError Load(fiber::Fiber& self);
  LogCheckpoints For(const TopicPartition& name) const;
  // There was a file of them that said nothing.
  bool are_log_starts_damaged() const { return files_[static_cast<size_t>(CheckpointKind::kLogStart)].was_damaged; }

  env::DiskError Persist(fiber::Fiber& self, const TopicPartition& name, const Wish& wish) override;
  // Enters what the logs say now and writes the file if anything changed. REQUIRES: not the cleaner's.
  env::DiskError Write(fiber::Fiber& self, CheckpointKind kind, const std::vector<std::shared_ptr<Log>>& logs);
  // A folder of that name is gone or about to be made.
  env::DiskError Erase(fiber::Fiber& self, const TopicPartition& name);

 private:
  struct File {
    fiber::Mutex writing;
    OffsetCheckpoint wanted;
    OffsetCheckpoint on_disk;
    bool was_damaged = false;  // when it was loaded
    bool is_damaged = false;   // what is on disk is not what we know
  };
  File& FileOf(CheckpointKind kind) { return files_[static_cast<size_t>(kind)]; }
  // REQUIRES: the file's lock is held.
  env::DiskError Store(fiber::Fiber& self, CheckpointKind kind);
  // As Set(), if the file or a wish for it says more than `offset`.
  env::DiskError Lower(fiber::Fiber& self, CheckpointKind kind, const TopicPartition& name, Offset offset);
  env::DiskError Set(fiber::Fiber& self, CheckpointKind kind, const TopicPartition& name, Offset offset);
  env::DiskError LoadOne(fiber::Fiber& self, std::string_view file_name, File& file);

  env::Env& env_;
  const std::string folder_;
  std::array<File, 4> files_;
};

}  // namespace odradek::storage
