#include "engine/storage/log_compaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {

using env::DiskError;

void IoThrottle::Charge(fiber::Fiber& self, int64_t size_bytes, fiber::Event& stop) {
  REQUIRES(size_bytes >= 0);
  if (bytes_per_second_ == std::numeric_limits<int64_t>::max()) return;
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  paid_until_ = std::max(paid_until_, self.Now());
  const int64_t seconds = size_bytes / bytes_per_second_;
  const auto nanos = static_cast<int64_t>(static_cast<unsigned __int128>(size_bytes % bytes_per_second_) *
                                          kNanosPerSecond / static_cast<uint64_t>(bytes_per_second_));
  paid_until_ = paid_until_ + Duration::Seconds(seconds) + Duration::Nanos(nanos);
  if (paid_until_ - self.Now() > kDebtMax) stop.WaitUntil(self, paid_until_);
}

CleanResult Log::Clean(fiber::Fiber& self, const CleanRange& range, CleanTools& tools) {
  fiber::MutexLock one_at_a_time(self, cleaning_);
  Compaction compaction(self, *this, range, tools);
  return compaction.Run();
}

void Log::AwaitCleaningEnd(fiber::Fiber& self) {
  fiber::MutexLock ended(self, cleaning_);
}

CleanRange Log::FindCleanable(fiber::Fiber& self) {
  CleanRange range;
  range.first_dirty = cleaned_until_;
  if (range.first_dirty < log_start_ || range.first_dirty > log_end_) range.first_dirty = log_start_;
  range.end = range.first_dirty;
  if (is_offline()) return range;
  const ReadMark before = mark();
  Offset bound = std::min(last_stable_offset(), active()->base_offset());
  if (MUTATION(env_.context, CP01)) bound = active()->base_offset();
  const Timestamp now = env_.clock.WallNow().timestamp();
  Timestamp earliest = kNoTimestamp;
  for (SegmentPtr segment = SegmentFor(range.first_dirty); segment != active(); segment = SegmentAfter(*segment)) {
    // Unreadable: who appends or reads will say so.
    if (segment->LoadTimestamps(self) != DiskError::kNone || !SameAs(before)) return range;
    const bool too_young = config_.min_compaction_lag > Duration() &&
                           segment->largest_timestamp().value() > now.value() - config_.min_compaction_lag.millis();
    if (too_young) {
      bound = std::min(bound, segment->base_offset());
      break;
    }
    const Timestamp first = segment->first_timestamp();
    if (first > Timestamp(0) && (earliest == kNoTimestamp || first < earliest)) earliest = first;
  }
  bound = std::max(bound, range.first_dirty);
  range.end = MUTATION(env_.context, CP18) ? log_end_ : SegmentFor(bound)->base_offset();
  for (const auto& [base, segment] : segments_) {
    if (base < range.first_dirty) range.clean_bytes += segment->size_bytes();
    if (base < range.end && segment->next_offset() > range.first_dirty) range.dirty_bytes += segment->size_bytes();
  }
  if (earliest != kNoTimestamp) {
    const int64_t overdue = now.value() - earliest.value() - config_.max_compaction_lag.millis();
    if (overdue > 0) range.overdue = Duration::SaturatingMillis(overdue);
  }
  return range;
}

Log::Compaction::Compaction(fiber::Fiber& self, Log& log, const CleanRange& range, CleanTools& tools)
    : self_(self), log_(log), range_(range), tools_(tools), truncations_before_(log.truncations_) {
  rules_.now = log.env_.clock.WallNow().timestamp();
  rules_.delete_retention = log.config_.delete_retention;
}

