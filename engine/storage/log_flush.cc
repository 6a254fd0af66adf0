// Durability of a log: syncs that are shared, the recovery point, the end of a log's life.
#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/storage/log.h"

namespace odradek::storage {

using env::DiskError;

namespace log_flush_internal {

// Lets the next one in when the flush ends, also by a kill.
class InFlight {
 public:
  InFlight(bool& in_flight, fiber::WaitQueue& done) : in_flight_(in_flight), done_(done) {
    REQUIRES(!in_flight_);
    in_flight_ = true;
  }
  ~InFlight() {
    in_flight_ = false;
    done_.WakeAll();
  }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  bool& in_flight_;
  fiber::WaitQueue& done_;
};

}  // namespace log_flush_internal

LogError Log::FlushTo(fiber::Fiber& self, Offset offset) {
  if (is_offline()) return LogError::kOffline;
  if (flush_.recovery_point >= offset) return LogError::kNone;
  if (flush_.suspect_from != kNoOffset) {
    fiber::MutexLock lock(self, lock_);
    if (is_offline()) return LogError::kOffline;
    if (const DiskError error = RewriteSuspect(self); error != DiskError::kNone) {
      GoOffline("writing recovered batches again", error);
      return LogError::kOffline;
    }
  }
  return FlushShared(self, offset);
}

// Whoever comes while a sync runs cannot be covered by it, and waits for the next one, which one of them starts.
LogError Log::FlushShared(fiber::Fiber& self, Offset offset) {
  for (;;) {
    if (is_offline()) return LogError::kOffline;
    if (flush_.recovery_point >= std::min(offset, log_end_)) return LogError::kNone;
    if (flush_.in_flight) {
      REACHED(env_.context, "storage.flush_shared");
      flush_.done.Wait(self);
      continue;
    }
    log_flush_internal::InFlight in_flight(flush_.in_flight, flush_.done);
    const Offset target = log_end_;
    const uint64_t truncations_before = truncations_;
    flush_.unflushed_records = 0;
    flush_.first_unflushed_at = MonoTime::Never();
    DiskError error = SyncFiles(self, target);
    if (error != DiskError::kNone && MUTATION(env_.context, LG22)) error = SyncFiles(self, target);
    if (error != DiskError::kNone) {
      GoOffline("sync", error);
      return LogError::kOffline;
    }
    // Another sync of the same files may have failed meanwhile.
    if (is_offline()) return LogError::kOffline;
    // What was cut off meanwhile may have been written anew behind the sync.
    if (truncations_before != truncations_ || target <= flush_.recovery_point) continue;
    flush_.recovery_point = target;
    env_.observer.On(env::LogFlushed{observed_name(), target});
  }
}

DiskError Log::SyncFiles(fiber::Fiber& self, Offset target) {
  std::vector<SegmentPtr> dirty;
  for (const auto& [base, segment] : segments_) {
    if (segment->NeedsSync()) dirty.push_back(segment);
  }
  for (const SegmentPtr& segment : dirty) {
    const DiskError error = segment->Sync(self);
    // Dropped meanwhile, and its files removed: nothing is left to sync.
    const auto held = segments_.find(segment->base_offset());
    if (error == DiskError::kNotFound && (held == segments_.end() || held->second != segment)) continue;
    if (error != DiskError::kNone) return error;
  }
  if (const DiskError error = producers_.SyncSnapshots(self, target); error != DiskError::kNone) return error;
  return SyncFolder(self);
}

DiskError Log::SyncFolder(fiber::Fiber& self) {
  const uint64_t covered = flush_.folder_changes;
  if (flush_.folder_synced == covered) return DiskError::kNone;
  if (!MUTATION(env_.context, LG24)) {
    if (const DiskError error = env_.disk.SyncDirectory(self, place_.directory); error != DiskError::kNone)
      return error;
  }
  flush_.folder_synced = std::max(flush_.folder_synced, covered);
  return DiskError::kNone;
}

DiskError Log::RewriteSuspect(fiber::Fiber& self) {
  if (flush_.suspect_from == kNoOffset) return DiskError::kNone;
  REACHED(env_.context, "storage.rewrote_recovered_batches");
  std::vector<SegmentPtr> suspect;
  for (const auto& [base, segment] : segments_) {
    if (segment->next_offset() > flush_.suspect_from) suspect.push_back(segment);
  }
  for (const SegmentPtr& segment : suspect) {
    const SeekResult first = segment->Seek(self, std::max(flush_.suspect_from, segment->base_offset()));
    if (first.error != SeekError::kNone) return DiskError::kIo;
    if (!first.place) continue;
    const DiskError error = segment->Rewrite(self, first.place->position);
    if (error != DiskError::kNone) return error;
  }
  flush_.suspect_from = kNoOffset;
  return DiskError::kNone;
}

bool Log::IsFlushDue() const {
  if (is_offline() || flush_.recovery_point >= log_end_) return false;
  if (flush_.recovery_point < active()->base_offset()) return true;
  return flush_.first_unflushed_at != MonoTime::Never() &&
         env_.clock.Now() - flush_.first_unflushed_at >= config_.flush_ms;
}

LogError Log::Close(fiber::Fiber& self) {
  if (unborn_) {
    const fiber::MutexLock lock(self, lock_);
    if (is_offline()) return LogError::kOffline;
    if (unborn_) {
      offline_reason_ = "closed";
      return LogError::kNone;
    }
  }
  if (FlushTo(self, log_end_) != LogError::kNone) return LogError::kOffline;
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  DiskError error = RewriteSuspect(self);
  if (error == DiskError::kNone) error = active()->Seal(self);
  // Also if one was there before: after a crash nobody knows whether it was ever synced.
  if (error == DiskError::kNone) error = producers_.SnapshotDurably(self, log_end_);
  ++flush_.folder_changes;
  if (error == DiskError::kNone) error = SyncFiles(self, log_end_);
  if (error != DiskError::kNone) {
    GoOffline("close", error);
    return LogError::kOffline;
  }
  if (flush_.recovery_point < log_end_) {
    flush_.recovery_point = log_end_;
    env_.observer.On(env::LogFlushed{observed_name(), log_end_});
  }
  for (const auto& [base, segment] : segments_) segment->CloseFiles();
  offline_reason_ = "closed";
  return LogError::kNone;
}

void Log::TakeOffline(std::string_view why) {
  GoOffline(why, DiskError::kIo);
}

void Log::Abandon() {
  offline_reason_ = "the partition is deleted";
  for (const auto& [base, segment] : segments_) segment->CloseFiles();
  flush_.done.WakeAll();
}

}  // namespace odradek::storage
