// One segment of a log: the file of batches and its three indexes. Owned by the log's SegmentList as a shared_ptr, so
// that a reader can finish with a segment that was dropped meanwhile. Functions that take a Fiber may suspend; one
// fiber changes a segment at a time (the log's lock), any number read.
//
//  1. Bytes [0, size_bytes()) of the file are whole batches with rising offsets in [base_offset(), next_offset()).
//  2. Every offset is at most limits.offsets_max above the base.
//  3. Look-ups go by the offset index only to find where to start; what is there decides. An index that leads astray is
//     not used again. What Seek and SeekEnd find agrees with the batches before and behind it.
//  4. largest_timestamp() is known once timestamps_known().
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/ring.h"
#include "engine/base/time.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/record/batch.h"
#include "engine/storage/file_names.h"
#include "engine/storage/open_files.h"
#include "engine/storage/sparse_index.h"
#include "engine/storage/txn_index.h"

namespace odradek::storage {

struct SegmentLimits {
  int64_t index_interval_bytes = 0;
  int64_t index_bytes_max = 0;
  int64_t index_piece_bytes = 0;
  int64_t offsets_max = 0;
};

// What the batch says of time: nothing, if compaction left it without records.
inline Timestamp LargestTimestampOf(const record::BatchHeader& header) {
  return header.record_count == 0 ? kNoTimestamp : header.max_timestamp;
}

// Where a batch stands.
struct BatchPlace {
  Offset base_offset;
  Offset last_offset;
  int64_t position = 0;
  int64_t size_bytes = 0;
  Timestamp max_timestamp;
  int64_t end_position() const { return position + size_bytes; }
};

enum class SeekError : uint8_t {
  kNone,
  kDisk,
  kDamaged,  // the bytes are not batches
};

struct SeekResult {
  SeekError error = SeekError::kNone;
  std::optional<BatchPlace> place;  // nullopt without an error: there is no such batch
  bool from_memory = false;         // what the file has there was not looked at
};

// What the batches of a walk must agree with. Their base offsets are outside of the checksum: they must rise, and an
// index entry names the last offset of a batch at or behind its position.
class OffsetChain {
 public:
  OffsetChain(Offset base_offset, const IndexEntry& start)
      : next_(base_offset), named_(start.key < 0 ? kNoOffset : base_offset + start.key) {}
  // The next batch of the walk. False: it contradicts what came before.
  bool Takes(const record::BatchHeader& header) {
    const bool skips_named = named_ != kNoOffset && header.last_offset() > named_;
    const bool fits = header.base_offset >= next_ && !skips_named;
    if (header.last_offset() == named_) named_ = kNoOffset;
    next_ = header.next_offset();
    return fits;
  }
  // At the end of a walk: false, if the named batch did not come, whatever stands in its place.
  bool IsComplete() const { return named_ == kNoOffset; }

 private:
  Offset next_;
  Offset named_;
};

class Segment {
 public:
  Segment(OpenFiles& files, const std::string& folder, Offset base_offset, const SegmentLimits& limits);

  // Exactly one of these comes first. A segment without files:
  void StartEmpty(WallTime now);
  // A segment whose file holds whole batches up to these marks.
  void StartLoaded(int64_t size_bytes, Offset next_offset, WallTime now);

  Offset base_offset() const { return base_offset_; }
  Offset next_offset() const { return next_offset_; }
  int64_t size_bytes() const { return size_bytes_; }
  bool empty() const { return size_bytes_ == 0; }
  const SegmentLimits& limits() const { return limits_; }

  // A segment that was not the last becomes it again.
  env::DiskError ResumeAppending(fiber::Fiber& self);

  // --- Appending, in two steps: the log end moves in between or after.
  // Writes whole batches at the end. After an error, or a fiber that was killed in here, the file may be longer than
  // size_bytes(): the next Write() or DropTornEnd() cuts it.
  env::DiskError Write(fiber::Fiber& self, Bytes batches, std::span<const record::BatchHeader> headers);
  // Enters the batches of the last Write() into the indexes. Entries count even if an error is returned.
  env::DiskError Index(fiber::Fiber& self, std::span<const record::BatchHeader> headers);
  env::DiskError DropTornEnd(fiber::Fiber& self);
  // Time to begin another segment for batches that end with `last_offset`.
  bool HasIndexRoom() const;
  bool CanHold(Offset last_offset) const { return last_offset - base_offset_ <= limits_.offsets_max; }
  // How long the segment waited by the batches' clock, or by `now` if they have none (Kafka's timeWaitedForRoll).
  Duration WaitedForRoll(WallTime now, Timestamp next_max_timestamp) const;
  // The last time index entry is made and the indexes are whole on file.
  env::DiskError Seal(fiber::Fiber& self);

  // --- Reading.
  // The first batch whose last offset is `offset` or above.
  SeekResult Seek(fiber::Fiber& self, Offset offset);
  // The last batch that ends at or before byte `position_max` and below `upper_bound`, not before `from`.
  SeekResult SeekEnd(fiber::Fiber& self, const BatchPlace& from, int64_t position_max, Offset upper_bound);
  // The first batch at or above `from` that has a timestamp of `at_least` or above.
  SeekResult SeekTimestamp(fiber::Fiber& self, Timestamp at_least, Offset from);
  // Whether the file has the batch where it is thought to be.
  SeekError Confirm(fiber::Fiber& self, const BatchPlace& place);
  // Whether the offset that a batch says it has leads to it: no checksum covers the offset.
  SeekError CheckPlace(fiber::Fiber& self, const BatchPlace& place);
  ManagedFile::Handle OpenLog(fiber::Fiber& self) { return log_->Get(self, env::OpenMode::kReadWrite); }