CleanResult Log::Compaction::Run() {
  result_.cleaned_until = range_.first_dirty;
  if (range_.end <= range_.first_dirty || IsStale()) {
    result_.outcome = range_.end <= range_.first_dirty ? CleanOutcome::kDone : CleanOutcome::kStopped;
    return result_;
  }
  if (Prepare() == Step::kEnd || BuildMap() == Step::kEnd) return result_;
  const Offset end = tools_.map.latest_offset() + 1;
  for (const Group& group : GroupSegments(end)) {
    if (CleanGroup(group) == Step::kEnd) return result_;
  }
  result_.cleaned_until = std::max(end, range_.first_dirty);
  result_.map_utilization_percent = tools_.map.utilization_percent();
  if (RaiseCleanedUntil() == Step::kEnd) return result_;
  log_.env_.observer.On(env::LogCleaned{.partition = log_.observed_name(),
                                        .first_dirty = range_.first_dirty,
                                        .cleaned_until = result_.cleaned_until,
                                        .bytes_read = result_.bytes_read,
                                        .bytes_written = result_.bytes_written});
  return result_;
}

// Cut since the range was found, or of no more use.
bool Log::Compaction::IsStale() const {
  if (tools_.stop.is_set() || log_.is_offline()) return true;
  return log_.truncations_ != truncations_before_ && !MUTATION(log_.env_.context, CP15);
}

bool Log::Compaction::IsWhole(const Group& group) const {
  if (MUTATION(log_.env_.context, CP15)) return true;
  return std::all_of(group.begin(), group.end(), [&](const SegmentPtr& segment) {
    const auto held = log_.segments_.find(segment->base_offset());
    return held != log_.segments_.end() && held->second == segment;
  });
}

Log::Compaction::Step Log::Compaction::Stop() {
  REACHED(log_.env_.context, "storage.clean.stopped");
  result_.outcome = CleanOutcome::kStopped;
  return Step::kEnd;
}

Log::Compaction::Step Log::Compaction::Failed(std::string_view doing, DiskError error) {
  // Files that are gone: retention was faster.
  if (IsStale() || error == DiskError::kNotFound) return Stop();
  log_.GoOffline(doing, error);
  result_.outcome = CleanOutcome::kOffline;
  return Step::kEnd;
}

Log::Compaction::Step Log::Compaction::Uncleanable(std::string problem) {
  REACHED(log_.env_.context, "storage.clean.uncleanable");
  result_.outcome = CleanOutcome::kUncleanable;
  result_.problem = std::move(problem);
  return Step::kEnd;
}

// Batches that compaction takes are needed by no recovery from here on.
Log::Compaction::Step Log::Compaction::Prepare() {
  fiber::MutexLock lock(self_, log_.lock_);
  if (IsStale()) return Stop();
  const Offset end = std::min(range_.end, log_.active()->base_offset());
  DiskError error = log_.MakeSnapshotDurable(self_, end);
  // Also the markers that decide the transactions below the end: with one of them lost, what it committed is open
  // again, and the records that had given way to it are gone.
  if (error == DiskError::kNone && log_.FlushShared(self_, log_.high_watermark_) != LogError::kNone) {
    error = DiskError::kIo;
  }
  if (error == DiskError::kNone && log_.flush_.recovery_point < end) error = DiskError::kIo;
  if (error == DiskError::kNone) error = log_.PersistMarks(self_, {.recovery_point = log_.flush_.recovery_point});
  if (error != DiskError::kNone) return Failed("flush before compaction", error);
  rules_.last_offsets = LastOffsetsOf(log_.producers_.states());
  // Of all segments: the marker of a transaction may stand behind the range that holds its data.
  for (const auto& [base, segment] : log_.segments_) {
    error = segment->LoadIndexes(self_);
    if (error != DiskError::kNone) return Failed("transaction index", error);
    const std::vector<AbortedTxn>& aborted = segment->txn_index().entries();
    rules_.aborted.insert(rules_.aborted.end(), aborted.begin(), aborted.end());
  }
  return Step::kGoOn;
}

