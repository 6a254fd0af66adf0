#include "engine/storage/txn_index.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

namespace txn_index_internal {

constexpr int16_t kVersion = 0;
constexpr size_t kEntryBytes = 34;

void Encode(const AbortedTxn& txn, ByteBuffer& out) {
  AppendBigEndian(out, kVersion);
  AppendBigEndian(out, txn.producer_id.value());
  AppendBigEndian(out, txn.first_offset.value());
  AppendBigEndian(out, txn.last_offset.value());
  AppendBigEndian(out, txn.last_stable_offset.value());
}

AbortedTxn Decode(const std::byte* p) {
  return {.producer_id = ProducerId(LoadBigEndian<int64_t>(p + 2)),
          .first_offset = Offset(LoadBigEndian<int64_t>(p + 10)),
          .last_offset = Offset(LoadBigEndian<int64_t>(p + 18)),
          .last_stable_offset = Offset(LoadBigEndian<int64_t>(p + 26))};
}

}  // namespace txn_index_internal

DiskError TxnIndex::Load(fiber::Fiber& self, Offset base, Offset end) {
  fiber::MutexLock lock(self, loading_);
  if (loaded_) return DiskError::kNone;
  return LoadLocked(self, base, end);
}

DiskError TxnIndex::LoadLocked(fiber::Fiber& self, Offset base, Offset end) {
  namespace internal = txn_index_internal;
  const ManagedFile::Handle handle = file_->Get(self, env::OpenMode::kReadWrite);
  if (handle.error != DiskError::kNone && handle.error != DiskError::kNotFound) return handle.error;
  std::vector<AbortedTxn> entries;
  if (handle.error == DiskError::kNone) {
    const env::IoResult size = handle.file->Size(self);
    if (!size.ok()) return size.error;
    ByteBuffer bytes(static_cast<size_t>(std::min(size.size_bytes, kSmallFileBytesMax)));
    const env::IoResult read = handle.file->ReadAt(self, bytes, 0);
    if (!read.ok()) return read.error;
    for (size_t at = 0; at + internal::kEntryBytes <= static_cast<size_t>(read.size_bytes);
         at += internal::kEntryBytes) {
      if (LoadBigEndian<int16_t>(bytes.data() + at) < internal::kVersion) break;
      const AbortedTxn txn = internal::Decode(bytes.data() + at);
      const bool in_order = entries.empty() || txn.last_offset > entries.back().last_offset;
      const bool in_bounds = txn.last_offset >= base && txn.last_offset < end && txn.first_offset >= Offset(0) &&
                             txn.first_offset < txn.last_offset && txn.last_stable_offset >= Offset(0);
      if (!in_order || !in_bounds) break;
      entries.push_back(txn);
    }
    has_file_ = true;
    const auto kept_bytes = static_cast<int64_t>(entries.size() * internal::kEntryBytes);
    if (kept_bytes != size.size_bytes) {
      if (const DiskError error = file_->Truncate(self, kept_bytes); error != DiskError::kNone) return error;
    }
  }
  entries_ = std::move(entries);
  loaded_ = true;
  return DiskError::kNone;
}

DiskError TxnIndex::Append(fiber::Fiber& self, const AbortedTxn& txn) {
  REQUIRES(loaded_);
  REQUIRES(entries_.empty() || txn.last_offset > entries_.back().last_offset);
  if (!behind_.empty() && behind_.front() == txn && txn.last_offset < synced_until_) {
    behind_.pop_front();
    entries_.push_back(txn);
    return DiskError::kNone;
  }
  if (const DiskError error = DropBehind(self); error != DiskError::kNone) return error;
  ByteBuffer bytes;
  txn_index_internal::Encode(txn, bytes);
  const int64_t at = end_position();
  entries_.push_back(txn);
  const Bytes parts[] = {bytes};
  has_file_ = true;
  return file_->WriteAt(self, parts, at).error;
}

DiskError TxnIndex::KeepBelow(fiber::Fiber& self, Offset offset) {
  StartRebuild({.begin = offset, .synced_until = offset});
  return DropBehind(self);
}

void TxnIndex::StartRebuild(const Rebuild& rebuild) {
  REQUIRES(loaded_);
  synced_until_ = rebuild.synced_until;
  while (!entries_.empty() && entries_.back().last_offset >= rebuild.begin) {
    behind_.push_front(entries_.back());
    entries_.pop_back();
  }
}

DiskError TxnIndex::FinishRebuild(fiber::Fiber& self) {
  // A process that died may have cut the file without a sync: what it cut off must not come back.
  if (has_file_) file_->ForceNextSync();
  return DropBehind(self);
}

DiskError TxnIndex::DropBehind(fiber::Fiber& self) {
  if (behind_.empty()) return DiskError::kNone;
  behind_.clear();
  return file_->Truncate(self, end_position());
}

int64_t TxnIndex::end_position() const {
  return static_cast<int64_t>(entries_.size() * txn_index_internal::kEntryBytes);
}

}  // namespace odradek::storage
