// What of a log is whole: its end after a clean shutdown, its batches after a crash.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "engine/base/check.h"
#include "engine/storage/log_loader.h"
#include "engine/storage/torn_write.h"

namespace odradek::storage {

using env::DiskError;

// The end of the last segment, from its last index entry on. What does not look as a clean shutdown leaves it is
// recovered after all.
absl::Status Log::Loader::LoadCleanEnd() {
  Segment& last = *log_.active();
  if (last.empty()) {
    last.StartLoaded(0, last.base_offset(), log_.env_.clock.WallNow());
    const DiskError error =
        last.StartRebuild(self_, {.position = 0, .offset = last.base_offset(), .synced_until = last.base_offset()});
    return error == DiskError::kNone ? absl::OkStatus() : DiskProblem(LogFileName(last), error);
  }
  absl::StatusOr<Start> start = FindStart(last, Offset(std::numeric_limits<int64_t>::max()));
  if (!start.ok()) return start.status();
  const ManagedFile::Handle file = last.OpenLog(self_);
  if (file.error != DiskError::kNone) return DiskProblem(LogFileName(last), file.error);
  BatchScanner scanner(file.file, {.begin = start->position, .end = file_sizes_[last.base_offset()]},
                       BatchScanner::kWalkWindowBytes);
  Offset next = start->offset;
  BatchScanner::Found found = scanner.Next(self_);
  for (; found == BatchScanner::Found::kBatch; found = scanner.Next(self_)) {
    const record::BatchHeader& header = scanner.header();
    const bool is_gap = header.base_offset > next && !MayHaveGaps();
    if (header.base_offset < next || is_gap || !last.CanHold(header.last_offset())) break;
    if (HasNotBegun(header.leader_epoch) || IsGapOfNobody(next, header)) break;
    next = header.next_offset();
    EnterEpoch(header);
  }
  bytes_read_ += scanner.bytes_read();
  if (found == BatchScanner::Found::kDiskError) return DiskProblem(LogFileName(last), scanner.disk_error());
  if (found != BatchScanner::Found::kEnd) {
    REACHED(log_.env_.context, "storage.clean_shutdown_was_not");
    Warn("the log is not as a clean shutdown leaves it and is recovered",
         fmt::format("{}: byte {}: {}", LogFileName(last), scanner.position(), scanner.problem().what));
    unclean_ = true;
    return absl::OkStatus();
  }
  last.StartLoaded(file_sizes_[last.base_offset()], next, log_.env_.clock.WallNow());
  const DiskError error =
      last.StartRebuild(self_, {.position = last.size_bytes(), .offset = next, .synced_until = next});
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem(LogFileName(last), error);
}

// Whether the bytes at the entry's position are the batch that the entry names.
absl::StatusOr<bool> Log::Loader::IsBatchAt(Segment& segment, const IndexEntry& entry, Start& start) {
  const ManagedFile::Handle file = segment.OpenLog(self_);
  if (file.error != DiskError::kNone) return DiskProblem(LogFileName(segment), file.error);
  const int64_t end = file_sizes_[segment.base_offset()];
  if (entry.value >= end) return false;
  BatchScanner scanner(file.file, {.begin = entry.value, .end = end}, BatchScanner::kLookWindowBytes);
  const BatchScanner::Found found = scanner.Next(self_);
  bool same = false;
  if (found == BatchScanner::Found::kBatch && scanner.header().base_offset >= segment.base_offset() &&
      scanner.header().last_offset() - segment.base_offset() <= entry.key) {
    const Bytes body = scanner.Body(self_);
    same = !body.empty() && record::CheckCrc(body);
    start = {.position = entry.value, .offset = scanner.header().base_offset};
  }
  bytes_read_ += scanner.bytes_read();
  if (found == BatchScanner::Found::kDiskError) return DiskProblem(LogFileName(segment), scanner.disk_error());
  return same;
}

absl::StatusOr<Log::Loader::Start> Log::Loader::FindStart(Segment& segment, Offset recovery_point) {
  // Indexes have no checksums: an entry counts if what it points at agrees with it.
  constexpr int kTriesMax = 3;
  if (const DiskError error = segment.LoadIndexes(self_); error != DiskError::kNone) {
    return DiskProblem(LogFileName(segment), error);
  }
  Start start{.position = 0, .offset = segment.base_offset()};
  int64_t below = recovery_point - segment.base_offset();
  for (int i = 0; i < kTriesMax && below > 0; ++i) {
    const SparseIndex::FloorResult floor = segment.offset_index().Floor(self_, IndexField::kKey, below - 1);
    if (floor.error != DiskError::kNone) return DiskProblem(LogFileName(segment), floor.error);
    if (!floor.entry) break;
    absl::StatusOr<bool> agrees = IsBatchAt(segment, *floor.entry, start);
    if (!agrees.ok()) return agrees.status();
    if (*agrees) return start;
    REACHED(log_.env_.context, "storage.index_entry_leads_astray");
    below = floor.entry->key;
  }
  return Start{.position = 0, .offset = segment.base_offset()};
}

absl::Status Log::Loader::Recover() {
  REACHED(log_.env_.context, "storage.recovery");
  const Offset first_base = log_.segments_.begin()->first;
  const Offset recovery_point = std::max(checkpoints_.recovery_point, first_base);
  if (MUTATION(log_.env_.context, LG13)) {
    const DiskError error = log_.producers_.RemoveAbove(self_, recovery_point - 1);
    if (error != DiskError::kNone) return DiskProblem("", error);
  }
  // A segment that ends at the recovery point counts as unsynced: its last index entries were written at its roll.
  SegmentPtr segment = log_.SegmentFor(recovery_point - 1);
  INVARIANT(segment != nullptr);
  bool torn = false;
  bool first = true;
  for (; segment != nullptr && !torn; segment = log_.SegmentAfter(*segment)) {
    Start start{.position = 0, .offset = segment->base_offset()};
    if (first) {
      absl::StatusOr<Start> found = FindStart(*segment, recovery_point);
      if (!found.ok()) return found.status();
      start = *found;
      log_.flush_.suspect_from = start.offset;
      if (absl::Status status = RestoreProducers(start.offset); !status.ok()) return status;
      // Those above were perhaps never synced; they are made anew.
      const DiskError error = log_.producers_.RemoveAbove(self_, std::max(start.offset, recovery_point));
      if (error != DiskError::kNone) return DiskProblem("producer snapshot", error);
    } else if (!Follows(*segment)) {
      // The segment before lost its end: what follows a hole was never durable either.
      REACHED(log_.env_.context, "storage.hole_between_segments");
      const SegmentPtr before = std::prev(log_.segments_.find(segment->base_offset()))->second;
      if (absl::Status status = PrepareCut(log_.log_end_); !status.ok()) return status;
      return DropAfter(*before);
    }
    if (!first) {
      if (absl::Status status = SettleProducersAt(segment->base_offset()); !status.ok()) return status;
    }
    first = false;
    if (absl::Status status = RecoverSegment(*segment, start, torn); !status.ok()) return status;
    log_.log_end_ = segment->next_offset();
    if (torn) return DropAfter(*segment);
  }
  return absl::OkStatus();
}

// Compaction may have taken batches below that a producer's state still tells of: then the snapshot knows better. As
// long as both agree, the batches tell more than a snapshot holds.
void Log::Loader::Adopt(producers::ProducerStates states) {
  if (states.Fingerprint() == log_.producers_.states().Fingerprint()) return;
  log_.producers_.states() = std::move(states);
}

absl::Status Log::Loader::SettleProducersAt(Offset base) {
  if (log_.producers_.HasSnapshot(base)) {
    ProducerStore::RestoreResult found = log_.producers_.Restore(self_, base, Offset(0));
    if (found.error != DiskError::kNone) return DiskProblem("producer snapshot", found.error);
    if (found.offset == base) Adopt(std::move(found.states));
  }
  const DiskError error = log_.producers_.TakeSnapshot(self_, base);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("producer snapshot", error);
}

// The same for a snapshot inside of the last segment or at its end: of a clean shutdown, or of a segment behind it that
// was cut off.
absl::Status Log::Loader::SettleProducersAtEnd() {
  Offset newest = kNoOffset;
  for (const Offset offset : log_.producers_.SnapshotOffsets()) {
    if (offset <= log_.log_end_) newest = offset;
  }
  if (newest == kNoOffset || log_.segments_.contains(newest)) return absl::OkStatus();
  producers::ProducerStates states(log_.producers_.states().config());
  const DiskError error = log_.FoldProducers(self_, log_.log_end_, states);
  if (error != DiskError::kNone) return DiskProblem("producer snapshot", error);
  Adopt(std::move(states));
  return absl::OkStatus();
}

void Log::Loader::LookBehind(const Segment& segment, const std::shared_ptr<env::File>& file,
                             const BatchScanner& scanner, Around& around) {
  around.next_base = kNoOffset;
  around.next_epoch = kNoLeaderEpoch;
  // Where there is no gap the offset is right, and so is an epoch that has begun.
  const record::BatchHeader& header = scanner.header();
  if (header.base_offset <= segment.next_offset() && !HasNotBegun(header.leader_epoch)) return;
  BatchScanner behind(file, {.begin = scanner.end_position(), .end = file_sizes_[segment.base_offset()]},
                      record::kBatchOverheadBytes);
  const BatchScanner::Found found = behind.Next(self_);
  const SegmentPtr next = log_.SegmentAfter(segment);
  if (found == BatchScanner::Found::kBatch) {
    around.next_base = behind.header().base_offset;
    around.next_epoch = behind.header().leader_epoch;
  } else if (found == BatchScanner::Found::kEnd && next != nullptr) {
    around.next_base = next->base_offset();
  }
}

// An epoch is durable in the list before its first batch is written, and leaves it after its last one is gone or when
// it lies below the log start. A list that does not parse, or that was lost, says nothing.
bool Log::Loader::HasNotBegun(LeaderEpoch epoch) const {
  const std::vector<EpochEntry>& begun = log_.epochs_.list().entries();
  if (epochs_lost_ || begun.empty() || epoch < begun.front().epoch) return false;
  const auto by_epoch = [](const EpochEntry& entry, LeaderEpoch wanted) { return entry.epoch < wanted; };
  const auto at = std::lower_bound(begun.begin(), begun.end(), epoch, by_epoch);
  return at == begun.end() || at->epoch != epoch;
}

// Only compaction leaves gaps, and a follower announces those of its leader; else there is none and the offset is
// wrong. Where the log was synced up to, a batch ended, unless the log began there: what lies below, some other program
// may have compacted. Below the log start nobody looks.
bool Log::Loader::IsGapOfNobody(Offset next, const record::BatchHeader& header) const {
  if (log_.config_.cleanup_compact || checkpoints_.cleaned_until != kNoOffset) return false;
  const Offset synced = checkpoints_.recovery_point;
  return header.base_offset > next && header.next_offset() > synced &&
         std::max(header.base_offset, synced) > checkpoints_.log_start_offset;
}

std::string Log::Loader::WhatIsWrong(const Segment& segment, const BatchScanner& scanner, Bytes body,
                                     const Around& around) const {
  const record::BatchHeader& header = scanner.header();
  // Base offset and leader epoch are outside the CRC: they must fit what stands before.
  if (header.base_offset < segment.next_offset()) {
    return fmt::format("base offset {}, {} was next", header.base_offset.value(), segment.next_offset().value());
  }
  // A follower of a compacted log has gaps wherever the leader has them, but nothing overlaps.
  if (header.base_offset > segment.next_offset() && around.next_base != kNoOffset &&
      around.next_base <= header.last_offset()) {
    return fmt::format("base offset {}, {} was next, and the batch behind it begins at {}", header.base_offset.value(),
                       segment.next_offset().value(), around.next_base.value());
  }
  if (header.base_offset > segment.next_offset() && !MayHaveGaps()) {
    return fmt::format("base offset {}, {} was next", header.base_offset.value(), segment.next_offset().value());
  }
  if (IsGapOfNobody(segment.next_offset(), header)) {
    return fmt::format("base offset {}, {} was next, the log was synced up to {} and never compacted",
                       header.base_offset.value(), segment.next_offset().value(), checkpoints_.recovery_point.value());
  }
  if (!segment.CanHold(header.last_offset())) return fmt::format("offset {} is too far", header.last_offset().value());
  if (header.leader_epoch < around.epoch) {
    return fmt::format("leader epoch {} after {}", header.leader_epoch.value(), around.epoch.value());
  }
  // The list has no checksum either: two batches that agree count for more.
  if (HasNotBegun(header.leader_epoch) && header.leader_epoch != around.next_epoch) {
    return fmt::format("leader epoch {}, which has not begun", header.leader_epoch.value());
  }
  if (MUTATION(log_.env_.context, LG07)) return {};
  if (body.empty()) return "the batch cannot be read";
  if (!record::CheckCrc(body)) return "wrong CRC";
  return {};
}

void Log::Loader::EnterEpoch(const record::BatchHeader& header) {
  if (header.leader_epoch <= log_.latest_epoch()) return;
  if (MUTATION(log_.env_.context, LG11) && header.leader_epoch == LeaderEpoch(0)) return;
  log_.epochs_.list_to_load().Assign(header.leader_epoch, header.base_offset);
}

DiskError Log::Loader::TakeBatch(Segment& segment, const record::BatchHeader& header, Bytes body) {
  if (const DiskError error = segment.RebuildBatch(self_, header); error != DiskError::kNone) return error;
  EnterEpoch(header);
  const Headers one{header};
  return log_.ApplyToProducers(self_, body, one, segment);
}

absl::Status Log::Loader::RecoverSegment(Segment& segment, const Start& start, bool& torn) {
  const int64_t file_size = file_sizes_[segment.base_offset()];
  const DiskError rebuilds =
      segment.StartRebuild(self_, {.position = start.position,
                                   .offset = start.offset,
                                   .synced_until = std::max(checkpoints_.recovery_point, Offset(0))});
  if (rebuilds != DiskError::kNone) return DiskProblem(LogFileName(segment), rebuilds);
  const ManagedFile::Handle file = segment.OpenLog(self_);
  if (file.error != DiskError::kNone) return DiskProblem(LogFileName(segment), file.error);
  BatchScanner scanner(file.file, {.begin = start.position, .end = file_size}, BatchScanner::kWalkWindowBytes);
  BatchScanner::Found found = scanner.Next(self_);
  Around around;
  std::string wrong;
  std::vector<uint32_t> seen;
  for (; found == BatchScanner::Found::kBatch; found = scanner.Next(self_)) {
    seen.push_back(Segment::Fingerprint(scanner.header()));
    LookBehind(segment, file.file, scanner, around);
    const Bytes body = scanner.Body(self_);
    if (wrong = WhatIsWrong(segment, scanner, body, around); !wrong.empty()) break;
    around.epoch = scanner.header().leader_epoch;
    if (const DiskError error = TakeBatch(segment, scanner.header(), body); error != DiskError::kNone) {
      return DiskProblem(LogFileName(segment), error);
    }
  }
  bytes_read_ += scanner.bytes_read();
  if (found == BatchScanner::Found::kDiskError) return DiskProblem(LogFileName(segment), scanner.disk_error());
  torn = segment.size_bytes() != file_size;
  if (torn) {
    REACHED(log_.env_.context, "storage.recovery.torn_tail");
    // What is cut off is gone: not before the disk has said the same twice.
    BatchScanner again(file.file, {.begin = start.position, .end = file_size}, BatchScanner::kWalkWindowBytes);
    std::vector<uint32_t> seen_again;
    for (found = again.Next(self_); found == BatchScanner::Found::kBatch; found = again.Next(self_)) {
      seen_again.push_back(Segment::Fingerprint(again.header()));
      if (again.position() >= segment.size_bytes()) break;
    }
    if (found == BatchScanner::Found::kDiskError) return DiskProblem(LogFileName(segment), again.disk_error());
    if (seen_again != seen || again.position() != segment.size_bytes()) {
      REACHED(log_.env_.context, "storage.recovery.reads_differ");
      return Problem(LogFileName(segment), fmt::format("byte {}: the disk gives other bytes at each read",
                                                       std::min(again.position(), segment.size_bytes())));
    }
    bytes_truncated_ += file_size - segment.size_bytes();
    const BadEnd end{.position = segment.size_bytes(),
                     .file_size = file_size,
                     .wrong = wrong.empty() ? scanner.problem().what : wrong};
    if (absl::Status status = JudgeBadEnd(segment, *file.file, end); !status.ok()) return status;
    if (absl::Status status = PrepareCut(segment.next_offset()); !status.ok()) return status;
  }
  if (!wrong.empty()) seen.pop_back();
  segment.ExpectWhenRewritten(std::move(seen));
  DiskError error = segment.FinishRebuild(self_, file_size);
  if (error == DiskError::kNone && segment.base_offset() != log_.active()->base_offset() && !torn) {
    error = segment.Seal(self_);
  }
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem(LogFileName(segment), error);
}

absl::Status Log::Loader::JudgeBadEnd(const Segment& segment, env::File& file, const BadEnd& end) {
  const Offset expected = MayHaveGaps() ? kNoOffset : segment.next_offset();
  const TornResult judged = JudgeTorn(self_, file, end.position, end.file_size, expected);
  if (judged.error != DiskError::kNone) return DiskProblem(LogFileName(segment), judged.error);
  std::string text = fmt::format("byte {} of {}, offset {}: {}; {}", end.position, end.file_size,
                                 segment.next_offset().value(), end.wrong, ToString(judged.verdict));
  if (judged.whole_at >= 0) text += fmt::format(" (at byte {})", judged.whole_at);
  // With every batch synced before the next one, only the last write of all can be torn.
  const bool is_last = log_.SegmentAfter(segment) == nullptr;
  if (!is_last) text += "; another segment follows";
  const bool may_be_torn = judged.verdict == TornVerdict::kMayBeTorn && is_last;
  if (!may_be_torn && log_.config_.damage == LogConfig::Damage::kRefuseUnlessTorn) {
    REACHED(log_.env_.context, "storage.recovery.refused_damage");
    return Problem(LogFileName(segment), text);
  }
  const bool is_damaged = judged.verdict == TornVerdict::kDamaged;
  if (is_damaged && damaged_from_ == kNoOffset) damaged_from_ = segment.next_offset();
  if (is_damaged) REACHED(log_.env_.context, "storage.recovery.cut_off_damage");
  log_.env_.log.Write(is_damaged ? env::LogLevel::kError : env::LogLevel::kWarning, "storage",
                      is_damaged ? "recovery cuts off what the disk damaged, and all that follows it"
                                 : "recovery cuts off what is not a whole batch, and all that follows it",
                      {{"detail", fmt::format("{}: {}", Join(log_.place_.directory, LogFileName(segment)), text)}});
  return absl::OkStatus();
}

// A recovery point above the cut goes down first: a start that dies over the cut leaves a log that ends there.
absl::Status Log::Loader::PrepareCut(Offset from) {
  log_.env_.observer.On(env::LogCutOff{.partition = log_.observed_name(), .from = from});
  if (checkpoints_.recovery_point > from && !MayHaveGaps()) return EndsTooEarly(from);
  const DiskError error = log_.PersistMarks(self_, {.recovery_point_at_most = from});
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("recovery point checkpoint", error);
}

bool Log::Loader::Follows(const Segment& segment) const {
  if (segment.base_offset() == log_.log_end_) return true;
  return segment.base_offset() > log_.log_end_ && segment.base_offset() <= GapsEnd();
}

// Nothing behind `segment` counts any more.
absl::Status Log::Loader::DropAfter(const Segment& segment) {
  const Offset keep = segment.base_offset();
  int64_t dropped_bytes = 0;
  int dropped_count = 0;
  Offset dropped_to = kNoOffset;
  while (log_.active()->base_offset() > keep) {
    const SegmentPtr last = log_.active();
    dropped_bytes += last->size_bytes();
    ++dropped_count;
    dropped_to = std::max(dropped_to, last->base_offset());
    if (const DiskError error = log_.Bury(self_, last); error != DiskError::kNone) {
      return DiskProblem(LogFileName(*last), error);
    }
  }
  bytes_truncated_ += dropped_bytes;
  if (dropped_count > 0) {
    log_.env_.log.Write(env::LogLevel::kError, "storage", "recovery drops the segments behind what it cut off",
                        {{"log", log_.place_.directory},
                         {"log_end_offset", fmt::format("{}", log_.log_end_.value())},
                         {"segments", fmt::format("{}", dropped_count)},
                         {"bytes", fmt::format("{}", dropped_bytes)},
                         {"last_segment", fmt::format("{}", dropped_to.value())}});
  }
  // Before anything is appended in their place.
  const DiskError error = log_.SyncFolder(self_);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("", error);
}

}  // namespace odradek::storage
