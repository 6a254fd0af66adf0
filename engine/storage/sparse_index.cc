#include "engine/storage/sparse_index.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {
namespace {

constexpr int64_t kOffsetEntryBytes = 8;
constexpr int64_t kTimeEntryBytes = 12;
// One read while loading.
constexpr int64_t kLoadBytes = 64 * 1024;

int64_t FieldOf(const IndexEntry& entry, IndexField field) {
  return field == IndexField::kKey ? entry.key : entry.value;
}

int64_t EntryBytes(IndexFormat format) {
  return format == IndexFormat::kOffset ? kOffsetEntryBytes : kTimeEntryBytes;
}

// Entries of a sorted run whose field is at most `limit`.
int64_t CountUpTo(const std::vector<IndexEntry>& run, IndexField field, int64_t limit) {
  const auto end = std::upper_bound(run.begin(), run.end(), limit,
                                    [field](int64_t l, const IndexEntry& e) { return l < FieldOf(e, field); });
  return end - run.begin();
}

}  // namespace

using env::DiskError;

SparseIndex::SparseIndex(std::shared_ptr<ManagedFile> file, IndexFormat format, const Limits& limits)
    : file_(std::move(file)),
      format_(format),
      entry_bytes_(EntryBytes(format)),
      piece_entries_(std::max<int64_t>(limits.piece_bytes / entry_bytes_, 1)),
      entries_max_(std::max<int64_t>(limits.file_bytes_max / entry_bytes_, 1)) {}

void SparseIndex::StartEmpty() {
  REQUIRES(!loaded_);
  loaded_ = true;
}

IndexEntry SparseIndex::Decode(const std::byte* p) const {
  if (format_ == IndexFormat::kOffset) return {LoadBigEndian<int32_t>(p), LoadBigEndian<int32_t>(p + 4)};
  return {LoadBigEndian<int64_t>(p), LoadBigEndian<int32_t>(p + 8)};
}

void SparseIndex::Encode(const IndexEntry& entry, ByteBuffer& out) const {
  if (format_ == IndexFormat::kOffset) {
    AppendBigEndian(out, static_cast<int32_t>(entry.key));
  } else {
    AppendBigEndian(out, entry.key);
  }
  AppendBigEndian(out, static_cast<int32_t>(entry.value));
}

void SparseIndex::Add(const IndexEntry& entry) {
  tail_.push_back(entry);
  last_ = entry;
}

SparseIndex::LoadResult SparseIndex::Load(fiber::Fiber& self, const IndexEntry& bounds) {
  fiber::MutexLock lock(self, loading_);
  if (loaded_) return {};
  return LoadLocked(self, bounds);
}

SparseIndex::LoadResult SparseIndex::LoadLocked(fiber::Fiber& self, const IndexEntry& bounds) {
  LoadResult result;
  const ManagedFile::Handle handle = file_->Get(self, env::OpenMode::kReadWrite);
  if (handle.error == DiskError::kNotFound) {
    result.trust = Trust::kMissing;
    loaded_ = true;
    return result;
  }
  result.error = handle.error;
  const auto chunk_bytes = static_cast<size_t>(kLoadBytes / entry_bytes_ * entry_bytes_);
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(chunk_bytes);
  const MutableBytes chunk(memory.get(), chunk_bytes);
  int64_t position = 0;
  for (bool more = result.error == DiskError::kNone; more;) {
    const env::IoResult read = handle.file->ReadAt(self, chunk, position);
    if (!read.ok()) {
      result.error = read.error;
      break;
    }
    result.bytes_read += read.size_bytes;
    int64_t at = 0;
    for (; at + entry_bytes_ <= read.size_bytes; at += entry_bytes_) {
      const IndexEntry entry = Decode(chunk.data() + at);
      const bool in_order = !last_ || (entry.key > last_->key && entry.value >= last_->value);
      const bool in_bounds =
          entry.key >= 0 && entry.value >= 0 && entry.key <= bounds.key && entry.value <= bounds.value;
      // Neither a batch at the start of the file nor the offset that it has needs an entry: zeros are unwritten space.
      const bool blank = entry.key == 0 && entry.value == 0;
      if (!in_order || !in_bounds || blank) break;
      Add(entry);
      if (tail_count() == piece_entries_) {
        pieces_.push_back(tail_.front());
        tail_.clear();
      }
    }
    position += at;
    if (at != read.size_bytes) result.trust = Trust::kCut;
    more = read.size_bytes == static_cast<int64_t>(chunk.size()) && at == read.size_bytes;
  }
  if (result.error != DiskError::kNone) {
    pieces_.clear();
    tail_.clear();
    last_.reset();
    return result;
  }
  tail_written_count_ = tail_count();
  loaded_ = true;
  // What follows an entry that is none would come back to life behind new entries.
  if (result.trust == Trust::kCut) result.error = file_->Truncate(self, count() * entry_bytes_);
  return result;
}

