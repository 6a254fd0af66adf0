#include "engine/storage/producer_store.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/producers/snapshot.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

ProducerStore::ProducerStore(env::Disk& disk, base::Context& context, std::string folder,
                             const producers::ProducersConfig& config)
    : disk_(disk), context_(context), folder_(std::move(folder)), states_(config) {}

std::string ProducerStore::PathOf(Offset offset) const {
  const SegmentFileName name{
      .base_offset = offset, .kind = SegmentFileKind::kProducerSnapshot, .suffix = FileSuffix::kNone};
  return Join(folder_, ToString(name));
}

std::vector<Offset> ProducerStore::SnapshotOffsets() const {
  std::vector<Offset> offsets;
  for (const auto& [offset, file] : snapshots_) offsets.push_back(offset);
  return offsets;
}

ProducerStore::RestoreResult ProducerStore::Restore(fiber::Fiber& self, Offset at_most, Offset otherwise) {
  RestoreResult result;
  const producers::ProducersConfig config = states_.config();
  for (;;) {
    auto it = snapshots_.upper_bound(at_most);
    if (it == snapshots_.begin()) break;
    const Offset offset = (--it)->first;
    const SmallFile file = ReadSmallFile(self, disk_, PathOf(offset));
    if (!file.ok() && file.error != DiskError::kNotFound) {
      result.error = file.error;
      return result;
    }
    auto decoded = producers::DecodeSnapshot(file.content, offset, config);
    if (file.ok() && decoded.ok()) {
      states_ = *std::move(decoded);
      result.offset = offset;
      return result;
    }
    result.problems.push_back(fmt::format("{}: {}", PathOf(offset), base::SV(decoded.status().message())));
    if (result.error = Remove(self, offset); result.error != DiskError::kNone) return result;
  }
  states_ = producers::ProducerStates(config, otherwise);
  result.offset = otherwise;
  return result;
}

DiskError ProducerStore::TakeSnapshot(fiber::Fiber& self, Offset offset) {
  REQUIRES(states_.end_offset() <= offset);
  if (snapshots_.contains(offset)) return DiskError::kNone;
  const ByteBuffer bytes = producers::EncodeSnapshot(states_);
  const std::string path = PathOf(offset);
  // One that a crash left behind would be half overwritten.
  if (const DiskError error = RemoveIfThere(self, disk_, path); error != DiskError::kNone) return error;
  env::OpenResult opened = disk_.Open(self, path, env::OpenMode::kCreateNew);
  if (opened.error != DiskError::kNone) return opened.error;
  const Bytes parts[] = {bytes};
  if (const env::IoResult written = opened.file->WriteAt(self, parts, 0); !written.ok()) return written.error;
  snapshots_[offset] = std::move(opened.file);
  return DiskError::kNone;
}

bool ProducerStore::NeedsSync(Offset offset) const {
  for (const auto& [at, file] : snapshots_) {
    if (at <= offset && file != nullptr) return true;
  }
  return false;
}

DiskError ProducerStore::SyncSnapshots(fiber::Fiber& self, Offset offset) {
  for (;;) {
    auto it = snapshots_.begin();
    while (it != snapshots_.end() && it->first <= offset && it->second == nullptr) ++it;
    if (it == snapshots_.end() || it->first > offset) return DiskError::kNone;
    const Offset at = it->first;
    const std::shared_ptr<env::File> file = it->second;
    if (!MUTATION(context_, LG12)) {
      if (const DiskError error = file->Sync(self); error != DiskError::kNone) return error;
    }
    // It may be gone or another one by now.
    if (it = snapshots_.find(at); it != snapshots_.end() && it->second == file) it->second = nullptr;
  }
}

DiskError ProducerStore::Remove(fiber::Fiber& self, Offset offset) {
  snapshots_.erase(offset);
  return RemoveIfThere(self, disk_, PathOf(offset));
}

DiskError ProducerStore::RemoveAbove(fiber::Fiber& self, Offset offset) {
  while (!snapshots_.empty() && snapshots_.rbegin()->first > offset) {
    if (const DiskError error = Remove(self, snapshots_.rbegin()->first); error != DiskError::kNone) return error;
  }
  return DiskError::kNone;
}

DiskError ProducerStore::RemoveStray(fiber::Fiber& self, const std::set<Offset>& bases) {
  for (const Offset offset : SnapshotOffsets()) {
    if (bases.contains(offset) || offset == snapshots_.rbegin()->first) continue;
    if (const DiskError error = Remove(self, offset); error != DiskError::kNone) return error;
  }
  return DiskError::kNone;
}

DiskError ProducerStore::RemoveAll(fiber::Fiber& self) {
  return RemoveAbove(self, kNoOffset);
}

}  // namespace odradek::storage
