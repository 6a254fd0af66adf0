#include "engine/storage/segment.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

namespace segment_internal {

// Enough for readers at the tail; a partition that is idle holds no more than this.
constexpr size_t kRecentBatchesMax = 64;

constexpr auto kAllKinds = std::to_array(
    {SegmentFileKind::kLog, SegmentFileKind::kOffsetIndex, SegmentFileKind::kTimeIndex, SegmentFileKind::kTxnIndex});

BatchPlace PlaceOf(const record::BatchHeader& header, int64_t position) {
  return {.base_offset = header.base_offset,
          .last_offset = header.last_offset(),
          .position = position,
          .size_bytes = header.size_bytes,
          .max_timestamp = LargestTimestampOf(header)};
}

SeekError ToSeekError(BatchScanner::Found found) {
  switch (found) {
    case BatchScanner::Found::kDiskError:
      return SeekError::kDisk;
    case BatchScanner::Found::kProblem:
      return SeekError::kDamaged;
    case BatchScanner::Found::kBatch:
    case BatchScanner::Found::kEnd:
      break;
  }
  return SeekError::kNone;
}

}  // namespace segment_internal

Segment::Segment(OpenFiles& files, const std::string& folder, Offset base_offset, const SegmentLimits& limits)
    : files_(files),
      folder_(folder),
      base_offset_(base_offset),
      limits_(limits),
      log_(MakeFile(files, SegmentFileKind::kLog)),
      offset_index_(MakeFile(files, SegmentFileKind::kOffsetIndex), IndexFormat::kOffset,
                    {.file_bytes_max = limits.index_bytes_max, .piece_bytes = limits.index_piece_bytes}),
      time_index_(MakeFile(files, SegmentFileKind::kTimeIndex), IndexFormat::kTime,
                  {.file_bytes_max = limits.index_bytes_max, .piece_bytes = limits.index_piece_bytes}),
      txn_index_(MakeFile(files, SegmentFileKind::kTxnIndex)),
      next_offset_(base_offset),
      largest_timestamp_offset_(base_offset) {
  REQUIRES(base_offset >= Offset(0));
  REQUIRES(limits.offsets_max <= std::numeric_limits<int32_t>::max());
}

std::shared_ptr<ManagedFile> Segment::MakeFile(OpenFiles& files, SegmentFileKind kind) const {
  const SegmentFileName name{.base_offset = base_offset_, .kind = kind, .suffix = FileSuffix::kNone};
  return std::make_shared<ManagedFile>(files, Join(folder_, ToString(name)));
}

void Segment::StartEmpty(WallTime now) {
  created_ = now;
  timestamps_known_ = true;
  offset_index_.StartEmpty();
  time_index_.StartEmpty();
  txn_index_.StartEmpty();
}

void Segment::StartLoaded(int64_t size_bytes, Offset next_offset, WallTime now) {
  REQUIRES(size_bytes >= 0);
  REQUIRES(next_offset >= base_offset_);
  created_ = now;
  size_bytes_ = size_bytes;
  next_offset_ = next_offset;
}

DiskError Segment::LoadIndexes(fiber::Fiber& self) {
  const int64_t offset_max = std::min(next_offset_ - base_offset_ - 1, limits_.offsets_max);
  const SparseIndex::LoadResult offsets = offset_index_.Load(self, {.key = offset_max, .value = size_bytes_ - 1});
  if (offsets.error != DiskError::kNone) return offsets.error;
  const SparseIndex::LoadResult times =
      time_index_.Load(self, {.key = std::numeric_limits<int64_t>::max(), .value = offset_max});
  if (times.error != DiskError::kNone) return times.error;
  return txn_index_.Load(self, base_offset_, next_offset_);
}

void Segment::NoteBatch(const record::BatchHeader& header, int64_t position) {
  if (position == 0) first_timestamp_ = header.max_timestamp;
  if (LargestTimestampOf(header) > largest_timestamp_) {
    largest_timestamp_ = header.max_timestamp;
    largest_timestamp_offset_ = header.last_offset();
  }
}

DiskError Segment::Write(fiber::Fiber& self, Bytes batches, std::span<const record::BatchHeader> headers) {
  REQUIRES(!headers.empty());
  if (const DiskError error = DropTornEnd(self); error != DiskError::kNone) return error;
  const Bytes parts[] = {batches};
  const int64_t position = size_bytes_;
  torn_end_ = true;
  if (const env::IoResult written = log_->WriteAt(self, parts, position); !written.ok()) return written.error;
  torn_end_ = false;
  unindexed_position_ = position;
  size_bytes_ = position + static_cast<int64_t>(batches.size());
  next_offset_ = headers.back().next_offset();
  int64_t at = position;
  for (const record::BatchHeader& header : headers) {
    recent_.push_back(segment_internal::PlaceOf(header, at));
    at += header.size_bytes;
  }
  while (recent_.size() > segment_internal::kRecentBatchesMax) recent_.pop_front();
  INVARIANT(at == size_bytes_);
  return DiskError::kNone;
}

