#include "engine/storage/epoch_cache.h"

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

bool EpochList::Assign(LeaderEpoch epoch, Offset start) {
  REQUIRES(epoch >= LeaderEpoch(0));
  REQUIRES(start >= Offset(0));
  if (latest() == epoch) return false;
  while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start)) {
    entries_.pop_back();
  }
  entries_.push_back({epoch, start});
  return true;
}

bool EpochList::TruncateFromEnd(Offset offset) {
  const size_t before = entries_.size();
  while (!entries_.empty() && entries_.back().start_offset >= offset) entries_.pop_back();
  return entries_.size() != before;
}

bool EpochList::TruncateFromStart(Offset offset) {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                      [](Offset o, const EpochEntry& e) { return o < e.start_offset; });
  if (after == entries_.begin()) return false;
  const auto in_force = after - 1;
  if (in_force == entries_.begin() && in_force->start_offset == offset) return false;
  in_force->start_offset = offset;
  entries_.erase(entries_.begin(), in_force);
  return true;
}

LeaderEpoch EpochList::EpochAt(Offset offset) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                      [](Offset o, const EpochEntry& e) { return o < e.start_offset; });
  return after == entries_.begin() ? kNoLeaderEpoch : (after - 1)->epoch;
}

EpochEnd EpochList::EndOffsetFor(LeaderEpoch epoch, Offset log_end_offset) const {
  if (epoch == kNoLeaderEpoch || entries_.empty() || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end_offset};
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), epoch,
                                      [](LeaderEpoch e, const EpochEntry& entry) { return e < entry.epoch; });
  INVARIANT(after != entries_.end());
  if (after == entries_.begin()) return {epoch, after->start_offset};
  return {(after - 1)->epoch, after->start_offset};
}

EpochCache::LoadResult EpochCache::Load(fiber::Fiber& self) {
  const SmallFile file = ReadSmallFile(self, disk_, path_);
  if (file.error == DiskError::kNotFound) return {};
  if (!file.ok()) return {.error = file.error, .problem = {}};
  auto parsed = ParseEpochCheckpoint(path_, file.content);
  if (!parsed.ok()) return {.error = DiskError::kNone, .problem = std::string(base::SV(parsed.status().message()))};
  list_.Replace(*std::move(parsed));
  return {};
}

DiskError EpochCache::Store(fiber::Fiber& self) {
  const std::string text = FormatEpochCheckpoint(list_.entries());
  const FileSync sync = MUTATION(context_, LG10) ? FileSync::kNever : FileSync::kBeforeRename;
  return ReplaceSmallFile(self, disk_, context_, path_, AsBytes(text), sync);
}

DiskError EpochCache::Assign(fiber::Fiber& self, LeaderEpoch epoch, Offset start) {
  return list_.Assign(epoch, start) ? Store(self) : DiskError::kNone;
}

DiskError EpochCache::TruncateFromEnd(fiber::Fiber& self, Offset offset) {
  return list_.TruncateFromEnd(offset) ? Store(self) : DiskError::kNone;
}

DiskError EpochCache::TruncateFromStart(fiber::Fiber& self, Offset offset) {
  return list_.TruncateFromStart(offset) ? Store(self) : DiskError::kNone;
}

DiskError EpochCache::Clear(fiber::Fiber& self) {
  if (list_.entries().empty()) return DiskError::kNone;
  list_.Replace({});
  return Store(self);
}

}  // namespace odradek::storage