Log::Compaction::Step Log::Compaction::ReadChunk(BatchScanner& scanner, Chunk& chunk) {
  chunk.bytes.clear();
  chunk.headers.clear();
  if (IsStale()) return Stop();
  const int64_t read_before = scanner.bytes_read();
  while (static_cast<int64_t>(chunk.bytes.size()) < tools_.chunk_bytes) {
    const BatchScanner::Found found = scanner.Next(self_);
    if (found == BatchScanner::Found::kEnd) break;
    if (found == BatchScanner::Found::kDiskError) return Failed("compaction", scanner.disk_error());
    if (found == BatchScanner::Found::kProblem) {
      return Uncleanable(fmt::format("byte {}: {}", scanner.position(), scanner.problem().what));
    }
    const Bytes body = scanner.Body(self_);
    if (body.empty()) return Failed("compaction", DiskError::kIo);
    chunk.bytes.insert(chunk.bytes.end(), body.begin(), body.end());
    chunk.headers.push_back(scanner.header());
  }
  result_.bytes_read += static_cast<int64_t>(chunk.bytes.size());
  tools_.throttle.Charge(self_, scanner.bytes_read() - read_before, tools_.stop);
  return IsStale() ? Stop() : Step::kGoOn;
}

Log::Compaction::Step Log::Compaction::BuildMap() {
  tools_.map.Reset(range_.end - range_.first_dirty);
  std::vector<SegmentPtr> dirty;
  for (const auto& [base, segment] : log_.segments_) {
    if (base < range_.end && segment->next_offset() > range_.first_dirty) dirty.push_back(segment);
  }
  for (const SegmentPtr& segment : dirty) {
    if (MapSegment(segment) == Step::kEnd) return Step::kEnd;
    if (map_full_) {
      REACHED(log_.env_.context, "storage.clean.map_full");
      break;
    }
    // Also past a gap that an earlier compaction left.
    tools_.map.SetLatestOffset(std::max(tools_.map.latest_offset(), segment->next_offset() - 1));
  }
  return Step::kGoOn;
}

Log::Compaction::Step Log::Compaction::MapSegment(const SegmentPtr& segment) {
  const SeekResult first = segment->Seek(self_, std::max(range_.first_dirty, segment->base_offset()));
  if (first.error == SeekError::kDisk) return Failed("compaction", DiskError::kIo);
  if (first.error == SeekError::kDamaged) return Uncleanable("a batch is damaged");
  if (!first.place) return Step::kGoOn;
  const ManagedFile::Handle file = segment->OpenLog(self_);
  if (file.error != DiskError::kNone) return Failed("compaction", file.error);
  BatchScanner scanner(file.file, {.begin = first.place->position, .end = segment->size_bytes()},
                       BatchScanner::kWalkWindowBytes);
  for (;;) {
    Chunk chunk;
    if (ReadChunk(scanner, chunk) == Step::kEnd) return Step::kEnd;
    if (chunk.headers.empty()) return Step::kGoOn;
    Mapped mapped = Mapped::kWhole;
    Offset at = kNoOffset;
    log_.env_.offload.Run(self_, [&] {
      Bytes rest = chunk.bytes;
      for (const record::BatchHeader& header : chunk.headers) {
        at = header.base_offset;
        const Bytes batch = rest.first(static_cast<size_t>(header.size_bytes));
        rest = rest.subspan(batch.size());
        mapped = MapBatch(header, batch, rules_, range_.first_dirty, tools_.map, log_.env_.context);
        if (mapped != Mapped::kWhole) return;
      }
    });
    if (mapped == Mapped::kProblem) return Uncleanable(fmt::format("the batch at offset {} is damaged", at.value()));
    map_full_ = mapped == Mapped::kFull;
    if (map_full_) return Step::kGoOn;
  }
}

// Neighbours together as far as they fit into one segment, so that segments do not become ever smaller.
std::vector<Log::Compaction::Group> Log::Compaction::GroupSegments(Offset end) const {
  std::vector<Group> groups;
  int64_t size_bytes = 0;
  for (const auto& [base, segment] : log_.segments_) {
    if (base >= end || base >= range_.end) break;
    const bool fits =
        !groups.empty() && size_bytes + segment->size_bytes() <= log_.config_.segment_bytes &&
        segment->next_offset() - 1 - groups.back().front()->base_offset() <= segment->limits().offsets_max;
    if (!fits) {
      groups.emplace_back();
      size_bytes = 0;
    }
    groups.back().push_back(segment);
    size_bytes += segment->size_bytes();
  }
  return groups;
}