DiskError Segment::DropTornEnd(fiber::Fiber& self) {
  if (!torn_end_) return DiskError::kNone;
  const DiskError error = log_->Truncate(self, size_bytes_);
  if (error == DiskError::kNone) torn_end_ = false;
  return error;
}

DiskError Segment::Index(fiber::Fiber& self, std::span<const record::BatchHeader> headers) {
  int64_t at = unindexed_position_;
  DiskError first_error = DiskError::kNone;
  for (const record::BatchHeader& header : headers) {
    NoteBatch(header, at);
    if (bytes_since_index_entry_ > limits_.index_interval_bytes && HasIndexRoom()) {
      const DiskError error = MakeIndexEntry(self, segment_internal::PlaceOf(header, at));
      if (first_error == DiskError::kNone) first_error = error;
    }
    bytes_since_index_entry_ += header.size_bytes;
    at += header.size_bytes;
  }
  INVARIANT(at == size_bytes_);
  return first_error;
}

DiskError Segment::MakeIndexEntry(fiber::Fiber& self, const BatchPlace& place) {
  bytes_since_index_entry_ = 0;
  const IndexEntry entry{.key = place.last_offset - base_offset_, .value = place.position};
  // One that does not rise is of no use to a binary search; look-ups do without it.
  const std::optional<IndexEntry> last = offset_index_.last();
  if (last && (entry.key <= last->key || entry.value < last->value)) return DiskError::kNone;
  const DiskError offset_error = offset_index_.Append(self, entry);
  const DiskError time_error = AppendTimeEntry(self);
  return offset_error != DiskError::kNone ? offset_error : time_error;
}

DiskError Segment::AppendTimeEntry(fiber::Fiber& self) {
  const std::optional<IndexEntry> last = time_index_.last();
  const IndexEntry entry{.key = largest_timestamp_.value(), .value = largest_timestamp_offset_ - base_offset_};
  if (entry.key < 0 || (last && (entry.key <= last->key || entry.value < last->value))) return DiskError::kNone;
  return time_index_.Append(self, entry);
}

bool Segment::HasIndexRoom() const {
  return !offset_index_.is_full() && !time_index_.is_full();
}

Duration Segment::WaitedForRoll(WallTime now, Timestamp next_max_timestamp) const {
  if (first_timestamp_ < Timestamp(0)) return now - created_;
  return Duration::SaturatingMillis(next_max_timestamp.value() - first_timestamp_.value());
}

DiskError Segment::Seal(fiber::Fiber& self) {
  if (const DiskError error = DropTornEnd(self); error != DiskError::kNone) return error;
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  if (const DiskError error = AppendTimeEntry(self); error != DiskError::kNone) return error;
  if (const DiskError error = offset_index_.WriteOut(self); error != DiskError::kNone) return error;
  return time_index_.WriteOut(self);
}

DiskError Segment::TruncateTo(fiber::Fiber& self, Offset offset, [[maybe_unused]] base::Context& context) {
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  const SeekResult found = Seek(self, offset);
  if (found.error != SeekError::kNone) return DiskError::kIo;
  if (!found.place) return DiskError::kNone;
  const BatchPlace place = *found.place;
  recent_.clear();
  recovered_.clear();
  if (!MUTATION(context, LG18)) {
    const int64_t relative = place.base_offset - base_offset_;
    if (const DiskError error = offset_index_.KeepBelow(self, IndexField::kKey, relative); error != DiskError::kNone) {
      return error;
    }
    if (const DiskError error = time_index_.KeepBelow(self, IndexField::kValue, relative); error != DiskError::kNone) {
      return error;
    }
  }
  if (const DiskError error = txn_index_.KeepBelow(self, place.base_offset); error != DiskError::kNone) return error;
  if (const DiskError error = log_->Truncate(self, place.position); error != DiskError::kNone) return error;
  size_bytes_ = place.position;
  if (const DiskError error = FindEnd(self); error != DiskError::kNone) return error;
  if (MUTATION(context, RT08)) return DiskError::kNone;
  return FindLargestTimestamp(self);
}

DiskError Segment::ResumeAppending(fiber::Fiber& self) {
  if (const DiskError error = LoadIndexes(self); error != DiskError::kNone) return error;
  if (const DiskError error = FindEnd(self); error != DiskError::kNone) return error;
  const std::optional<IndexEntry> last = offset_index_.last();
  bytes_since_index_entry_ = size_bytes_ - (last ? std::min(last->value, size_bytes_) : 0);
  return LoadTimestamps(self);
}

bool Segment::NeedsSync() const {
  return log_->needs_sync() || offset_index_.file()->needs_sync() || time_index_.file()->needs_sync() ||
         txn_index_.file()->needs_sync();
}

DiskError Segment::Sync(fiber::Fiber& self) {
  for (const auto& file : {log_, offset_index_.file(), time_index_.file(), txn_index_.file()}) {
    if (const DiskError error = file->Sync(self); error != DiskError::kNone) return error;
  }
  return DiskError::kNone;
}

