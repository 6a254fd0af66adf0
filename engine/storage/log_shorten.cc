// Making a log shorter: truncation at its end, retention and DeleteRecords at its start.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/log.h"

namespace odradek::storage {

using env::DiskError;

DiskError Log::PersistMarks(fiber::Fiber& self, const LogMarks::Wish& wish) {
  return marks_ == nullptr ? DiskError::kNone : marks_->Persist(self, place_.name, wish);
}

// The renames survive a loss of power only after the folder's sync, which is the caller's to do.
DiskError Log::Bury(fiber::Fiber& self, const SegmentPtr& segment) {
  env_.observer.On(env::SegmentDeleted{
      .partition = observed_name(),
      .base_offset = segment->base_offset(),
      .next_offset = segment->next_offset(),
      .largest_timestamp = segment->timestamps_known() ? segment->largest_timestamp() : kNoTimestamp,
      .size_bytes = segment->size_bytes()});
  if (const auto it = segments_.find(segment->base_offset()); it != segments_.end() && it->second == segment) {
    segments_.erase(it);
  }
  return BuryFiles(self, segment);
}

DiskError Log::BuryFiles(fiber::Fiber& self, const SegmentPtr& segment) {
  buried_.push_back({segment, env_.clock.Now() + config_.file_delete_delay});
  const DiskError error = segment->Rename(self, FileSuffix::kDeleted);
  ++flush_.folder_changes;
  return error;
}

void Log::RemoveDeletedFiles(fiber::Fiber& self) {
  fiber::MutexLock lock(self, lock_);
  while (!buried_.empty() && buried_.front().remove_at <= env_.clock.Now()) {
    const SegmentPtr segment = buried_.front().segment;
    buried_.erase(buried_.begin());
    const DiskError error = segment->RemoveFiles(self);
    if (error == DiskError::kNone) continue;
    // The space stays taken until the next start, which removes them.
    env_.log.Write(env::LogLevel::kWarning, "storage", "cannot remove the files of a deleted segment",
                   {{"directory", place_.directory}, {"error", std::string(env::ToString(error))}});
  }
}

LogError Log::TruncateTo(fiber::Fiber& self, Offset offset) {
  REQUIRES(offset >= Offset(0));
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  if (offset < log_end_) env_.observer.On(env::LogTruncating{observed_name(), offset});
  DiskError error = MakeFolderLocked(self);
  if (error == DiskError::kNone) error = TruncateToLocked(self, offset);
  if (error == DiskError::kNone) return LogError::kNone;
  GoOffline("truncation", error);
  return LogError::kOffline;
}

DiskError Log::TruncateToLocked(fiber::Fiber& self, Offset offset) {
  if (offset >= log_end_) return epochs_.TruncateFromEnd(self, offset);
  if (MUTATION(env_.context, LG17) && (offset <= active()->base_offset() || active()->empty())) {
    return DiskError::kNone;
  }
  if (offset >= segments_.begin()->first) return TruncateLocked(self, offset);
  // Nothing that is left was written below the first segment.
  return offset < log_start_ ? TruncateFullyLocked(self, offset, KnownProducers::kForget)
                             : TruncateFullyLocked(self, log_start_, KnownProducers::kKeep);
}

LogError Log::TruncateFullyAndStartAt(fiber::Fiber& self, Offset offset) {
  REQUIRES(offset >= Offset(0));
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  env_.observer.On(env::LogTruncating{observed_name(), offset});
  DiskError error = MakeFolderLocked(self);
  if (error == DiskError::kNone) error = TruncateFullyLocked(self, offset, KnownProducers::kForget);
  if (error == DiskError::kNone) return LogError::kNone;
  GoOffline("truncation", error);
  return LogError::kOffline;
}

DiskError Log::TruncateLocked(fiber::Fiber& self, Offset offset) {
  // Before anything suspends: a flush that runs must not raise the recovery point above the cut again.
  ++truncations_;
  flush_.recovery_point = std::min(flush_.recovery_point, offset);
  cleaned_until_ = std::min(cleaned_until_, offset);
  log_end_ = offset;
  SetHighWatermark(high_watermark_);
  // What is written behind the cut must be checked by the next recovery: the recovery point on disk goes down first.
  // What is written there is dirty again, too.
  if (const DiskError error =
          PersistMarks(self, {.recovery_point_at_most = flush_.recovery_point, .cleaned_until_at_most = offset});
      error != DiskError::kNone) {
    return error;
  }
  while (active()->base_offset() > offset) {
    const SegmentPtr last = active();
    if (const DiskError error = Bury(self, last); error != DiskError::kNone) return error;
  }
  if (const DiskError error = active()->TruncateTo(self, offset, env_.context); error != DiskError::kNone) return error;
  // Every segment begins where the one before it ends: recovery takes anything else for a hole.
  while (active()->empty() && segments_.size() > 1) {
    const SegmentPtr last = active();
    if (const DiskError error = Bury(self, last); error != DiskError::kNone) return error;
  }
  if (const DiskError error = active()->ResumeAppending(self); error != DiskError::kNone) return error;
  log_end_ = std::max(active()->next_offset(), log_start_);
  if (log_end_ < flush_.recovery_point) {
    // The cut went further down than asked for, to the end of a batch.
    flush_.recovery_point = log_end_;
    const DiskError error = PersistMarks(self, {.recovery_point_at_most = flush_.recovery_point});
    if (error != DiskError::kNone) return error;
  }
  if (const DiskError error = active()->Sync(self); error != DiskError::kNone) return error;
  if (const DiskError error = epochs_.TruncateFromEnd(self, log_end_); error != DiskError::kNone) return error;
  if (const DiskError error = producers_.RemoveAbove(self, log_end_); error != DiskError::kNone) return error;
  ++flush_.folder_changes;
  if (const DiskError error = SyncFolder(self); error != DiskError::kNone) return error;
  if (producers_.states().TruncateTo(log_end_) == producers::Rollback::kReplayNeeded) {
    if (const DiskError error = ReplayProducers(self, log_end_); error != DiskError::kNone) return error;
  }
  ++truncations_;
  SetHighWatermark(high_watermark_);
  env_.observer.On(env::LogTruncated{observed_name(), log_end_});
  return DiskError::kNone;
}

// The producers whose records were deleted, at an empty log that starts at `start`.
DiskError Log::ProducersBelow(fiber::Fiber& self, Offset start, producers::ProducerStates& below) {
  producers::ProducerStates states(producers_.states().config());
  const DiskError error = FoldProducers(self, segments_.begin()->first, states);
  for (const auto& [id, entry] : states.entries()) {
    const bool is_below = entry.window.empty() || entry.window.back().last_offset < start;
    if (is_below && !entry.in_txn()) below.Restore(id, entry);
  }
  return error;
}

DiskError Log::TruncateFullyLocked(fiber::Fiber& self, Offset offset, KnownProducers known) {
  const Offset start_before = log_start_;
  ++truncations_;
  flush_.recovery_point = std::min(flush_.recovery_point, offset);
  cleaned_until_ = std::min(cleaned_until_, offset);
  log_end_ = std::min(log_end_, std::max(offset, log_start_));
  SetHighWatermark(high_watermark_);
  // A start that rises is durable before the files vanish, one that falls after.
  DiskError error = PersistMarks(self, {.log_start = offset > start_before ? offset : kNoOffset,
                                        .recovery_point_at_most = flush_.recovery_point,
                                        .cleaned_until_at_most = offset});
  producers::ProducerStates below(producers_.states().config(), offset);
  if (error == DiskError::kNone && known == KnownProducers::kKeep) error = ProducersBelow(self, offset, below);
  if (error != DiskError::kNone) return error;
  ++truncations_;
  log_start_ = offset;
  log_end_ = offset;
  if (!MUTATION(env_.context, RP28)) high_watermark_ = offset;
  flush_.recovery_point = offset;
  flush_.suspect_from = kNoOffset;
  producers_.states() = std::move(below);
  std::vector<SegmentPtr> old;
  SegmentPtr first;
  for (const auto& [base, segment] : segments_) {
    if (base == offset) first = segment;
    if (base != offset) old.push_back(segment);
  }
  // The file that the log begins with is durable before others vanish: of those a loss of power brings some back, and
  // they must lie behind a hole, not at the beginning.
  if (first != nullptr) {
    error = first->TruncateTo(self, offset, env_.context);
    if (error == DiskError::kNone) error = first->Sync(self);
  } else {
    first = std::make_shared<Segment>(files_, place_.directory, offset, limits());
    first->StartEmpty(env_.clock.WallNow());
    error = first->CreateLogFile(self);
  }
  // Before any batch goes: what a crash leaves below the start counts no more from here on (FinishDeletion). The half
  // of it would open transactions whose ends are gone.
  if (error == DiskError::kNone) error = producers_.ReplaceDurably(self, producers_.states(), offset);
  ++flush_.folder_changes;
  if (error == DiskError::kNone) error = SyncFolder(self);
  segments_.clear();
  segments_[offset] = first;
  // From the end, so that what a crash leaves has no gap.
  for (auto it = old.rbegin(); it != old.rend() && error == DiskError::kNone; ++it) error = Bury(self, *it);
  if (error == DiskError::kNone) error = first->ResumeAppending(self);
  if (error == DiskError::kNone) error = producers_.RemoveAbove(self, offset);
  if (error == DiskError::kNone) error = epochs_.Clear(self);
  ++flush_.folder_changes;
  if (error == DiskError::kNone) error = SyncFolder(self);
  if (error == DiskError::kNone && offset < start_before) error = PersistMarks(self, {.log_start = offset});
  ++truncations_;
  env_.observer.On(env::LogTruncated{observed_name(), offset});
  return error;
}

// The state of the producers at `end`, from the newest snapshot below and the batches behind it.
DiskError Log::FoldProducers(fiber::Fiber& self, Offset end, producers::ProducerStates& states) {
  ProducerStore::RestoreResult restored = producers_.Restore(self, end, segments_.begin()->first);
  if (restored.error != DiskError::kNone) return restored.error;
  for (const std::string& problem : restored.problems) {
    env_.log.Write(env::LogLevel::kWarning, "storage", "producer snapshot ignored", {{"problem", problem}});
  }
  states = std::move(restored.states);
  Offset next = restored.offset;
  for (SegmentPtr segment = SegmentFor(next); segment != nullptr && segment->base_offset() < end;
       segment = SegmentAfter(*segment)) {
    const SeekResult first = segment->Seek(self, std::max(next, segment->base_offset()));
    if (first.error != SeekError::kNone) return DiskError::kIo;
    if (!first.place) continue;
    const ManagedFile::Handle log = segment->OpenLog(self);
    if (log.error != DiskError::kNone) return log.error;
    BatchScanner scanner(log.file, {.begin = first.place->position, .end = segment->size_bytes()},
                         BatchScanner::kWalkWindowBytes);
    BatchScanner::Found found = scanner.Next(self);
    for (; found == BatchScanner::Found::kBatch && scanner.header().base_offset < end; found = scanner.Next(self)) {
      const Bytes body = scanner.Body(self);
      if (body.empty() || !record::CheckCrc(body)) {
        // Whose batch it was is not known: a producer would be refused or taken twice.
        env_.log.Write(env::LogLevel::kError, "storage", "the state of producers cannot be read from a damaged batch",
                       {{"log", place_.directory},
                        {"byte", fmt::format("{} of segment {}", scanner.position(), segment->base_offset().value())}});
        return DiskError::kIo;
      }
      if (!scanner.header().has_producer_id() || scanner.header().base_offset < next) continue;
      states.Apply(scanner.header(), scanner.header().is_control() ? body : Bytes{});
    }
    if (found == BatchScanner::Found::kDiskError) return scanner.disk_error();
    if (found == BatchScanner::Found::kProblem) return DiskError::kIo;
    next = std::max(next, segment->next_offset());
  }
  return DiskError::kNone;
}

DiskError Log::ReplayProducers(fiber::Fiber& self, Offset end) {
  producers::ProducerStates states(producers_.states().config());
  const Offset until = MUTATION(env_.context, ID18) ? std::min(end, active()->base_offset()) : end;
  if (const DiskError error = FoldProducers(self, until, states); error != DiskError::kNone) return error;
  producers_.states() = std::move(states);
  producers_.states().OnHighWatermark(high_watermark_);
  return DiskError::kNone;
}

// The producers' snapshot takes the place of the batches below `start`, which may go as soon as the start is durable.
DiskError Log::MakeSnapshotDurable(fiber::Fiber& self, Offset start) {
  const Offset base = SegmentFor(start)->base_offset();
  if (base == segments_.begin()->first) return DiskError::kNone;
  if (const DiskError error = RewriteSuspect(self); error != DiskError::kNone) return error;
  if (FlushShared(self, base) != LogError::kNone) return DiskError::kIo;
  if (producers_.HasOwnSnapshot(base)) {
    if (const DiskError error = producers_.SyncSnapshots(self, base); error != DiskError::kNone) return error;
    return SyncFolder(self);
  }
  producers::ProducerStates states(producers_.states().config());
  if (const DiskError error = FoldProducers(self, base, states); error != DiskError::kNone) return error;
  // Damaged snapshots say nothing any more of producers that memory still knows.
  for (const auto& [id, entry] : producers_.states().entries()) {
    const bool is_below = !entry.window.empty() && entry.window.back().last_offset < base;
    if (is_below && !states.entries().contains(id)) states.Restore(id, entry);
  }
  ++flush_.folder_changes;
  if (const DiskError error = producers_.SnapshotDurably(self, states, base); error != DiskError::kNone) return error;
  return SyncFolder(self);
}

LogError Log::RaiseStart(fiber::Fiber& self, Offset offset, env::LogStartReason reason) {
  if (offset <= log_start_) return LogError::kNone;
  if (const DiskError error = MakeSnapshotDurable(self, offset); error != DiskError::kNone) {
    GoOffline("producer snapshot", error);
    return LogError::kOffline;
  }
  if (!MUTATION(env_.context, RT04)) {
    if (const DiskError error = PersistMarks(self, {.log_start = offset}); error != DiskError::kNone) {
      GoOffline("log start checkpoint", error);
      return LogError::kOffline;
    }
  }
  log_start_ = offset;
  SetHighWatermark(high_watermark_);
  if (MUTATION(env_.context, ID14)) {
    const producers::ProducersConfig config = producers_.states().config();
    producers::ProducerStates kept(config, producers_.states().end_offset());
    for (const auto& [id, entry] : producers_.states().entries()) {
      if (!entry.window.empty() && entry.window.back().last_offset >= offset) kept.Restore(id, entry);
    }
    producers_.states() = std::move(kept);
  }
  if (const DiskError error = epochs_.TruncateFromStart(self, offset); error != DiskError::kNone) {
    GoOffline("leader epoch", error);
    return LogError::kOffline;
  }
  env_.observer.On(env::LogStartMoved{observed_name(), offset, reason});
  return LogError::kNone;
}

LogError Log::DeleteRecordsBefore(fiber::Fiber& self, Offset offset) {
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  if (offset > high_watermark_) return LogError::kOutOfRange;
  const LogError raised = RaiseStart(self, offset, env::LogStartReason::kDeleteRecords);
  if (raised != LogError::kNone) return raised;
  DiskError error = DiskError::kNone;
  const std::vector<SegmentPtr> below = FindDeletable(self, Deletable::kBelowStart, error);
  return DropOldest(self, below, env::LogStartReason::kDeleteRecords);
}

bool Log::IsExpired(const Segment& segment) const {
  if (!config_.cleanup_delete || config_.retention_ms < 0 || segment.empty()) return false;
  Timestamp newest = MUTATION(env_.context, RT02) ? segment.first_timestamp() : segment.largest_timestamp();
  if (newest < Timestamp(0)) return false;  // records without timestamps have no age
  return env_.clock.WallNow().unix_millis() - newest.value() > config_.retention_ms;
}

// The oldest segments that can go, one after the other.
std::vector<Log::SegmentPtr> Log::FindDeletable(fiber::Fiber& self, Deletable why, DiskError& error) {
  std::vector<SegmentPtr> found;
  int64_t left_bytes = size_bytes();
  int64_t excess_bytes = config_.retention_bytes < 0 ? -1 : size_bytes() - config_.retention_bytes;
  for (SegmentPtr segment = segments_.begin()->second; segment != nullptr; segment = SegmentAfter(*segment)) {
    const bool last = segment == active();
    if (last && segment->empty()) break;
    const Offset end = last ? log_end_ : SegmentAfter(*segment)->base_offset();
    if (end > high_watermark_ && !(why == Deletable::kByRetention && MUTATION(env_.context, RT01))) break;
    bool deletable = end <= log_start_;
    if (!deletable && why == Deletable::kByRetention) {
      if (error = segment->LoadTimestamps(self); error != DiskError::kNone) break;
      const int64_t excess_kept =
          MUTATION(env_.context, RT03) ? excess_bytes - 1 : excess_bytes - segment->size_bytes();
      const bool by_size = config_.cleanup_delete && config_.retention_bytes >= 0 && excess_kept >= 0;
      deletable = by_size || IsExpired(*segment);
    }
    if (!deletable) break;
    left_bytes -= segment->size_bytes();
    if (end > log_start_) {
      env_.observer.On(env::SegmentExpired{.partition = observed_name(),
                                           .base_offset = segment->base_offset(),
                                           .next_offset = end,
                                           .high_watermark = high_watermark_,
                                           .largest_timestamp = segment->largest_timestamp(),
                                           .now = env_.clock.WallNow(),
                                           .left_bytes = left_bytes});
    }
    excess_bytes -= segment->size_bytes();
    found.push_back(segment);
  }
  return found;
}

LogError Log::DropOldest(fiber::Fiber& self, const std::vector<SegmentPtr>& segments, env::LogStartReason reason) {
  if (segments.empty()) return LogError::kNone;
  DiskError error = DiskError::kNone;
  // There is always a segment to append to, and its file says where the log goes on when all others are gone: of those
  // a loss of power may bring some back.
  if (segments.back() == active()) error = RollLocked(self, log_end_);
  if (error == DiskError::kNone && active()->empty()) error = active()->CreateLogFile(self);
  if (error != DiskError::kNone) {
    GoOffline("deletion", error);
    return LogError::kOffline;
  }
  const Offset new_start = SegmentAfter(*segments.back())->base_offset();
  ++flush_.folder_changes;
  if (const LogError raised = RaiseStart(self, new_start, reason); raised != LogError::kNone) return raised;
  error = MakeSnapshotDurable(self, new_start);
  for (const SegmentPtr& segment : segments) {
    if (error == DiskError::kNone) error = Bury(self, segment);
  }
  std::set<Offset> bases;
  for (const auto& [base, segment] : segments_) bases.insert(base);
  if (error == DiskError::kNone) error = producers_.RemoveStray(self, bases);
  ++flush_.folder_changes;
  if (error == DiskError::kNone) error = SyncFolder(self);
  if (error == DiskError::kNone) return LogError::kNone;
  GoOffline("deletion", error);
  return LogError::kOffline;
}

RetentionResult Log::ApplyRetention(fiber::Fiber& self) {
  fiber::MutexLock lock(self, lock_);
  RetentionResult result;
  if (is_offline()) {
    result.error = LogError::kOffline;
    return result;
  }
  DiskError error = DiskError::kNone;
  const std::vector<SegmentPtr> deletable = FindDeletable(self, Deletable::kByRetention, error);
  if (error != DiskError::kNone) {
    GoOffline("retention", error);
    result.error = LogError::kOffline;
    return result;
  }
  result.error = DropOldest(self, deletable, env::LogStartReason::kRetention);
  if (result.error != LogError::kNone) return result;
  for (const SegmentPtr& segment : deletable) {
    ++result.segment_count;
    result.size_bytes += segment->size_bytes();
  }
  if (result.segment_count > 0) REACHED(env_.context, "storage.retention_deleted");
  return result;
}

}  // namespace odradek::storage