Log::Compaction::Step Log::Compaction::CleanGroup(const Group& group) {
  const auto last = std::find_if(group.rbegin(), group.rend(), [](const SegmentPtr& s) { return !s->empty(); });
  if (last == group.rend()) return Step::kGoOn;
  if (IsStale() || !IsWhole(group)) return Stop();
  changed_ = group.size() > 1;
  const auto target = std::make_shared<Segment>(log_.files_, log_.place_.directory, group.front()->base_offset(),
                                                group.front()->limits());
  target->StartEmpty(log_.env_.clock.WallNow());
  target->UseSuffix(FileSuffix::kCleaned);
  // What a cleaning that ended early could not take away.
  if (const DiskError error = target->RemoveFiles(self_); error != DiskError::kNone) {
    return Failed("compaction", error);
  }
  for (const SegmentPtr& source : group) {
    const PlaceInSegment place = source == *last ? PlaceInSegment::kLast : PlaceInSegment::kInside;
    if (!source->empty() && Copy(source, *target, place) == Step::kEnd) {
      target->RemoveFiles(self_);
      return Step::kEnd;
    }
  }
  if (!changed_) {
    const DiskError error = target->RemoveFiles(self_);
    return error == DiskError::kNone ? Step::kGoOn : Failed("compaction", error);
  }
  if (CopyAborted(group, *target) == Step::kEnd) return Step::kEnd;
  DiskError error = target->Seal(self_);
  if (error == DiskError::kNone) error = target->Sync(self_);
  if (error != DiskError::kNone) return Failed("compaction", error);
  return Replace(group, target);
}

Log::Compaction::Step Log::Compaction::Copy(const SegmentPtr& source, Segment& target, PlaceInSegment place) {
  const ManagedFile::Handle file = source->OpenLog(self_);
  if (file.error != DiskError::kNone) return Failed("compaction", file.error);
  const int64_t end = source->size_bytes();
  BatchScanner scanner(file.file, {.begin = 0, .end = end}, BatchScanner::kWalkWindowBytes);
  int64_t position = 0;
  while (position < end) {
    Chunk chunk;
    if (ReadChunk(scanner, chunk) == Step::kEnd) return Step::kEnd;
    if (chunk.headers.empty()) break;
    position += static_cast<int64_t>(chunk.bytes.size());
    const bool ends = place == PlaceInSegment::kLast && position == end;
    if (CopyChunk(chunk, target, ends ? PlaceInSegment::kLast : PlaceInSegment::kInside) == Step::kEnd) {
      return Step::kEnd;
    }
  }
  return Step::kGoOn;
}

Log::Compaction::Step Log::Compaction::CopyChunk(const Chunk& chunk, Segment& target, PlaceInSegment place) {
  Chunk out;
  std::string problem;
  log_.env_.offload.Run(self_, [&] {
    Bytes rest = chunk.bytes;
    for (const record::BatchHeader& header : chunk.headers) {
      const Bytes batch = rest.first(static_cast<size_t>(header.size_bytes));
      rest = rest.subspan(batch.size());
      const PlaceInSegment here = rest.empty() ? place : PlaceInSegment::kInside;
      CleanedBatch cleaned = CleanBatch(header, batch, rules_, tools_.map, here, log_.env_.context);
      if (cleaned.fate == BatchFate::kProblem) {
        problem = std::move(cleaned.problem);
        return;
      }
      changed_ = changed_ || cleaned.fate != BatchFate::kSame;
      if (cleaned.fate == BatchFate::kDropped) continue;
      const Bytes kept = cleaned.fate == BatchFate::kSame ? batch : Bytes(cleaned.bytes);
      out.bytes.insert(out.bytes.end(), kept.begin(), kept.end());
      out.headers.push_back(record::ParseHeader(kept).header);
    }
  });
  if (!problem.empty()) return Uncleanable(std::move(problem));
  if (IsStale()) return Stop();
  if (out.headers.empty()) return Step::kGoOn;
  const auto size_bytes = static_cast<int64_t>(out.bytes.size());
  if (!target.CanHold(out.headers.back().last_offset()) ||
      target.size_bytes() + size_bytes > std::numeric_limits<int32_t>::max()) {
    return Uncleanable(fmt::format("segment {} cannot hold offset {}", target.base_offset().value(),
                                   out.headers.back().last_offset().value()));
  }
  DiskError error = target.Write(self_, out.bytes, out.headers);
  if (error == DiskError::kNone) error = target.Index(self_, out.headers);
  if (error != DiskError::kNone) return Failed("compaction", error);
  result_.bytes_written += size_bytes;
  tools_.throttle.Charge(self_, size_bytes, tools_.stop);
  return Step::kGoOn;
}