uint32_t Segment::Fingerprint(const record::BatchHeader& header) {
  const auto offset = static_cast<uint64_t>(header.base_offset.value());
  const auto epoch = static_cast<uint64_t>(header.leader_epoch.value());
  const uint64_t content = (uint64_t{header.crc} << 32) ^ static_cast<uint64_t>(header.size_bytes);
  return static_cast<uint32_t>(base::Mix64(base::Mix64(base::Mix64(offset) ^ epoch) ^ content));
}

DiskError Segment::Rewrite(fiber::Fiber& self, int64_t begin) {
  const ManagedFile::Handle handle = log_->Get(self, env::OpenMode::kReadWrite);
  if (handle.error != DiskError::kNone) return handle.error;
  BatchScanner scanner(handle.file, {.begin = begin, .end = size_bytes_}, BatchScanner::kWalkWindowBytes);
  // The page may have been dropped since recovery checked the batch: what is read now is checked again, or zeros would
  // become durable in its place.
  ByteBuffer checked;
  int64_t checked_at = begin;
  Offset end = base_offset_;
  const auto write = [&] {
    const Bytes parts[] = {checked};
    return checked.empty() ? DiskError::kNone : log_->WriteAt(self, parts, checked_at).error;
  };
  size_t count = 0;
  BatchScanner::Found found = scanner.Next(self);
  for (; found == BatchScanner::Found::kBatch; found = scanner.Next(self)) {
    const Bytes batch = scanner.Body(self);
    const record::BatchHeader& header = scanner.header();
    const bool is_same = count >= recovered_.size() || recovered_[count] == Fingerprint(header);
    if (batch.empty() || !record::CheckCrc(batch) || header.base_offset < end || !is_same) return DiskError::kIo;
    if (const DiskError error = write(); error != DiskError::kNone) return error;
    checked.assign(batch.begin(), batch.end());
    checked_at = scanner.position();
    end = header.next_offset();
    ++count;
  }
  if (found != BatchScanner::Found::kEnd || end != next_offset()) return DiskError::kIo;
  recovered_ = {};
  return write();
}

DiskError Segment::Rename(fiber::Fiber& self, FileSuffix suffix) {
  for (const SegmentFileKind kind : segment_internal::kAllKinds) {
    const auto& file = kind == SegmentFileKind::kLog           ? log_
                       : kind == SegmentFileKind::kOffsetIndex ? offset_index_.file()
                       : kind == SegmentFileKind::kTimeIndex   ? time_index_.file()
                                                               : txn_index_.file();
    const SegmentFileName name{.base_offset = base_offset_, .kind = kind, .suffix = suffix};
    const std::string path = Join(folder_, ToString(name));
    const DiskError error = files_.disk().Rename(self, file->path(), path);
    if (error != DiskError::kNone && error != DiskError::kNotFound) return error;
    // Also where there was no file: the old name may soon be another segment's.
    file->SetPath(path);
  }
  return DiskError::kNone;
}

void Segment::UseSuffix(FileSuffix suffix) {
  REQUIRES(empty());
  const auto name = [&](SegmentFileKind kind) {
    return Join(folder_, ToString(SegmentFileName{.base_offset = base_offset_, .kind = kind, .suffix = suffix}));
  };
  log_->SetPath(name(SegmentFileKind::kLog));
  offset_index_.file()->SetPath(name(SegmentFileKind::kOffsetIndex));
  time_index_.file()->SetPath(name(SegmentFileKind::kTimeIndex));
  txn_index_.file()->SetPath(name(SegmentFileKind::kTxnIndex));
}

DiskError Segment::HoldFiles(fiber::Fiber& self, std::vector<std::shared_ptr<env::File>>& held) {
  for (const auto& file : {log_, offset_index_.file(), time_index_.file(), txn_index_.file()}) {
    ManagedFile::Handle handle = file->Get(self, env::OpenMode::kReadWrite);
    if (handle.error == DiskError::kNotFound) continue;
    if (handle.error != DiskError::kNone) return handle.error;
    held.push_back(std::move(handle.file));
  }
  return DiskError::kNone;
}

DiskError Segment::RemoveFiles(fiber::Fiber& self) {
  CloseFiles();
  DiskError first_error = DiskError::kNone;
  for (const auto& file : {txn_index_.file(), time_index_.file(), offset_index_.file(), log_}) {
    const DiskError error = RemoveIfThere(self, files_.disk(), file->path());
    if (first_error == DiskError::kNone) first_error = error;
  }
  return first_error;
}

DiskError Segment::CreateLogFile(fiber::Fiber& self) {
  return log_->Get(self, env::OpenMode::kCreate).error;
}

void Segment::CloseFiles() {
  for (const auto& file : {log_, offset_index_.file(), time_index_.file(), txn_index_.file()}) file->Close();
}

}  // namespace odradek::storage
