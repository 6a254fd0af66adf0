// Opening a log: what its folder holds, put in order before and after recovery.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "engine/base/check.h"
#include "engine/storage/log_loader.h"

namespace odradek::storage {

using env::DiskError;
using env::ShutdownKind;

absl::StatusOr<std::shared_ptr<Log>> Log::Open(fiber::Fiber& self, env::Env& env, OpenFiles& files, LogMarks* marks,
                                               const LogPlace& place, const LogConfig& config,
                                               const LogCheckpoints& checkpoints) {
  std::shared_ptr<Log> log(new Log(env, files, marks, place, config));
  Loader loader(self, *log, checkpoints);
  if (absl::Status status = loader.Run(); !status.ok()) return status;
  return log;
}

absl::Status Log::Loader::Run() {
  unclean_ = checkpoints_.previous_shutdown == ShutdownKind::kUnclean;
  if (absl::Status status = ScanFolder(); !status.ok()) return status;
  if (absl::Status status = FinishSwaps(); !status.ok()) return status;
  if (absl::Status status = PlaceSegments(); !status.ok()) return status;
  if (absl::Status status = FinishDeletion(); !status.ok()) return status;
  if (absl::Status status = RebuildMissingIndexes(); !status.ok()) return status;
  if (absl::Status status = LoadEpochs(); !status.ok()) return status;
  if (!log_.segments_.empty() && !unclean_) {
    if (absl::Status status = LoadCleanEnd(); !status.ok()) return status;
  }
  if (!log_.segments_.empty() && unclean_) {
    if (absl::Status status = Recover(); !status.ok()) return status;
    if (absl::Status status = SettleProducersAtEnd(); !status.ok()) return status;
  }
  if (absl::Status status = SettleStart(); !status.ok()) return status;
  return Finish();
}

absl::Status Log::Loader::RemoveFile(const std::string& name) {
  const DiskError error = RemoveIfThere(self_, log_.env_.disk, Join(log_.place_.directory, name));
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem(name, error);
}

absl::Status Log::Loader::ScanFolder() {
  const env::ListResult list = log_.env_.disk.List(self_, log_.place_.directory);
  if (list.error != DiskError::kNone) return DiskProblem("", list.error);
  for (const env::DirectoryEntry& entry : list.entries) {
    if (absl::Status status = NoteFile(entry); !status.ok()) return status;
  }
  for (const SegmentFileName& swap : swaps_) {
    // Behind the smallest half-written result it belongs to a split that did not come to its end.
    if (swap.base_offset < cleaned_from_) continue;
    if (absl::Status status = RemoveFile(ToString(swap)); !status.ok()) return status;
  }
  std::erase_if(swaps_, [&](const SegmentFileName& swap) { return swap.base_offset >= cleaned_from_; });
  if (MUTATION(log_.env_.context, LG25)) swaps_.clear();
  return absl::OkStatus();
}

absl::Status Log::Loader::NoteFile(const env::DirectoryEntry& entry) {
  if (entry.kind != env::FileKind::kFile) {
    Warn("a folder inside a partition's folder is left alone", Join(log_.place_.directory, entry.name));
    return absl::OkStatus();
  }
  const std::optional<SegmentFileName> name = ParseSegmentFileName(entry.name);
  if (!name) {
    if (entry.name == kEpochCheckpointName || entry.name == kPartitionMetadataName) return absl::OkStatus();
    if (entry.name.ends_with(kTmpSuffix)) return RemoveFile(entry.name);
    if (entry.name == kQuorumStateName || entry.name.ends_with(kMetadataSnapshotSuffix)) return absl::OkStatus();
    Warn("a file that does not belong to the log is left alone", Join(log_.place_.directory, entry.name));
    return absl::OkStatus();
  }
  switch (name->suffix) {
    case FileSuffix::kDeleted:
    case FileSuffix::kTmp:
      return RemoveFile(entry.name);
    case FileSuffix::kCleaned:
      cleaned_from_ = std::min(cleaned_from_, name->base_offset);
      return RemoveFile(entry.name);
    case FileSuffix::kSwap:
      swaps_.push_back(*name);
      return absl::OkStatus();
    case FileSuffix::kNone:
      break;
  }
  if (name->kind == SegmentFileKind::kProducerSnapshot) {
    log_.producers_.AddFound(name->base_offset, checkpoints_.previous_shutdown);
  } else if (name->kind == SegmentFileKind::kLog) {
    found_[name->base_offset].log = true;
  } else {
    found_[name->base_offset].indexes.push_back(name->kind);
  }
  return absl::OkStatus();
}

// A compaction that was interrupted while its results took the place of the originals is finished (KAFKA-6264).
absl::Status Log::Loader::FinishSwaps() {
  for (const SegmentFileName& swap : swaps_) {
    if (swap.kind != SegmentFileKind::kLog) continue;
    REACHED(log_.env_.context, "storage.finished_swap");
    const std::string path = Join(log_.place_.directory, ToString(swap));
    const env::OpenResult file = log_.env_.disk.Open(self_, path, env::OpenMode::kReadOnly);
    if (file.error != DiskError::kNone) return DiskProblem(ToString(swap), file.error);
    const env::IoResult size = file.file->Size(self_);
    if (!size.ok()) return DiskProblem(ToString(swap), size.error);
    BatchScanner scanner(std::shared_ptr<env::File>(file.file.get(), [](env::File*) {}),
                         {.begin = 0, .end = size.size_bytes}, BatchScanner::kWalkWindowBytes);
    Offset end = swap.base_offset;
    while (scanner.Next(self_) == BatchScanner::Found::kBatch) end = scanner.header().next_offset();
    std::vector<SegmentFileKind> kept;
    for (auto it = found_.lower_bound(swap.base_offset); it != found_.end() && it->first < end;) {
      for (const SegmentFileKind kind : it->second.indexes) {
        // Of the copy already: its new name survived a loss of power, that of the log did not. An original's that says
        // anything has one of the copy beside it, which says the same and takes its place below.
        if (kind == SegmentFileKind::kTxnIndex && it->first == swap.base_offset) {
          kept.push_back(kind);
          continue;
        }
        const SegmentFileName old{.base_offset = it->first, .kind = kind, .suffix = FileSuffix::kNone};
        if (absl::Status status = RemoveFile(ToString(old)); !status.ok()) return status;
      }
      const SegmentFileName old{.base_offset = it->first, .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone};
      if (absl::Status status = RemoveFile(ToString(old)); !status.ok()) return status;
      it = found_.erase(it);
    }
    if (!kept.empty()) found_[swap.base_offset].indexes = std::move(kept);
  }
  if (!swaps_.empty()) {
    // An original that came back behind the copy would hold the same offsets twice.
    const DiskError error = log_.env_.disk.SyncDirectory(self_, log_.place_.directory);
    if (error != DiskError::kNone) return DiskProblem("", error);
  }
  for (SegmentFileName swap : swaps_) {
    const std::string from = Join(log_.place_.directory, ToString(swap));
    swap.suffix = FileSuffix::kNone;
    const DiskError error = log_.env_.disk.Rename(self_, from, Join(log_.place_.directory, ToString(swap)));
    if (error != DiskError::kNone) return Problem(ToString(swap), env::ToString(error));
    if (swap.kind == SegmentFileKind::kLog) {
      found_[swap.base_offset].log = true;
    } else {
      found_[swap.base_offset].indexes.push_back(swap.kind);
    }
  }
  if (!swaps_.empty()) ++log_.flush_.folder_changes;
  return absl::OkStatus();
}

absl::Status Log::Loader::PlaceSegments() {
  const WallTime now = log_.env_.clock.WallNow();
  for (const auto& [base, files] : found_) {
    if (!files.log) {
      for (const SegmentFileKind kind : files.indexes) {
        const SegmentFileName orphan{.base_offset = base, .kind = kind, .suffix = FileSuffix::kNone};
        Warn("an index without a log file is removed", Join(log_.place_.directory, ToString(orphan)));
        if (absl::Status status = RemoveFile(ToString(orphan)); !status.ok()) return status;
      }
      continue;
    }
    const SegmentFileName name{.base_offset = base, .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone};
    const env::StatResult stat = log_.env_.disk.Stat(self_, Join(log_.place_.directory, ToString(name)));
    if (stat.error != DiskError::kNone) return DiskProblem(ToString(name), stat.error);
    if (stat.size_bytes > std::numeric_limits<int32_t>::max()) {
      return Problem(ToString(name), fmt::format("{} bytes, a segment has at most 2^31-1", stat.size_bytes));
    }
    const bool is_last = base == found_.rbegin()->first;
    if (stat.size_bytes == 0 && !is_last) {
      Warn("a segment is empty although others follow it: its records are lost",
           Join(log_.place_.directory, ToString(name)));
    }
    file_sizes_[base] = stat.size_bytes;
    log_.segments_[base] = std::make_shared<Segment>(log_.files_, log_.place_.directory, base, log_.limits());
  }
  for (const auto& [base, segment] : log_.segments_) {
    const SegmentPtr next = log_.SegmentAfter(*segment);
    // Of the last one the end is not known yet; this is as far as its indexes could reach.
    const Offset end = next != nullptr ? next->base_offset() : base + segment->limits().offsets_max + 1;
    segment->StartLoaded(file_sizes_[base], end, now);
  }
  return absl::OkStatus();
}

// Segments below the log start were about to be deleted: some of them may be gone already, and nothing may be
// concluded from the others. A deletion begins only when the snapshot is durable that takes their place.
absl::Status Log::Loader::FinishDeletion() {
  Offset base = kNoOffset;
  std::optional<producers::ProducerStates> states;
  for (const auto& [candidate, segment] : log_.segments_) {
    if (candidate > checkpoints_.log_start_offset || candidate == log_.segments_.begin()->first) continue;
    ProducerStore::RestoreResult found = log_.producers_.Restore(self_, candidate, Offset(0));
    if (found.error != DiskError::kNone) return DiskProblem("producer snapshot", found.error);
    if (found.offset != candidate) continue;
    base = candidate;
    states = std::move(found.states);
  }
  if (base == kNoOffset) return absl::OkStatus();
  REACHED(log_.env_.context, "storage.finished_deletion");
  ++log_.flush_.folder_changes;
  DiskError error = log_.producers_.SnapshotDurably(self_, *states, base);
  if (error == DiskError::kNone) error = log_.SyncFolder(self_);
  while (error == DiskError::kNone && log_.segments_.begin()->first < base) {
    const SegmentPtr first = log_.segments_.begin()->second;
    error = log_.Bury(self_, first);
  }
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("", error);
}

// Of segments that are not the last: the last one's are rebuilt where they are needed.
absl::Status Log::Loader::RebuildMissingIndexes() {
  for (const auto& [base, segment] : log_.segments_) {
    if (segment == log_.active() || segment->empty()) continue;
    const std::vector<SegmentFileKind>& there = found_[base].indexes;
    const auto has = [&](SegmentFileKind kind) { return std::find(there.begin(), there.end(), kind) != there.end(); };
    if (has(SegmentFileKind::kOffsetIndex) && has(SegmentFileKind::kTimeIndex)) continue;
    REACHED(log_.env_.context, "storage.missing_index");
    Warn("indexes are rebuilt from the batches", Join(log_.place_.directory, LogFileName(*segment)));
    const DiskError error = segment->RebuildIndexes(self_);
    if (error != DiskError::kNone) {
      return Problem(LogFileName(*segment), fmt::format("its indexes cannot be rebuilt: {}", env::ToString(error)));
    }
    ++log_.flush_.folder_changes;
  }
  return absl::OkStatus();
}

absl::Status Log::Loader::LoadEpochs() {
  const EpochCache::LoadResult loaded = log_.epochs_.Load(self_);
  if (loaded.error != DiskError::kNone) return DiskProblem(kEpochCheckpointName, loaded.error);
  // Epochs are durable before their first batch is written: a list without any was lost.
  if (loaded.problem.empty()) {
    epochs_lost_ = log_.latest_epoch() == kNoLeaderEpoch && log_.size_bytes() > 0;
    return absl::OkStatus();
  }
  if (log_.config_.damage == LogConfig::Damage::kRefuseUnlessTorn) {
    return base::DataLoss(fmt::format("{}; restore it, or remove it to have it made from the batches", loaded.problem));
  }
  Warn("leader epochs are rebuilt from the batches", loaded.problem);
  epochs_lost_ = true;
  return absl::OkStatus();
}

absl::Status Log::Loader::SettleStart() {
  const bool none = log_.segments_.empty();
  if (!none) log_.log_end_ = log_.active()->next_offset();
  const Offset first_base = none ? Offset(0) : log_.segments_.begin()->first;
  log_.log_start_ = std::max(checkpoints_.log_start_offset, first_base);
  if (checkpoints_.log_start_offset != kNoOffset && checkpoints_.log_start_offset < first_base) {
    // The start rises before a segment goes.
    REACHED(log_.env_.context, "storage.first_segments_lost");
    log_.env_.log.Write(env::LogLevel::kError, "storage", "records are lost: the first segments are gone",
                        {{"log", log_.place_.directory},
                         {"log_start_offset", fmt::format("{}", checkpoints_.log_start_offset.value())},
                         {"first_segment", fmt::format("{}", first_base.value())}});
  }
  const std::vector<EpochEntry>& epochs = log_.epochs_.list().entries();
  if (checkpoints_.are_log_starts_damaged && !none && !epochs.empty()) {
    // The list of epochs begins where the log does: what was deleted stays deleted, also if all that was left is lost.
    REACHED(log_.env_.context, "storage.log_start_from_epochs");
    log_.log_start_ = std::max(log_.log_start_, epochs.front().start_offset);
  }
  if (!none && (log_.log_start_ < log_.log_end_ || log_.log_start_ == first_base)) return absl::OkStatus();
  // Either nothing is there, or what is there lies wholly below the start: then only what it says of producers counts.
  const Offset start = log_.log_start_;
  const auto at_start = log_.segments_.find(start);
  SegmentPtr fresh = at_start == log_.segments_.end() ? nullptr : at_start->second;
  if (fresh == nullptr) {
    fresh = std::make_shared<Segment>(log_.files_, log_.place_.directory, start, log_.limits());
    fresh->StartEmpty(log_.env_.clock.WallNow());
  }
  INVARIANT(fresh->empty());
  if (!none) {
    if (absl::Status status = KeepProducersOnly(*fresh); !status.ok()) return status;
  }
  log_.segments_.erase(start);
  while (!log_.segments_.empty()) {
    const SegmentPtr last = log_.active();
    if (const DiskError error = log_.Bury(self_, last); error != DiskError::kNone) {
      return DiskProblem(LogFileName(*last), error);
    }
  }
  log_.log_end_ = start;
  log_.segments_[start] = fresh;
  return absl::OkStatus();
}

// Durably in `fresh`, with which the log begins from now on: what is removed next may come back, and it counts no more
// then (FinishDeletion).
absl::Status Log::Loader::KeepProducersOnly(Segment& fresh) {
  if (!producers_ready_) {
    if (absl::Status status = RestoreProducers(log_.log_end_); !status.ok()) return status;
  }
  // A transaction that is open in what is left may have ended in what is not: it would hold up readers for ever. If it
  // goes on, its next batch begins it again.
  producers::ProducerStates known(log_.producers_.states().config(), log_.producers_.states().end_offset());
  for (auto [id, entry] : log_.producers_.states().entries()) {
    entry.current_txn_first_offset = kNoOffset;
    known.Restore(id, std::move(entry));
  }
  log_.producers_.states() = std::move(known);
  DiskError error = log_.producers_.RemoveAbove(self_, log_.log_end_);
  if (error == DiskError::kNone) {
    error = log_.producers_.ReplaceDurably(self_, log_.producers_.states(), log_.log_start_);
  }
  if (error == DiskError::kNone) error = fresh.CreateLogFile(self_);
  ++log_.flush_.folder_changes;
  if (error == DiskError::kNone) error = log_.SyncFolder(self_);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("producer snapshot", error);
}

absl::Status Log::Loader::RestoreProducers(Offset until) {
  log_.log_end_ = until;
  producers_ready_ = true;
  const DiskError error = log_.ReplayProducers(self_, until);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("", error);
}

// The first segment's own snapshot may be lost while one below, whose segment is gone, still says the same.
DiskError Log::Loader::CarryProducersOver() {
  const Offset first = log_.segments_.begin()->first;
  const std::vector<Offset> snapshots = log_.producers_.SnapshotOffsets();
  if (snapshots.empty() || snapshots.front() >= first || log_.producers_.HasSnapshot(first)) return DiskError::kNone;
  const ProducerStore::RestoreResult found = log_.producers_.Restore(self_, first, Offset(0));
  if (found.error != DiskError::kNone) return found.error;
  REACHED(log_.env_.context, "storage.producers_carried_over");
  ++log_.flush_.folder_changes;
  const DiskError error = log_.producers_.SnapshotDurably(self_, found.states, first);
  return error == DiskError::kNone ? log_.SyncFolder(self_) : error;
}

absl::Status Log::Loader::RebuildEpochs() {
  // A cut that came undone, and is made again, leaves an empty list beside an empty log.
  if (log_.size_bytes() > 0) REACHED(log_.env_.context, "storage.epochs_rebuilt");
  log_.epochs_.list_to_load().Replace({});
  for (const auto& [base, segment] : log_.segments_) {
    if (segment->empty()) continue;
    const ManagedFile::Handle file = segment->OpenLog(self_);
    if (file.error != DiskError::kNone) return DiskProblem(LogFileName(*segment), file.error);
    BatchScanner scanner(file.file, {.begin = 0, .end = segment->size_bytes()}, BatchScanner::kWalkWindowBytes);
    while (scanner.Next(self_) == BatchScanner::Found::kBatch) {
      EnterEpoch(scanner.header());
    }
    bytes_read_ += scanner.bytes_read();
  }
  return absl::OkStatus();
}

// Neither the list nor an epoch in a batch has a checksum: where they contradict each other nobody knows who is right,
// and the next list must not say what the disk made of this one.
absl::Status Log::Loader::CheckEpochs() {
  for (const EpochEntry& entry : log_.epochs_.list().entries()) {
    if (entry.start_offset < log_.log_start_ || entry.start_offset >= log_.log_end_) continue;
    const SegmentPtr segment = log_.SegmentFor(entry.start_offset);
    const SeekResult found = segment->Seek(self_, entry.start_offset);
    const ManagedFile::Handle file = segment->OpenLog(self_);
    if (file.error != DiskError::kNone) return DiskProblem(LogFileName(*segment), file.error);
    if (found.error == SeekError::kNone && found.place) {
      BatchScanner scanner(file.file, {.begin = found.place->position, .end = found.place->end_position()},
                           record::kBatchOverheadBytes);
      const bool is_right = scanner.Next(self_) == BatchScanner::Found::kBatch &&
                            scanner.header().base_offset == entry.start_offset &&
                            scanner.header().leader_epoch == entry.epoch;
      bytes_read_ += scanner.bytes_read();
      if (is_right) continue;
    }
    REACHED(log_.env_.context, "storage.epochs_contradict_the_log");
    return Problem(kEpochCheckpointName,
                   fmt::format("leader epoch {} begins at offset {}, and {} has no such batch", entry.epoch.value(),
                               entry.start_offset.value(), LogFileName(*segment)));
  }
  return absl::OkStatus();
}

absl::Status Log::Loader::Finish() {
  Log& log = log_;
  if (epochs_lost_) {
    if (absl::Status status = RebuildEpochs(); !status.ok()) return status;
  } else if (log.config_.damage == LogConfig::Damage::kRefuseUnlessTorn) {
    if (absl::Status status = CheckEpochs(); !status.ok()) return status;
  }
  const std::vector<EpochEntry> on_disk = log.epochs_.list().entries();
  log.epochs_.list_to_load().TruncateFromEnd(log.log_end_);
  log.epochs_.list_to_load().TruncateFromStart(log.log_start_);
  DiskError error = DiskError::kNone;
  // After a crash also what the file seems to say already: its folder may never have been synced.
  const bool uncertain = (unclean_ || epochs_lost_) && !on_disk.empty();
  if (uncertain || on_disk != log.epochs_.list().entries()) error = log.epochs_.Store(self_);
  if (error != DiskError::kNone) return DiskProblem(kEpochCheckpointName, error);

  log.high_watermark_ = std::clamp(std::max(checkpoints_.high_watermark, log.log_start_), log.log_start_, log.log_end_);
  if (MUTATION(log.env_.context, RP29)) log.high_watermark_ = checkpoints_.high_watermark;
  log.cleaned_until_ = std::min(checkpoints_.cleaned_until, log.log_end_);
  if (checkpoints_.cleaned_until > log.log_end_) {
    error = log.PersistMarks(self_, {.cleaned_until_at_most = log.log_end_});
    if (error != DiskError::kNone) return DiskProblem(kCleanerCheckpointName, error);
  }
  log.flush_.recovery_point =
      unclean_ ? std::min(std::max(checkpoints_.recovery_point, log.log_start_), log.log_end_) : log.log_end_;
  if (log.flush_.recovery_point >= log.log_end_) log.flush_.suspect_from = kNoOffset;
  if (checkpoints_.recovery_point > log.log_end_) {
    if (!MayHaveGaps()) return EndsTooEarly(log.log_end_);
    REACHED(log.env_.context, "storage.lost_synced_records");
    log.env_.log.Write(env::LogLevel::kError, "storage", "records that were synced are lost",
                       {{"log", log.place_.directory},
                        {"log_end_offset", fmt::format("{}", log.log_end_.value())},
                        {"synced_up_to", fmt::format("{}", checkpoints_.recovery_point.value())}});
    // What will be written below it must be checked by the next recovery.
    error = log.PersistMarks(self_, {.recovery_point_at_most = log.flush_.recovery_point});
    if (error != DiskError::kNone) return DiskProblem("recovery point checkpoint", error);
  }
  if (!unclean_) log.flush_.folder_synced = log.flush_.folder_changes;

  std::set<Offset> bases;
  for (const auto& [base, segment] : log.segments_) bases.insert(base);
  error = log.producers_.RemoveAbove(self_, log.log_end_);
  if (error == DiskError::kNone && !producers_ready_) error = log.ReplayProducers(self_, log.log_end_);
  if (error == DiskError::kNone) error = CarryProducersOver();
  if (error == DiskError::kNone) error = log.producers_.RemoveStray(self_, bases);
  if (error != DiskError::kNone) return DiskProblem("producer snapshot", error);
  const bool forgets = MUTATION(log.env_.context, ID12) || (MUTATION(log.env_.context, LG14) && unclean_);
  if (forgets) {
    log.producers_.states() = producers::ProducerStates(log.producers_.states().config(), log.log_end_);
  }
  log.producers_.states().OnHighWatermark(log.high_watermark_);
  if (!log.is_offline()) {
    log.env_.observer.On(
        env::LogRecovered{.partition = log.observed_name(),
                          .log_start_offset = log.log_start_,
                          .log_end_offset = log.log_end_,
                          .recovery_point = log.flush_.recovery_point,
                          .bytes_read = bytes_read_,
                          .bytes_truncated = bytes_truncated_,
                          .previous_shutdown = unclean_ ? ShutdownKind::kUnclean : ShutdownKind::kClean,
                          .damaged_from = damaged_from_});
  }
  return absl::OkStatus();
}

}  // namespace odradek::storage
