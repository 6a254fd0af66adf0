// Finding batches in a segment, and rebuilding what is known about a segment from its bytes.
#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/segment.h"

namespace odradek::storage {

using env::DiskError;

namespace segment_seek_internal {

using Found = BatchScanner::Found;

BatchPlace PlaceOf(const BatchScanner& scanner) {
  return {.base_offset = scanner.header().base_offset,
          .last_offset = scanner.header().last_offset(),
          .position = scanner.position(),
          .size_bytes = scanner.header().size_bytes,
          .max_timestamp = LargestTimestampOf(scanner.header())};
}

// Reads the whole batch that the scanner is at.
bool IsIntact(fiber::Fiber& self, BatchScanner& scanner) {
  const Bytes body = scanner.Body(self);
  return !body.empty() && record::CheckCrc(body);
}

SeekResult Failure(Found found) {
  return {.error = found == Found::kDiskError ? SeekError::kDisk : SeekError::kDamaged, .place = std::nullopt};
}

SeekResult DamageOrError(const BatchScanner& scanner) {
  return Failure(scanner.disk_error() == DiskError::kNone ? Found::kProblem : Found::kDiskError);
}

}  // namespace segment_seek_internal

Segment::StartResult Segment::StartFor(fiber::Fiber& self, IndexField field, int64_t limit) {
  if (offset_index_astray_) return {.error = DiskError::kNone, .entry = {.key = -1, .value = 0}};
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return {.error = error, .entry = {}};
  const SparseIndex::FloorResult floor = offset_index_.Floor(self, field, limit);
  if (floor.error != DiskError::kNone) return {.error = floor.error, .entry = {}};
  return {.error = DiskError::kNone, .entry = floor.entry.value_or(IndexEntry{.key = -1, .value = 0})};
}

SeekResult Segment::SeekFrom(fiber::Fiber& self, const IndexEntry& start, Offset offset) {
  namespace internal = segment_seek_internal;
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  if (start.value > size_bytes_) return {.error = SeekError::kDamaged, .place = std::nullopt};
  BatchScanner scanner(log.file, {.begin = start.value, .end = size_bytes_}, BatchScanner::kLookWindowBytes);
  OffsetChain chain(base_offset_, start);
  SeekResult result;
  for (;;) {
    const internal::Found found = scanner.Next(self);
    // Of what lies behind the wanted batch only its offset matters here.
    if (found != internal::Found::kBatch && result.place) {
      if (result.place->last_offset >= next_offset_) result = internal::Failure(internal::Found::kProblem);
      return result;
    }
    if (found == internal::Found::kEnd && chain.IsComplete()) return {};
    if (found != internal::Found::kBatch) return internal::Failure(found);
    if (!chain.Takes(scanner.header())) return {.error = SeekError::kDamaged, .place = std::nullopt};
    if (result.place) return result;
    if (scanner.header().last_offset() >= offset) result.place = internal::PlaceOf(scanner);
  }
}

SeekResult Segment::Seek(fiber::Fiber& self, Offset offset) {
  if (offset >= next_offset_ || empty()) return {};
  if (!recent_.empty() && recent_.front().base_offset <= offset) {
    const size_t index = recent_.PartitionPoint([&](const BatchPlace& place) { return place.last_offset < offset; });
    if (index < recent_.size()) return {.error = SeekError::kNone, .place = recent_[index], .from_memory = true};
  }
  const StartResult start = StartFor(self, IndexField::kKey, offset - base_offset_);
  if (start.error != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  SeekResult found = SeekFrom(self, start.entry, offset);
  if (found.error != SeekError::kDamaged || start.entry.value == 0) return found;
  offset_index_astray_ = true;
  return SeekFrom(self, {.key = -1, .value = 0}, offset);
}

SeekError Segment::Confirm(fiber::Fiber& self, const BatchPlace& place) {
  namespace internal = segment_seek_internal;
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return SeekError::kDisk;
  BatchScanner scanner(log.file, {.begin = place.position, .end = place.end_position()}, record::kBatchOverheadBytes);
  const internal::Found found = scanner.Next(self);
  if (found == internal::Found::kDiskError) return SeekError::kDisk;
  const bool is_there = found == internal::Found::kBatch && scanner.header().base_offset == place.base_offset &&
                        scanner.header().last_offset() == place.last_offset &&
                        scanner.header().size_bytes == place.size_bytes;
  return is_there ? SeekError::kNone : SeekError::kDamaged;
}

SeekResult Segment::SeekEnd(fiber::Fiber& self, const BatchPlace& from, int64_t position_max, Offset upper_bound) {
  namespace internal = segment_seek_internal;
  BatchPlace last = from;
  const auto fits = [&](const BatchPlace& place) {
    return place.end_position() <= position_max && place.last_offset < upper_bound;
  };
  if (!recent_.empty() && recent_.front().position <= from.position) {
    for (size_t i = 0; i < recent_.size(); ++i) {
      const BatchPlace& place = recent_[i];
      if (place.position <= from.position) continue;
      if (!fits(place)) break;
      last = place;
    }
    return {.error = SeekError::kNone, .place = last, .from_memory = true};
  }
  const StartResult by_position = StartFor(self, IndexField::kValue, position_max);
  const StartResult by_offset = StartFor(self, IndexField::kKey, upper_bound - base_offset_ - 1);
  if (by_position.error != DiskError::kNone || by_offset.error != DiskError::kNone) {
    return {.error = SeekError::kDisk, .place = std::nullopt};
  }
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  IndexEntry start = by_position.entry.value <= by_offset.entry.value ? by_position.entry : by_offset.entry;
  const bool by_index = start.value > from.end_position();
  if (!by_index) start = {.key = from.last_offset - base_offset_, .value = from.end_position()};
  if (start.value >= size_bytes_) return {.error = SeekError::kNone, .place = last};
  BatchScanner scanner(log.file, {.begin = start.value, .end = size_bytes_}, BatchScanner::kLookWindowBytes);
  OffsetChain chain(by_index ? base_offset_ : from.last_offset + 1,
                    by_index ? start : IndexEntry{.key = -1, .value = 0});
  for (;;) {
    const internal::Found found = scanner.Next(self);
    if (found == internal::Found::kEnd && chain.IsComplete()) {
      if (last.last_offset >= next_offset_) return internal::Failure(internal::Found::kProblem);
      break;
    }
    const bool is_damaged = found == internal::Found::kProblem || found == internal::Found::kEnd ||
                            (found == internal::Found::kBatch && !chain.Takes(scanner.header()));
    if (is_damaged && by_index && !offset_index_astray_) {
      offset_index_astray_ = true;
      return SeekEnd(self, from, position_max, upper_bound);
    }
    if (is_damaged) return internal::Failure(internal::Found::kProblem);
    if (found != internal::Found::kBatch) return internal::Failure(found);
    const BatchPlace place = internal::PlaceOf(scanner);
    if (!fits(place)) break;
    last = place;
  }
  return {.error = SeekError::kNone, .place = last};
}

SeekResult Segment::SeekTimestamp(fiber::Fiber& self, Timestamp at_least, Offset from) {
  namespace internal = segment_seek_internal;
  if (empty()) return {};
  if (LoadIndexes(self) != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  Offset start = std::max(from, base_offset_);
  const SparseIndex::FloorResult floor = time_index_.Floor(self, IndexField::kKey, at_least.value() - 1);
  if (floor.error != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  if (floor.entry) {
    // Everything up to the entry's batch is too early, if the entry is what it should be.
    const Offset entry_offset = base_offset_ + floor.entry->value;
    const SeekResult batch = Seek(self, entry_offset);
    if (batch.error != SeekError::kNone) return batch;
    if (batch.place && batch.place->max_timestamp.value() == floor.entry->key) start = std::max(start, entry_offset);
  }
  const SeekResult first = Seek(self, start);
  if (first.error != SeekError::kNone || !first.place) return first;
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return {.error = SeekError::kDisk, .place = std::nullopt};
  BatchScanner scanner(log.file, {.begin = first.place->position, .end = std::max(size_bytes_, first.place->position)},
                       BatchScanner::kWalkWindowBytes);
  for (;;) {
    const internal::Found found = scanner.Next(self);
    if (found == internal::Found::kEnd) return {};
    if (found != internal::Found::kBatch) return internal::Failure(found);
    // The header's timestamp is under the checksum, and nothing else guards it.
    if (!internal::IsIntact(self, scanner)) return internal::DamageOrError(scanner);
    if (LargestTimestampOf(scanner.header()) < at_least) continue;
    const BatchPlace place = internal::PlaceOf(scanner);
    const SeekError wrong = CheckPlace(self, place);
    if (wrong != SeekError::kNone) return {.error = wrong, .place = std::nullopt};
    return {.error = SeekError::kNone, .place = place};
  }
}

SeekError Segment::CheckPlace(fiber::Fiber& self, const BatchPlace& place) {
  const SeekResult found = Seek(self, place.base_offset);
  if (found.error != SeekError::kNone) return found.error;
  const bool is_there = found.place && found.place->position == place.position;
  return is_there ? SeekError::kNone : SeekError::kDamaged;
}

DiskError Segment::FindEnd(fiber::Fiber& self) {
  namespace internal = segment_seek_internal;
  if (empty()) {
    next_offset_ = base_offset_;
    return DiskError::kNone;
  }
  const StartResult start = StartFor(self, IndexField::kValue, size_bytes_ - 1);
  if (start.error != DiskError::kNone) return start.error;
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return log.error;
  BatchScanner scanner(log.file, {.begin = std::min(start.entry.value, size_bytes_), .end = size_bytes_},
                       BatchScanner::kLookWindowBytes);
  Offset next = base_offset_;
  internal::Found found = scanner.Next(self);
  for (; found == internal::Found::kBatch; found = scanner.Next(self)) next = scanner.header().next_offset();
  if (found == internal::Found::kDiskError) return scanner.disk_error();
  if (found == internal::Found::kEnd) {
    next_offset_ = next;
    return DiskError::kNone;
  }
  if (offset_index_astray_) return DiskError::kIo;
  offset_index_astray_ = true;
  return FindEnd(self);
}

DiskError Segment::LoadTimestamps(fiber::Fiber& self) {
  if (timestamps_known_) return DiskError::kNone;
  return FindLargestTimestamp(self);
}

// From the last time index entry, which covers everything up to its batch, and the batches behind it.
DiskError Segment::FindLargestTimestamp(fiber::Fiber& self) {
  namespace internal = segment_seek_internal;
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  Timestamp largest = kNoTimestamp;
  Offset largest_offset = base_offset_;
  int64_t start = 0;
  if (const std::optional<IndexEntry> last = time_index_.last(); last && !empty()) {
    const SeekResult batch = Seek(self, base_offset_ + last->value);
    if (batch.error == SeekError::kDisk) return DiskError::kIo;
    if (batch.place && batch.place->max_timestamp.value() == last->key) {
      largest = Timestamp(last->key);
      largest_offset = batch.place->last_offset;
      start = batch.place->end_position();
    }
  }
  Timestamp first = kNoTimestamp;
  is_time_hidden_ = false;
  is_time_damaged_ = false;
  if (!empty()) {
    const ManagedFile::Handle log = OpenLog(self);
    if (log.error != DiskError::kNone) return log.error;
    BatchScanner head(log.file, {.begin = 0, .end = size_bytes_}, record::kBatchOverheadBytes);
    if (head.Next(self) == internal::Found::kBatch) first = head.header().max_timestamp;
    BatchScanner scanner(log.file, {.begin = start, .end = size_bytes_}, BatchScanner::kWalkWindowBytes);
    internal::Found found = scanner.Next(self);
    for (; found == internal::Found::kBatch; found = scanner.Next(self)) {
      if (LargestTimestampOf(scanner.header()) <= largest) continue;
      // A damaged one says nothing of time: its neighbours do.
      if (!internal::IsIntact(self, scanner)) {
        is_time_damaged_ = true;
        continue;
      }
      largest = scanner.header().max_timestamp;
      largest_offset = scanner.header().last_offset();
    }
    if (found == internal::Found::kDiskError) return scanner.disk_error();
    is_time_hidden_ = found == internal::Found::kProblem;
  }
  largest_timestamp_ = largest;
  largest_timestamp_offset_ = largest_offset;
  first_timestamp_ = first;
  timestamps_known_ = true;
  return DiskError::kNone;
}

DiskError Segment::StartRebuild(fiber::Fiber& self, const RebuildStart& start) {
  const auto& [position, offset, synced_until] = start;
  REQUIRES(position >= 0);
  REQUIRES(offset >= base_offset_);
  // The indexes are read with the widest bounds and then cut to what is kept.
  size_bytes_ = std::max(size_bytes_, position);
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  const int64_t relative = offset - base_offset_;
  if (const DiskError error = offset_index_.KeepBelow(self, IndexField::kKey, relative); error != DiskError::kNone) {
    return error;
  }
  if (const DiskError error = offset_index_.KeepBelow(self, IndexField::kValue, std::max<int64_t>(position, 1));
      error != DiskError::kNone) {
    return error;
  }
  if (const DiskError error = time_index_.KeepBelow(self, IndexField::kValue, relative); error != DiskError::kNone) {
    return error;
  }
  txn_index_.StartRebuild({.begin = offset, .synced_until = synced_until});
  recent_.clear();
  size_bytes_ = position;
  next_offset_ = offset;
  const std::optional<IndexEntry> last = offset_index_.last();
  bytes_since_index_entry_ = position - (last ? last->value : 0);
  timestamps_known_ = false;
  return FindLargestTimestamp(self);
}

DiskError Segment::RebuildBatch(fiber::Fiber& self, const record::BatchHeader& header) {
  REQUIRES(CanHold(header.last_offset()));
  const int64_t position = size_bytes_;
  size_bytes_ += header.size_bytes;
  next_offset_ = header.next_offset();
  NoteBatch(header, position);
  DiskError error = DiskError::kNone;
  if (bytes_since_index_entry_ > limits_.index_interval_bytes && HasIndexRoom()) {
    error = MakeIndexEntry(self, {.base_offset = header.base_offset,
                                  .last_offset = header.last_offset(),
                                  .position = position,
                                  .size_bytes = header.size_bytes,
                                  .max_timestamp = LargestTimestampOf(header)});
  }
  bytes_since_index_entry_ += header.size_bytes;
  return error;
}

DiskError Segment::RebuildIndexes(fiber::Fiber& self) {
  namespace internal = segment_seek_internal;
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  if (const DiskError error = offset_index_.KeepBelow(self, IndexField::kKey, 0); error != DiskError::kNone)
    return error;
  if (const DiskError error = time_index_.KeepBelow(self, IndexField::kValue, 0); error != DiskError::kNone)
    return error;
  const ManagedFile::Handle log = OpenLog(self);
  if (log.error != DiskError::kNone) return log.error;
  bytes_since_index_entry_ = 0;
  BatchScanner scanner(log.file, {.begin = 0, .end = size_bytes_}, BatchScanner::kWalkWindowBytes);
  internal::Found found = scanner.Next(self);
  for (; found == internal::Found::kBatch && CanHold(scanner.header().last_offset()); found = scanner.Next(self)) {
    NoteBatch(scanner.header(), scanner.position());
    if (bytes_since_index_entry_ > limits_.index_interval_bytes && HasIndexRoom()) {
      const DiskError error = MakeIndexEntry(self, internal::PlaceOf(scanner));
      if (error != DiskError::kNone) return error;
    }
    bytes_since_index_entry_ += scanner.header().size_bytes;
  }
  if (found == internal::Found::kDiskError) return scanner.disk_error();
  timestamps_known_ = true;
  return Seal(self);
}

DiskError Segment::FinishRebuild(fiber::Fiber& self, int64_t file_size_bytes) {
  if (const DiskError error = txn_index_.FinishRebuild(self); error != DiskError::kNone) return error;
  if (file_size_bytes == size_bytes_) {
    // A process that died may have cut it without a sync: what it cut off must not come back below a recovery point.
    log_->ForceNextSync();
    return DiskError::kNone;
  }
  // Durable before anything is written there: old batches behind a cut must not come back behind new ones.
  if (const DiskError error = log_->Truncate(self, size_bytes_); error != DiskError::kNone) return error;
  return log_->Sync(self);
}

}  // namespace odradek::storage
