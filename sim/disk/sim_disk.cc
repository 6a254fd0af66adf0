#include "sim/disk/sim_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {
namespace disk_call {

using env::DiskError;

std::string_view NameOf(DiskOperation operation) {
  switch (operation) {
    case DiskOperation::kOpen:
      return "open";
    case DiskOperation::kRead:
      return "read";
    case DiskOperation::kWrite:
      return "write";
    case DiskOperation::kSync:
      return "sync";
    case DiskOperation::kTruncate:
      return "truncate";
    case DiskOperation::kRename:
      return "rename";
    case DiskOperation::kRemove:
      return "remove";
    case DiskOperation::kSyncDirectory:
      return "sync directory";
    case DiskOperation::kCreateDirectory:
      return "create directory";
    case DiskOperation::kRemoveDirectory:
      return "remove directory";
    case DiskOperation::kLock:
      return "lock";
    case DiskOperation::kLook:
      return "look at";
  }
  return "unknown";
}

int64_t SizeOf(std::span<const Bytes> parts) {
  int64_t size_bytes = 0;
  for (const Bytes part : parts) size_bytes += static_cast<int64_t>(part.size());
  return size_bytes;
}

}  // namespace disk_call

using env::DiskError;
using env::IoResult;

DiskCall::DiskCall(SimNodeDisk& node, fiber::Fiber& self, DiskOperation operation, std::string_view path)
    : node_(node), self_(self), operation_(operation), path_(path), began_at_(self.Now()) {
  while (node_.is_cut_off_ || self.is_killed()) {
    fiber::WaitQueue nobody;
    nobody.Wait(self);
  }
  ++node_.call_count_;
  before_ = std::exchange(node_.last_call_, this);
  (before_ == nullptr ? node_.first_call_ : before_->after_) = this;
  if (node_.observer_ != nullptr) node_.observer_->OnDiskOperation(node_.node_, operation, path);
  node_.kernel_.FoldBytes(AsBytes(path));
  const Duration time = node_.DrawTime(operation);
  left_ = time + node_.SlowDelay(path);
}

DiskCall::~DiskCall() {
  --node_.call_count_;
  (before_ == nullptr ? node_.first_call_ : before_->after_) = after_;
  (after_ == nullptr ? node_.last_call_ : after_->before_) = before_;
}

env::OpenCall DiskCall::Describe() const {
  return {.since = began_at_, .path = std::string(path_), .what = std::string(disk_call::NameOf(operation_))};
}

void DiskCall::Wait(Duration duration) {
  if (duration.nanos() == 0) return;
  left_ = left_ - duration;
  fiber::SleepFor(self_, duration);
  INVARIANT(!node_.is_cut_off_);
}

void DiskCall::WaitBefore() {
  if (node_.Hits(DiskFaultKind::kHang, path_)) node_.healed_.Wait(self_);
  if (suspends()) Wait(node_.shape_draws_.Between(Duration{}, left_));
}

void DiskCall::WaitBetween() {
  if (suspends()) Wait(node_.shape_draws_.Between(Duration{}, left_));
}

void DiskCall::WaitAfter() {
  Wait(left_);
}

int64_t DiskCall::DrawPart(int64_t size_bytes) {
  return node_.shape_draws_.Between(0, size_bytes);
}

DiskError DiskCall::Done(DiskError error) {
  Done(IoResult{.error = error}, 0);
  return error;
}

IoResult DiskCall::Done(const IoResult& result, int64_t offset) {
  const uint64_t what = (static_cast<uint64_t>(node_.node_.value()) << 16) | (static_cast<uint64_t>(operation_) << 8) |
                        static_cast<uint64_t>(result.error);
  const auto where = static_cast<uint64_t>(offset);
  node_.kernel_.Fold(what, base::Mix64(where) ^ static_cast<uint64_t>(result.size_bytes));
  node_.kernel_.Trace(TraceKind::kDisk, [&] {
    std::string text = fmt::format("{} {}", disk_call::NameOf(operation_), path_);
    const bool has_range = operation_ == DiskOperation::kRead || operation_ == DiskOperation::kWrite;
    if (has_range) text += fmt::format(" [{}, {})", offset, offset + result.size_bytes);
    if (!result.ok()) text += fmt::format(": {}", ToString(result.error));
    return text;
  });
  return result;
}

