#include "engine/storage/open_files.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {

using env::DiskError;

OpenFiles::OpenFiles(env::Disk& disk, int32_t open_max) : disk_(disk), open_max_(static_cast<size_t>(open_max)) {
  REQUIRES(open_max > 0);
}

void OpenFiles::MakeRoom(fiber::Fiber& self) {
  while (recently_used_.size() >= open_max_) {
    std::shared_ptr<ManagedFile> victim;
    for (auto it = recently_used_.rbegin(); it != recently_used_.rend() && victim == nullptr; ++it) {
      if ((*it)->file_.use_count() == 1) victim = (*it)->shared_from_this();
    }
    if (victim == nullptr) return;
    if (!victim->needs_sync()) {
      victim->Close();
      continue;
    }
    const DiskError error = victim->Sync(self);
    if (error != DiskError::kNone) {
      victim->lost_sync_ = error;
      victim->Close();
    }
  }
}

ManagedFile::Handle ManagedFile::Get(fiber::Fiber& self, env::OpenMode mode) {
  while (file_ == nullptr) {
    files_.MakeRoom(self);
    if (file_ != nullptr) break;
    const std::string path = path_;
    env::OpenResult opened = files_.disk_.Open(self, path, mode);
    if (opened.error == DiskError::kNotFound && path != path_) continue;  // renamed meanwhile
    if (opened.error != DiskError::kNone) return {.file = nullptr, .error = opened.error};
    if (file_ != nullptr) break;  // another fiber was faster
    file_ = std::move(opened.file);
    place_ = files_.recently_used_.insert(files_.recently_used_.begin(), this);
    return {.file = file_, .error = DiskError::kNone};
  }
  files_.recently_used_.splice(files_.recently_used_.begin(), files_.recently_used_, place_);
  return {.file = file_, .error = DiskError::kNone};
}

env::IoResult ManagedFile::WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) {
  const Handle handle = Get(self, env::OpenMode::kCreate);
  if (handle.error != DiskError::kNone) return {.size_bytes = 0, .error = handle.error};
  ++changes_;
  const env::IoResult result = handle.file->WriteAt(self, parts, offset);
  ++changes_;  // a sync that ran meanwhile may have missed it
  return result;
}

DiskError ManagedFile::Truncate(fiber::Fiber& self, int64_t size_bytes) {
  const Handle handle = Get(self, env::OpenMode::kReadWrite);
  if (handle.error == DiskError::kNotFound) return DiskError::kNone;
  if (handle.error != DiskError::kNone) return handle.error;
  ++changes_;
  const DiskError error = handle.file->Truncate(self, size_bytes);
  ++changes_;
  return error;
}

DiskError ManagedFile::Sync(fiber::Fiber& self) {
  if (lost_sync_ != DiskError::kNone) return lost_sync_;
  if (!needs_sync()) return DiskError::kNone;
  const Handle handle = Get(self, env::OpenMode::kReadWrite);
  if (handle.error != DiskError::kNone) return handle.error;
  const uint64_t covered = changes_;
  const DiskError error = handle.file->Sync(self);
  if (error != DiskError::kNone) return error;
  // One that ran at the same time may have failed for the same bytes.
  if (lost_sync_ != DiskError::kNone) return lost_sync_;
  synced_changes_ = std::max(synced_changes_, covered);
  return DiskError::kNone;
}

void ManagedFile::Close() {
  if (file_ == nullptr) return;
  files_.recently_used_.erase(place_);
  file_.reset();
}

}  // namespace odradek::storage
