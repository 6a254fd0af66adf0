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

ProducerStore::ProducerStore(env::Disk& disk, base::Context& context, const LogPlace& place,
                             const producers::ProducersConfig& config)
    : disk_(disk), context_(context), folder_(place.directory), log_(ToString(place.name)), states_(config) {}

std::string ProducerStore::PathOf(Offset offset) const {
  const SegmentFileName name{
      .base_offset = offset, .kind = SegmentFileKind::kProducerSnapshot, .suffix = FileSuffix::kNone};
  return Join(folder_, ToString(name));
}

std::vector<Offset> ProducerStore::SnapshotOffsets() const {
  std::vector<Offset> offsets;
  for (const auto& [offset, snapshot] : snapshots_) offsets.push_back(offset);
  return offsets;
}

void ProducerStore::AddFound(Offset offset, env::ShutdownKind previous_shutdown) {
  snapshots_[offset] = {.unsynced = nullptr, .suspect = previous_shutdown == env::ShutdownKind::kUnclean};
}

ProducerStore::RestoreResult ProducerStore::Restore(fiber::Fiber& self, Offset at_most, Offset otherwise) {
  const producers::ProducersConfig config = states_.config();
  RestoreResult result{.error = DiskError::kNone,
                       .states = producers::ProducerStates(config, otherwise),
                       .offset = otherwise,
                       .problems = {}};
  for (;;) {
    auto it = snapshots_.upper_bound(at_most);
    if (it == snapshots_.begin()) break;
    const Offset offset = (--it)->first;
    const SmallFile file = ReadSmallFile(self, disk_, PathOf(offset));
    if (!file.ok() && file.error != DiskError::kNotFound) {
      result.error = file.error;
      return result;
    }
    auto decoded = producers::DecodeSnapshot(file.content, PlaceAt(offset), config);
    if (file.ok() && decoded.ok()) {
      result.states = *std::move(decoded);
      result.offset = offset;
      return result;
    }
    result.problems.push_back(fmt::format("{}: {}", PathOf(offset), base::SV(decoded.status().message())));
    if (result.error = Remove(self, offset); result.error != DiskError::kNone) return result;
  }
  return result;
}

DiskError ProducerStore::TakeSnapshot(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset) {
  REQUIRES(states.end_offset() <= offset);
  if (snapshots_.contains(offset)) return DiskError::kNone;
  const ByteBuffer bytes = producers::EncodeSnapshot(states, PlaceAt(offset));
  const std::string path = PathOf(offset);
  // One that a crash left behind would be half overwritten.
  if (const DiskError error = RemoveIfThere(self, disk_, path); error != DiskError::kNone) return error;
  env::OpenResult opened = disk_.Open(self, path, env::OpenMode::kCreateNew);
  if (opened.error != DiskError::kNone) return opened.error;
  const Bytes parts[] = {bytes};
  if (const env::IoResult written = opened.file->WriteAt(self, parts, 0); !written.ok()) return written.error;
  snapshots_[offset] = {.unsynced = std::move(opened.file), .suspect = false};
  return DiskError::kNone;
}

DiskError ProducerStore::SyncSnapshots(fiber::Fiber& self, Offset offset) {
  for (;;) {
    auto it = snapshots_.begin();
    while (it != snapshots_.end() && it->first <= offset && it->second.unsynced == nullptr) ++it;
    if (it == snapshots_.end() || it->first > offset) return DiskError::kNone;
    const Offset at = it->first;
    const std::shared_ptr<env::File> file = it->second.unsynced;
    if (!MUTATION(context_, LG12)) {
      if (const DiskError error = file->Sync(self); error != DiskError::kNone) return error;
    }
    // It may be gone or another one by now.
    if (it = snapshots_.find(at); it != snapshots_.end() && it->second.unsynced == file) it->second.unsynced = nullptr;
  }
}

bool ProducerStore::HasOwnSnapshot(Offset offset) const {
  const auto found = snapshots_.find(offset);
  return found != snapshots_.end() && !found->second.suspect;
}

DiskError ProducerStore::SnapshotDurably(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset) {
  REQUIRES(states.end_offset() <= offset);
  if (!HasSnapshot(offset) || HasOwnSnapshot(offset)) {
    const DiskError error = TakeSnapshot(self, states, offset);
    return error == DiskError::kNone ? SyncSnapshots(self, offset) : error;
  }
  if (MUTATION(context_, LG12)) return DiskError::kNone;
  // A new file: a sync of the old one might say well done of pages that an earlier sync failed to write.
  return ReplaceDurably(self, states, offset);
}

DiskError ProducerStore::ReplaceDurably(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset) {
  REQUIRES(states.end_offset() <= offset);
  const ByteBuffer bytes = producers::EncodeSnapshot(states, PlaceAt(offset));
  const DiskError error = ReplaceSmallFile(self, disk_, context_, PathOf(offset), bytes);
  if (error == DiskError::kNone) snapshots_[offset] = {};
  return error;
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