// Data of aborted transactions is left as it is, and so is what says that it is aborted.
Log::Compaction::Step Log::Compaction::CopyAborted(const Group& group, Segment& target) {
  for (const SegmentPtr& source : group) {
    if (const DiskError error = source->LoadIndexes(self_); error != DiskError::kNone) {
      return Failed("transaction index", error);
    }
    for (const AbortedTxn& txn : source->txn_index().entries()) {
      if (txn.last_offset > tools_.map.latest_offset() && MUTATION(log_.env_.context, CP10)) continue;
      const DiskError error = target.txn_index().Append(self_, txn);
      if (error != DiskError::kNone) return Failed("transaction index", error);
    }
  }
  return Step::kGoOn;
}

Log::Compaction::Step Log::Compaction::Replace(const Group& group, const SegmentPtr& target) {
  fiber::MutexLock lock(self_, log_.lock_);
  if (!IsStale() && IsWhole(group)) return ReplaceLocked(group, target);
  target->RemoveFiles(self_);
  return Stop();
}

Log::Compaction::Step Log::Compaction::ReplaceLocked(const Group& group, const SegmentPtr& target) {
  const auto sync_folder = [this] {
    ++log_.flush_.folder_changes;
    return log_.SyncFolder(self_);
  };
  if (MUTATION(log_.env_.context, CP17)) {
    for (const SegmentPtr& old : group) old->RemoveFiles(self_);
  }
  // The names first: a copy of which some file never had one must not look whole.
  DiskError error = sync_folder();
  std::vector<std::shared_ptr<env::File>> held;
  if (error == DiskError::kNone) error = target->HoldFiles(self_, held);
  if (error == DiskError::kNone) error = target->Rename(self_, FileSuffix::kSwap);
  if (error == DiskError::kNone) error = sync_folder();
  if (error != DiskError::kNone) return Failed("compaction", error);
  REACHED(log_.env_.context, "storage.clean.replaced");
  int64_t size_before = 0;
  for (const SegmentPtr& old : group) {
    size_before += old->size_bytes();
    log_.segments_.erase(old->base_offset());
  }
  log_.segments_[target->base_offset()] = target;
  ++log_.replacements_;
  log_.env_.observer.On(env::SegmentsCompacted{.partition = log_.observed_name(),
                                               .base_offset = target->base_offset(),
                                               .next_offset = target->next_offset(),
                                               .replaced_end = group.back()->next_offset(),
                                               .last_stable_offset = log_.last_stable_offset(),
                                               .active_base_offset = log_.active()->base_offset(),
                                               .size_bytes_before = size_before,
                                               .size_bytes = target->size_bytes()});
  for (const SegmentPtr& old : group) {
    if (error == DiskError::kNone) error = log_.BuryFiles(self_, old);
  }
  if (error == DiskError::kNone) error = sync_folder();
  if (error == DiskError::kNone) error = target->Rename(self_, FileSuffix::kNone);
  std::set<Offset> bases;
  for (const auto& [base, segment] : log_.segments_) bases.insert(base);
  if (error == DiskError::kNone) error = log_.producers_.RemoveStray(self_, bases);
  if (error == DiskError::kNone) error = sync_folder();
  return error == DiskError::kNone ? Step::kGoOn : Failed("compaction", error);
}

Log::Compaction::Step Log::Compaction::RaiseCleanedUntil() {
  fiber::MutexLock lock(self_, log_.lock_);
  if (IsStale()) return Stop();
  const DiskError error = log_.PersistMarks(self_, {.cleaned_until = result_.cleaned_until});
  if (error != DiskError::kNone) return Failed("cleaner checkpoint", error);
  log_.cleaned_until_ = result_.cleaned_until;
  return Step::kGoOn;
}

}  // namespace odradek::storage