SimFile::SimFile(SimNodeDisk& node, InodeRef inode, std::string path, env::OpenMode mode)
    : node_(node), inode_(std::move(inode)), path_(std::move(path)), mode_(mode) {}

SimFile::~SimFile() {
  node_.model_.Close(inode_);
}

IoResult SimFile::ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) {
  REQUIRES(offset >= 0);
  DiskCall call(node_, self, DiskOperation::kRead, path_);
  call.WaitBefore();
  if (call.Hits(DiskFaultKind::kReadError)) {
    call.WaitAfter();
    return call.Done(IoResult{.error = DiskError::kIo}, offset);
  }
  node_.MaybeEvict(*inode_);
  const auto wanted_bytes = static_cast<int64_t>(into.size());
  const int64_t readable_bytes = std::clamp<int64_t>(node_.model_.SizeOf(*inode_) - offset, 0, wanted_bytes);
  if (readable_bytes > 0 && call.Hits(DiskFaultKind::kBitRot)) {
    node_.Rot(*inode_, path_, offset, offset + readable_bytes);
  }
  const int64_t first_bytes = call.suspends() ? call.DrawPart(wanted_bytes) : wanted_bytes;
  IoResult result = node_.model_.Read(*inode_, into.first(static_cast<size_t>(first_bytes)), offset);
  if (first_bytes < wanted_bytes && result.size_bytes == first_bytes) {
    call.WaitBetween();
    const MutableBytes rest = into.subspan(static_cast<size_t>(first_bytes));
    result.size_bytes += node_.model_.Read(*inode_, rest, offset + first_bytes).size_bytes;
  }
  if (result.size_bytes > 0 && call.Hits(DiskFaultKind::kMisdirectedRead)) {
    node_.Misread(into.first(static_cast<size_t>(result.size_bytes)), path_, offset);
  }
  call.WaitAfter();
  return call.Done(result, offset);
}

IoResult SimFile::WriteRange(std::span<const Bytes> parts, ByteRange range, int64_t offset) {
  IoResult result;
  int64_t part_begin = 0;
  for (const Bytes part : parts) {
    const auto part_bytes = static_cast<int64_t>(part.size());
    const int64_t begin = std::max(range.begin, part_begin);
    const int64_t end = std::min(range.end, part_begin + part_bytes);
    if (begin < end) {
      const Bytes bytes = part.subspan(static_cast<size_t>(begin - part_begin), static_cast<size_t>(end - begin));
      node_.kernel_.FoldBytes(bytes);
      const IoResult written = node_.model_.Write(*inode_, bytes, offset + begin);
      result.size_bytes += written.size_bytes;
      result.error = written.error;
      if (!written.ok()) return result;
    }
    part_begin += part_bytes;
  }
  return result;
}

IoResult SimFile::WriteAt(fiber::Fiber& self, std::span<const Bytes> parts, int64_t offset) {
  REQUIRES(offset >= 0);
  DiskCall call(node_, self, DiskOperation::kWrite, path_);
  // EBADF.
  if (mode_ == env::OpenMode::kReadOnly) return call.Done(IoResult{.error = DiskError::kIo}, offset);
  call.WaitBefore();
  const int64_t wanted_bytes = disk_call::SizeOf(parts);
  DiskError injected = DiskError::kNone;
  if (call.Hits(DiskFaultKind::kWriteError)) injected = DiskError::kIo;
  if (injected == DiskError::kNone && call.Hits(DiskFaultKind::kNoSpace)) injected = DiskError::kNoSpace;
  if (injected != DiskError::kNone) {
    IoResult result = WriteRange(parts, {0, call.DrawPart(std::max<int64_t>(0, wanted_bytes - 1))}, offset);
    if (result.ok()) result.error = injected;
    call.WaitAfter();
    return call.Done(result, offset);
  }
  const int64_t first_bytes = call.suspends() ? call.DrawPart(wanted_bytes) : wanted_bytes;
  IoResult result = WriteRange(parts, {0, first_bytes}, offset);
  if (result.ok() && first_bytes < wanted_bytes) {
    call.WaitBetween();
    const IoResult rest = WriteRange(parts, {first_bytes, wanted_bytes}, offset);
    result.size_bytes += rest.size_bytes;
    result.error = rest.error;
  }
  call.WaitAfter();
  return call.Done(result, offset);
}