  // Makes sure that largest_timestamp() is known.
  env::DiskError LoadTimestamps(fiber::Fiber& self);
  bool timestamps_known() const { return timestamps_known_; }
  // The largest there is if damage hides some: then a search must look, and nothing is too old to keep.
  Timestamp largest_timestamp() const {
    return is_time_hidden_ ? Timestamp(std::numeric_limits<int64_t>::max()) : largest_timestamp_;
  }
  // A batch without its bytes may have had a larger one: enough to decide what is old, not to answer who asks.
  bool is_time_damaged() const { return is_time_damaged_; }
  Timestamp first_timestamp() const { return first_timestamp_; }
  SparseIndex& offset_index() { return offset_index_; }
  SparseIndex& time_index() { return time_index_; }
  TxnIndex& txn_index() { return txn_index_; }
  env::DiskError LoadIndexes(fiber::Fiber& self);

  // --- Shortening. Drops all batches at and above the one that holds `offset`. Then the segment ends with its last
  // batch, wherever the next one began.
  env::DiskError TruncateTo(fiber::Fiber& self, Offset offset, base::Context& context);

  // --- Durability.
  // What went to the files, of the indexes as well.
  env::DiskError Sync(fiber::Fiber& self);
  bool NeedsSync() const;
  // Writes [begin, size) once more, so that a sync covers pages that an earlier process may have failed to sync. An
  // error if a batch is not what recovery saw: what the disk damaged meanwhile must not become durable.
  env::DiskError Rewrite(fiber::Fiber& self, int64_t begin);
  // What recovery saw from the same position on, by fingerprint.
  void ExpectWhenRewritten(std::vector<uint32_t> batches) { recovered_ = std::move(batches); }
  // What tells a batch from others: no checksum covers its offset and its epoch.
  static uint32_t Fingerprint(const record::BatchHeader& header);

  // --- Names.
  // The files will be made under names with the suffix. REQUIRES: there are none yet.
  void UseSuffix(FileSuffix suffix);
  // Opens the files that there are; who holds them keeps them open, so that a rename cannot get between.
  env::DiskError HoldFiles(fiber::Fiber& self, std::vector<std::shared_ptr<env::File>>& held);
  // Renames all files; those that are not there are passed over.
  env::DiskError Rename(fiber::Fiber& self, FileSuffix suffix);
  env::DiskError RemoveFiles(fiber::Fiber& self);
  env::DiskError CreateLogFile(fiber::Fiber& self);
  void CloseFiles();

  // --- Recovery: batches one at a time, whose bytes are in the file already.
  // Forgets everything at and above byte `position`, whose batch begins at `offset`.
  struct RebuildStart {
    int64_t position = 0;
    Offset offset;
    Offset synced_until;  // batches and what the indexes say of them
  };
  env::DiskError StartRebuild(fiber::Fiber& self, const RebuildStart& start);
  env::DiskError RebuildBatch(fiber::Fiber& self, const record::BatchHeader& header);
  // Offset and time index of all batches, from their headers.
  env::DiskError RebuildIndexes(fiber::Fiber& self);
  // Cuts the file behind the last batch.
  env::DiskError FinishRebuild(fiber::Fiber& self, int64_t file_size_bytes);

 private:
  std::shared_ptr<ManagedFile> MakeFile(OpenFiles& files, SegmentFileKind kind) const;
  void NoteBatch(const record::BatchHeader& header, int64_t position);
  env::DiskError MakeIndexEntry(fiber::Fiber& self, const BatchPlace& place);
  env::DiskError AppendTimeEntry(fiber::Fiber& self);
  SeekResult SeekFrom(fiber::Fiber& self, const IndexEntry& start, Offset offset);
  // Where a walk to `offset` may start.
  struct StartResult {
    env::DiskError error = env::DiskError::kNone;
    IndexEntry entry;
  };
  StartResult StartFor(fiber::Fiber& self, IndexField field, int64_t limit);
  env::DiskError FindLargestTimestamp(fiber::Fiber& self);
  // Sets next_offset_ to the end of the last batch.
  env::DiskError FindEnd(fiber::Fiber& self);

  OpenFiles& files_;
  const std::string folder_;
  const Offset base_offset_;
  const SegmentLimits limits_;
  std::shared_ptr<ManagedFile> log_;
  SparseIndex offset_index_;
  SparseIndex time_index_;
  TxnIndex txn_index_;
  bool offset_index_astray_ = false;

  int64_t size_bytes_ = 0;
  bool torn_end_ = false;  // a write did not come to its end
  Offset next_offset_;
  WallTime created_;
  int64_t bytes_since_index_entry_ = 0;
  int64_t unindexed_position_ = 0;  // where the batches of the last Write() begin
  bool timestamps_known_ = false;
  Timestamp largest_timestamp_ = kNoTimestamp;
  bool is_time_hidden_ = false;   // behind a batch that is not one
  bool is_time_damaged_ = false;  // of a batch that says that it has a larger one
  Offset largest_timestamp_offset_;
  Timestamp first_timestamp_ = kNoTimestamp;
  std::vector<uint32_t> recovered_;
  base::Ring<BatchPlace> recent_;  // the last batches that were written, without a gap
};

}  // namespace odradek::storage