DiskError SparseIndex::Append(fiber::Fiber& self, const IndexEntry& entry) {
  REQUIRES(loaded_);
  REQUIRES(!last_ || (entry.key > last_->key && entry.value >= last_->value));
  REQUIRES(entry.value >= 0 && entry.value <= std::numeric_limits<int32_t>::max());
  Add(entry);
  if (tail_count() < piece_entries_) return DiskError::kNone;
  if (const DiskError error = WriteTail(self); error != DiskError::kNone) return error;
  pieces_.push_back(tail_.front());
  tail_.erase(tail_.begin(), tail_.begin() + piece_entries_);
  tail_written_count_ = 0;
  return DiskError::kNone;
}

// Writes tail entries of one piece at most: more only gather when the file could not be written.
DiskError SparseIndex::WriteTail(fiber::Fiber& self) {
  INVARIANT(tail_written_count_ <= tail_count());
  if (tail_written_count_ == tail_count()) return DiskError::kNone;
  ByteBuffer bytes;
  const int64_t end = tail_count();
  for (int64_t i = tail_written_count_; i < end; ++i) Encode(tail_[static_cast<size_t>(i)], bytes);
  const Bytes parts[] = {bytes};
  const int64_t at = static_cast<int64_t>(pieces_.size()) * piece_bytes() + tail_written_count_ * entry_bytes_;
  if (const env::IoResult written = file_->WriteAt(self, parts, at); !written.ok()) return written.error;
  tail_written_count_ = end;
  return DiskError::kNone;
}

DiskError SparseIndex::WriteOut(fiber::Fiber& self) {
  REQUIRES(loaded_);
  if (count() == 0) return file_->Get(self, env::OpenMode::kCreate).error;
  return WriteTail(self);
}

DiskError SparseIndex::ReadPiece(fiber::Fiber& self, int64_t index, std::vector<IndexEntry>& into) {
  const ManagedFile::Handle handle = file_->Get(self, env::OpenMode::kReadWrite);
  if (handle.error != DiskError::kNone) return handle.error;
  ByteBuffer bytes(static_cast<size_t>(piece_bytes()));
  const env::IoResult read = handle.file->ReadAt(self, bytes, index * piece_bytes());
  if (!read.ok()) return read.error;
  for (int64_t at = 0; at + entry_bytes_ <= read.size_bytes; at += entry_bytes_) {
    into.push_back(Decode(bytes.data() + at));
  }
  return DiskError::kNone;
}

SparseIndex::FloorResult SparseIndex::Floor(fiber::Fiber& self, IndexField field, int64_t limit) {
  REQUIRES(loaded_);
  if (!tail_.empty() && FieldOf(tail_.front(), field) <= limit) {
    const int64_t count = CountUpTo(tail_, field, limit);
    return {.error = DiskError::kNone, .entry = tail_[static_cast<size_t>(count - 1)]};
  }
  const int64_t piece_count = CountUpTo(pieces_, field, limit);
  if (piece_count == 0) return {};
  const IndexEntry first = pieces_[static_cast<size_t>(piece_count - 1)];
  std::vector<IndexEntry> piece;
  if (const DiskError error = ReadPiece(self, piece_count - 1, piece); error != DiskError::kNone) {
    return {.error = error, .entry = std::nullopt};
  }
  // A piece that is not what it was at the loading is no help; its first entry was checked then.
  const int64_t count = !piece.empty() && piece.front() == first ? CountUpTo(piece, field, limit) : 0;
  return {.error = DiskError::kNone, .entry = count > 0 ? piece[static_cast<size_t>(count - 1)] : first};
}

DiskError SparseIndex::KeepBelow(fiber::Fiber& self, IndexField field, int64_t limit) {
  REQUIRES(loaded_);
  const auto cut = [&] {
    const int64_t keep = CountUpTo(tail_, field, limit - 1);
    const bool changed = keep < tail_count();
    tail_.resize(static_cast<size_t>(keep));
    return changed;
  };
  bool changed = cut();
  while (tail_.empty() && !pieces_.empty()) {
    std::vector<IndexEntry> piece;
    if (const DiskError error = ReadPiece(self, static_cast<int64_t>(pieces_.size()) - 1, piece);
        error != DiskError::kNone) {
      return error;
    }
    piece.resize(std::min(piece.size(), static_cast<size_t>(piece_entries_)));
    pieces_.pop_back();
    tail_ = std::move(piece);
    tail_written_count_ = tail_count();
    if (!cut()) break;
    changed = true;
  }
  last_.reset();
  if (!tail_.empty()) last_ = tail_.back();
  tail_written_count_ = std::min(tail_written_count_, tail_count());
  if (!changed) return DiskError::kNone;
  return file_->Truncate(self,
                         static_cast<int64_t>(pieces_.size()) * piece_bytes() + tail_written_count_ * entry_bytes_);
}

}  // namespace odradek::storage
