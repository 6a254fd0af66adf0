// The offset index and the time index of a segment: sorted entries of a fixed size. New entries gather in memory and go
// to the file in pieces (of 4 KiB), at the end of a segment and at a clean shutdown; of what is on file only the first
// entry of each piece is kept in memory, a look-up reads one piece. Owned by a Segment; functions that take a Fiber may
// suspend. One fiber changes it at a time; look-ups may run meanwhile and may then give a stale entry.
//
//  1. Keys rise strictly; values do not fall.
//  2. The formats carry no checksum. Load() drops everything from the first entry that breaks invariant 1 or the given
//     bounds: zeros that Kafka preallocated, pieces that a crash lost. Users check what an entry points at.
//
// Layouts: FEATURES 3.2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"
#include "engine/storage/open_files.h"

namespace odradek::storage {

enum class IndexFormat : uint8_t {
  kOffset,  // key: last offset of a batch relative to the segment's base; value: where the batch starts, in bytes
  kTime,    // key: largest timestamp so far in ms; value: offset that has it, relative
};

struct IndexEntry {
  int64_t key = 0;
  int64_t value = 0;
  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

enum class IndexField : uint8_t { kKey, kValue };

class SparseIndex {
 public:
  struct Limits {
    int64_t file_bytes_max = 0;
    int64_t piece_bytes = 0;
  };
  SparseIndex(std::shared_ptr<ManagedFile> file, IndexFormat format, const Limits& limits);

  // Of a file that does not exist yet. REQUIRES: not loaded.
  void StartEmpty();
  bool is_loaded() const { return loaded_; }

  enum class Trust : uint8_t {
    kWhole,    // everything in the file is an entry
    kCut,      // something was dropped
    kMissing,  // there is no file
  };
  struct LoadResult {
    env::DiskError error = env::DiskError::kNone;
    Trust trust = Trust::kWhole;
    int64_t bytes_read = 0;
  };
  // Reads the file; inclusive bounds. Loading twice does nothing.
  LoadResult Load(fiber::Fiber& self, const IndexEntry& bounds);

  // All below REQUIRE is_loaded().
  int64_t count() const { return static_cast<int64_t>(pieces_.size()) * piece_entries_ + tail_count(); }
  bool is_full() const { return count() >= entries_max_; }
  std::optional<IndexEntry> last() const { return last_; }

  // REQUIRES: the key is above the last one's, the value not below. The entry counts even if an error is returned.
  env::DiskError Append(fiber::Fiber& self, const IndexEntry& entry);
  // Everything in memory goes to the file, which is made if there is none.
  env::DiskError WriteOut(fiber::Fiber& self);
  env::DiskError Sync(fiber::Fiber& self) { return file_->Sync(self); }
  const std::shared_ptr<ManagedFile>& file() const { return file_; }

  struct FloorResult {
    env::DiskError error = env::DiskError::kNone;
    std::optional<IndexEntry> entry;
  };
  // The last entry whose field is at most `limit`.
  FloorResult Floor(fiber::Fiber& self, IndexField field, int64_t limit);

  // Drops the entries whose field is `limit` or more, in the file as well.
  env::DiskError KeepBelow(fiber::Fiber& self, IndexField field, int64_t limit);

 private:
  int64_t tail_count() const { return static_cast<int64_t>(tail_.size()); }
  int64_t piece_bytes() const { return piece_entries_ * entry_bytes_; }
  IndexEntry Decode(const std::byte* p) const;
  void Encode(const IndexEntry& entry, ByteBuffer& out) const;
  // The entries of piece `index` from the file, or of what follows the pieces.
  env::DiskError ReadPiece(fiber::Fiber& self, int64_t index, std::vector<IndexEntry>& into);
  env::DiskError WriteTail(fiber::Fiber& self);
  LoadResult LoadLocked(fiber::Fiber& self, const IndexEntry& bounds);
  void Add(const IndexEntry& entry);

  std::shared_ptr<ManagedFile> file_;
  const IndexFormat format_;
  const int64_t entry_bytes_;
  const int64_t piece_entries_;
  const int64_t entries_max_;
  fiber::Mutex loading_;
  bool loaded_ = false;
  std::vector<IndexEntry> pieces_;  // first entries of pieces that are wholly on file
  std::vector<IndexEntry> tail_;    // what follows them
  int64_t tail_written_count_ = 0;  // of tail_, on file already
  std::optional<IndexEntry> last_;
};

}  // namespace odradek::storage