DiskError SimFile::Sync(fiber::Fiber& self) {
  DiskCall call(node_, self, DiskOperation::kSync, path_);
  const uint64_t last_change = node_.model_.LastChange(*inode_);
  call.WaitBefore();
  const bool fails = call.Hits(DiskFaultKind::kSyncError);
  if (fails) {
    node_.model_.FailSync(*inode_, last_change);
  } else if (call.Hits(DiskFaultKind::kMisdirectedWrite)) {
    node_.SyncMisdirected(inode_, path_, last_change);
  } else {
    node_.model_.Sync(*inode_, last_change);
  }
  call.WaitAfter();
  return call.Done(fails ? DiskError::kIo : DiskError::kNone);
}

DiskError SimFile::Truncate(fiber::Fiber& self, int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  DiskCall call(node_, self, DiskOperation::kTruncate, path_);
  if (mode_ == env::OpenMode::kReadOnly) return call.Done(DiskError::kIo);
  call.WaitBefore();
  const bool fails = call.Hits(DiskFaultKind::kWriteError);
  const DiskError error = fails ? DiskError::kIo : node_.model_.Truncate(*inode_, size_bytes);
  call.WaitAfter();
  return call.Done(error);
}

IoResult SimFile::Size(fiber::Fiber& self) {
  DiskCall call(node_, self, DiskOperation::kLook, path_);
  call.WaitBefore();
  const IoResult result{.size_bytes = node_.model_.SizeOf(*inode_)};
  call.WaitAfter();
  return call.Done(result, 0);
}

SimFileLock::SimFileLock(SimNodeDisk& node, InodeRef inode) : node_(node), inode_(std::move(inode)) {}

SimFileLock::~SimFileLock() {
  node_.model_.Unlock(*inode_);
  node_.model_.Close(inode_);
}

DiskError SimDisk::NameFault(DiskCall& call) {
  return call.Hits(DiskFaultKind::kWriteError) ? DiskError::kIo : DiskError::kNone;
}

env::OpenResult SimDisk::Open(fiber::Fiber& self, std::string_view path, env::OpenMode mode) {
  DiskCall call(node_, self, DiskOperation::kOpen, path);
  call.WaitBefore();
  DiskError error = DiskError::kNone;
  if (node_.model_.open_count() >= node_.options_.open_files_max) error = DiskError::kTooManyOpenFiles;
  const bool may_create = mode == env::OpenMode::kCreate || mode == env::OpenMode::kCreateNew;
  if (may_create && error == DiskError::kNone && node_.model_.Stat(path).error == DiskError::kNotFound) {
    error = NameFault(call);
    if (error == DiskError::kNone && call.Hits(DiskFaultKind::kNoSpace)) error = DiskError::kNoSpace;
  }
  std::unique_ptr<SimFile> file;
  if (error == DiskError::kNone) {
    DiskModel::OpenOutcome opened = node_.model_.Open(path, mode);
    error = opened.error;
    if (opened.file != nullptr) {
      node_.MaybeEvict(*opened.file);
      file = std::make_unique<SimFile>(node_, std::move(opened.file), std::string(path), mode);
    }
  }
  call.WaitAfter();
  call.Done(error);
  return {std::move(file), error};
}

