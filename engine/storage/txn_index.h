// The transaction index of a segment: which aborted transactions ended in it, so that read_committed readers can skip
// their records. Few entries: read whole on first use and kept. Written at once, synced with the segment. Owned by a
// Segment; functions that take a Fiber may suspend; one fiber changes it at a time.
//
//  1. Entries have rising last offsets.
//  2. No checksum: Load() drops everything from the first entry that breaks invariant 1, its own order of offsets or
//  the
//     segment's bounds.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/base/ids.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/log_types.h"
#include "engine/storage/open_files.h"

namespace odradek::storage {

class TxnIndex {
 public:
  explicit TxnIndex(std::shared_ptr<ManagedFile> file) : file_(std::move(file)) {}

  void StartEmpty() { loaded_ = true; }
  // A transaction ends in [base, end). kNotFound is not an error: most segments have none.
  env::DiskError Load(fiber::Fiber& self, Offset base, Offset end);

  // All below REQUIRE that it is loaded.
  const std::vector<AbortedTxn>& entries() const { return entries_; }
  // The entry counts even if an error is returned. REQUIRES: rising last offset.
  env::DiskError Append(fiber::Fiber& self, const AbortedTxn& txn);
  // Drops transactions that ended at or above `offset`.
  env::DiskError KeepBelow(fiber::Fiber& self, Offset offset);
  // Recovery. Transactions that ended at or above `begin` are appended anew. Entries below `synced_until` that the file
  // has already are not written again: a loss of power could take from them what an earlier sync made durable, and the
  // next recovery may begin behind them.
  struct Rebuild {
    Offset begin;
    Offset synced_until;
  };
  void StartRebuild(const Rebuild& rebuild);
  env::DiskError FinishRebuild(fiber::Fiber& self);
  env::DiskError Sync(fiber::Fiber& self) { return file_->Sync(self); }
  const std::shared_ptr<ManagedFile>& file() const { return file_; }

 private:
  int64_t end_position() const;
  env::DiskError DropBehind(fiber::Fiber& self);
  env::DiskError LoadLocked(fiber::Fiber& self, Offset base, Offset end);

  std::shared_ptr<ManagedFile> file_;
  fiber::Mutex loading_;
  bool loaded_ = false;
  std::vector<AbortedTxn> entries_;
  // While they are rebuilt: what the file has behind them.
  std::deque<AbortedTxn> behind_;
  Offset synced_until_;
  bool has_file_ = false;
};

}  // namespace odradek::storage
