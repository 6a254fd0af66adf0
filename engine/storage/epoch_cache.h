// Which leader epoch begins at which offset of a log, in memory and in the log's leader-epoch-checkpoint (KIP-101).
// Owned by a Log, which lets one fiber at a time call what suspends. A change is durable on return.
//
//  1. Epochs rise strictly, start offsets do not fall.
//  2. The first entry starts at or above the log start; one that began below it was moved up to it.
#pragma once

#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/storage/log_types.h"

namespace odradek::storage {

// The same rules without a file: for folding batches.
class EpochList {
 public:
  const std::vector<EpochEntry>& entries() const { return entries_; }
  void Replace(std::vector<EpochEntry> entries) { entries_ = std::move(entries); }
  // The functions below say whether something changed.
  // `epoch` begins at `start`. Entries that contradict it go: with a later epoch or a later start, or an equal start.
  bool Assign(LeaderEpoch epoch, Offset start);
  // Drops what begins at or above `offset`.
  bool TruncateFromEnd(Offset offset);
  // What is in force at `offset` begins there; what ended below goes.
  bool TruncateFromStart(Offset offset);

  LeaderEpoch latest() const { return entries_.empty() ? kNoLeaderEpoch : entries_.back().epoch; }
  LeaderEpoch EpochAt(Offset offset) const;
  // The largest epoch at most `epoch` and its end; SEMANTICS 25.
  EpochEnd EndOffsetFor(LeaderEpoch epoch, Offset log_end_offset) const;

 private:
  std::vector<EpochEntry> entries_;
};

class EpochCache {
 public:
  EpochCache(env::Disk& disk, base::Context& context, std::string path)
      : disk_(disk), context_(context), path_(std::move(path)) {}

  struct LoadResult {
    env::DiskError error = env::DiskError::kNone;
    // Not empty: the file is there and is not a checkpoint; the list is empty.
    std::string problem;
  };
  LoadResult Load(fiber::Fiber& self);

  const EpochList& list() const { return list_; }

  env::DiskError Assign(fiber::Fiber& self, LeaderEpoch epoch, Offset start);
  env::DiskError TruncateFromEnd(fiber::Fiber& self, Offset offset);
  env::DiskError TruncateFromStart(fiber::Fiber& self, Offset offset);
  env::DiskError Clear(fiber::Fiber& self);

  // Changes in memory, for loading; Store() makes them durable.
  EpochList& list_to_load() { return list_; }
  env::DiskError Store(fiber::Fiber& self);

 private:
  env::Disk& disk_;
  base::Context& context_;
  const std::string path_;
  EpochList list_;
};

}  // namespace odradek::storage