DiskError SimDisk::Rename(fiber::Fiber& self, std::string_view from, std::string_view to) {
  DiskCall call(node_, self, DiskOperation::kRename, from);
  node_.kernel_.FoldBytes(AsBytes(to));
  call.WaitBefore();
  DiskError error = NameFault(call);
  if (error == DiskError::kNone) error = node_.model_.Rename(from, to);
  node_.kernel_.Trace(TraceKind::kDisk, [&] { return fmt::format("{} becomes {}", from, to); });
  call.WaitAfter();
  return call.Done(error);
}

DiskError SimDisk::Remove(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kRemove, path);
  call.WaitBefore();
  DiskError error = NameFault(call);
  if (error == DiskError::kNone) error = node_.model_.Remove(path);
  call.WaitAfter();
  return call.Done(error);
}

DiskError SimDisk::CreateDirectory(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kCreateDirectory, path);
  call.WaitBefore();
  DiskError error = NameFault(call);
  // mkdir(2) looks for the name first: what is there already needs no space.
  const bool is_there = node_.model_.Find(path) != nullptr;
  if (error == DiskError::kNone && !is_there && call.Hits(DiskFaultKind::kNoSpace)) error = DiskError::kNoSpace;
  if (error == DiskError::kNone) error = node_.model_.CreateDirectory(path);
  call.WaitAfter();
  return call.Done(error);
}

DiskError SimDisk::RemoveDirectory(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kRemoveDirectory, path);
  call.WaitBefore();
  DiskError error = NameFault(call);
  if (error == DiskError::kNone) error = node_.model_.RemoveDirectory(path);
  call.WaitAfter();
  return call.Done(error);
}

env::ListResult SimDisk::List(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kLook, path);
  call.WaitBefore();
  env::ListResult result;
  if (call.Hits(DiskFaultKind::kReadError)) {
    result.error = DiskError::kIo;
  } else {
    result = node_.model_.List(path);
  }
  call.WaitAfter();
  call.Done(IoResult{.size_bytes = static_cast<int64_t>(result.entries.size()), .error = result.error}, 0);
  return result;
}

env::StatResult SimDisk::Stat(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kLook, path);
  call.WaitBefore();
  const env::StatResult result = node_.model_.Stat(path);
  call.WaitAfter();
  call.Done(IoResult{.size_bytes = result.size_bytes, .error = result.error}, 0);
  return result;
}

DiskError SimDisk::SyncDirectory(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kSyncDirectory, path);
  const uint64_t last_change = node_.model_.last_name_change();
  call.WaitBefore();
  const bool fails = call.Hits(DiskFaultKind::kSyncError);
  const DiskError error = fails ? DiskError::kIo : node_.model_.SyncDirectory(path, last_change);
  call.WaitAfter();
  return call.Done(error);
}

env::LockResult SimDisk::Lock(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kLock, path);
  call.WaitBefore();
  DiskModel::OpenOutcome opened = node_.model_.Open(path, env::OpenMode::kCreate);
  env::LockResult result{.lock = nullptr, .error = opened.error};
  if (opened.file != nullptr && node_.model_.TryLock(*opened.file)) {
    result.lock = std::make_unique<SimFileLock>(node_, std::move(opened.file));
  } else if (opened.file != nullptr) {
    node_.model_.Close(opened.file);
    result.error = DiskError::kLocked;
  }
  call.WaitAfter();
  call.Done(result.error);
  return result;
}

env::SpaceResult SimDisk::Space(fiber::Fiber& self, std::string_view path) {
  DiskCall call(node_, self, DiskOperation::kLook, path);
  call.WaitBefore();
  env::SpaceResult result{.error = node_.model_.Stat(path).error};
  if (result.error == DiskError::kNone) {
    result.free_bytes = node_.model_.free_bytes();
    result.total_bytes = node_.model_.capacity_bytes();
  }
  call.WaitAfter();
  call.Done(IoResult{.size_bytes = result.free_bytes, .error = result.error}, 0);
  return result;
}

}  // namespace odradek::sim
