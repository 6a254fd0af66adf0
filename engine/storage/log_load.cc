// Opening a log: what the folder holds, what of it is whole, and what follows from it.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/storage/batch_scanner.h"
#include "engine/storage/file_names.h"
#include "engine/storage/log.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;
using env::ShutdownKind;

// Lives during Open().
class Log::Loader {
 public:
  Loader(fiber::Fiber& self, Log& log, const LogCheckpoints& checkpoints)
      : self_(self), log_(log), checkpoints_(checkpoints) {}

  absl::Status Run();

 private:
  struct FoundFiles {
    bool log = false;
    std::vector<SegmentFileKind> indexes;
  };

  absl::Status Problem(std::string_view file, std::string_view what) const {
    return base::DataLoss(fmt::format("{}: {}", Join(log_.place_.directory, file), what));
  }
  absl::Status DiskProblem(std::string_view file, DiskError error) const { return Problem(file, env::ToString(error)); }
  std::string LogFileName(const Segment& segment) const {
    return ToString(SegmentFileName{
        .base_offset = segment.base_offset(), .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone});
  }
  void Warn(std::string_view message, std::string detail) const {
    log_.env_.log.Write(env::LogLevel::kWarning, "storage", message, {{"detail", std::move(detail)}});
  }

  absl::Status ScanFolder();
  absl::Status NoteFile(const env::DirectoryEntry& entry);
  absl::Status FinishSwaps();
  absl::Status RemoveFile(const std::string& name);
  absl::Status PlaceSegments();
  absl::Status FinishDeletion();
  absl::Status RebuildMissingIndexes();
  absl::Status LoadEpochs();
  absl::Status LoadCleanEnd();
  absl::Status Recover();
  // Where in `segment` the first batch to check begins, and its offset.
  struct Start {
    int64_t position = 0;
    Offset offset;
  };
  absl::StatusOr<Start> FindStart(Segment& segment, Offset recovery_point);
  absl::StatusOr<bool> IsBatchAt(Segment& segment, const IndexEntry& entry, Start& start);
  absl::Status RecoverSegment(Segment& segment, const Start& start, bool& torn);
  std::string WhatIsWrong(const Segment& segment, const BatchScanner& scanner, Bytes body, LeaderEpoch epoch) const;
  // The batch stands in the log: its epoch began with it at the latest.
  void EnterEpoch(const record::BatchHeader& header);
  DiskError TakeBatch(Segment& segment, const record::BatchHeader& header, Bytes body);
  // Whether the segment begins where the log ends so far, with no hole: gaps that are meant end at a recovery point.
  bool Follows(const Segment& segment) const;
  absl::Status DropAfter(const Segment& segment);
  absl::Status SettleStart();
  absl::Status KeepProducersOnly();
  absl::Status RestoreProducers(Offset until);
  absl::Status Finish();
  absl::Status RebuildEpochs();

  fiber::Fiber& self_;
  Log& log_;
  const LogCheckpoints& checkpoints_;
  std::map<Offset, FoundFiles> found_;
  std::vector<SegmentFileName> swaps_;
  Offset cleaned_from_{std::numeric_limits<int64_t>::max()};
  std::map<Offset, int64_t> file_sizes_;
  bool epochs_lost_ = false;
  bool unclean_ = true;
  bool producers_ready_ = false;
  int64_t bytes_read_ = 0;
  int64_t bytes_truncated_ = 0;
};

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
    for (auto it = found_.lower_bound(swap.base_offset); it != found_.end() && it->first < end;) {
      for (const SegmentFileKind kind : it->second.indexes) {
        const SegmentFileName old{.base_offset = it->first, .kind = kind, .suffix = FileSuffix::kNone};
        if (absl::Status status = RemoveFile(ToString(old)); !status.ok()) return status;
      }
      const SegmentFileName old{.base_offset = it->first, .kind = SegmentFileKind::kLog, .suffix = FileSuffix::kNone};
      if (absl::Status status = RemoveFile(ToString(old)); !status.ok()) return status;
      it = found_.erase(it);
    }
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
  for (const auto& [candidate, segment] : log_.segments_) {
    if (candidate > checkpoints_.log_start_offset || candidate == log_.segments_.begin()->first) continue;
    const ProducerStore::RestoreResult found = log_.producers_.Restore(self_, candidate, Offset(0));
    if (found.error != DiskError::kNone) return DiskProblem("producer snapshot", found.error);
    if (found.offset == candidate) base = candidate;
  }
  if (base == kNoOffset) return absl::OkStatus();
  REACHED(log_.env_.context, "storage.finished_deletion");
  DiskError error = log_.producers_.MakeDurable(self_, base);
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
    if (error != DiskError::kNone) return DiskProblem(LogFileName(*segment), error);
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
  Warn("leader epochs are rebuilt from the batches", loaded.problem);
  epochs_lost_ = true;
  return absl::OkStatus();
}

// The end of the last segment, from its last index entry on. What does not look as a clean shutdown leaves it is
// recovered after all.
absl::Status Log::Loader::LoadCleanEnd() {
  Segment& last = *log_.active();
  if (last.empty()) {
    last.StartLoaded(0, last.base_offset(), log_.env_.clock.WallNow());
    if (const DiskError error = last.StartRebuild(self_, 0, last.base_offset()); error != DiskError::kNone) {
      return DiskProblem(LogFileName(last), error);
    }
    return absl::OkStatus();
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
    if (header.base_offset < next || !last.CanHold(header.last_offset())) break;
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
  const DiskError error = last.StartRebuild(self_, last.size_bytes(), next);
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
      const DiskError error = log_.producers_.RemoveAbove(self_, start.offset);
      if (error != DiskError::kNone) return DiskProblem("producer snapshot", error);
    } else if (!Follows(*segment)) {
      // The segment before lost its end: what follows a hole was never durable either.
      REACHED(log_.env_.context, "storage.hole_between_segments");
      const SegmentPtr before = std::prev(log_.segments_.find(segment->base_offset()))->second;
      return DropAfter(*before);
    }
    if (!first) {
      const DiskError error = log_.producers_.TakeSnapshot(self_, segment->base_offset());
      if (error != DiskError::kNone) return DiskProblem("producer snapshot", error);
    }
    first = false;
    if (absl::Status status = RecoverSegment(*segment, start, torn); !status.ok()) return status;
    log_.log_end_ = segment->next_offset();
    if (torn) return DropAfter(*segment);
  }
  return absl::OkStatus();
}

std::string Log::Loader::WhatIsWrong(const Segment& segment, const BatchScanner& scanner, Bytes body,
                                     LeaderEpoch epoch) const {
  const record::BatchHeader& header = scanner.header();
  // Base offset and leader epoch are outside the CRC: they must fit what stands before.
  if (header.base_offset < segment.next_offset()) {
    return fmt::format("base offset {}, {} was next", header.base_offset.value(), segment.next_offset().value());
  }
  if (!segment.CanHold(header.last_offset())) return fmt::format("offset {} is too far", header.last_offset().value());
  if (header.leader_epoch < epoch) {
    return fmt::format("leader epoch {} after {}", header.leader_epoch.value(), epoch.value());
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
  if (const DiskError error = segment.StartRebuild(self_, start.position, start.offset); error != DiskError::kNone) {
    return DiskProblem(LogFileName(segment), error);
  }
  const ManagedFile::Handle file = segment.OpenLog(self_);
  if (file.error != DiskError::kNone) return DiskProblem(LogFileName(segment), file.error);
  BatchScanner scanner(file.file, {.begin = start.position, .end = file_size}, BatchScanner::kWalkWindowBytes);
  BatchScanner::Found found = scanner.Next(self_);
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::string wrong;
  for (; found == BatchScanner::Found::kBatch; found = scanner.Next(self_)) {
    const Bytes body = scanner.Body(self_);
    if (wrong = WhatIsWrong(segment, scanner, body, epoch); !wrong.empty()) break;
    epoch = scanner.header().leader_epoch;
    if (const DiskError error = TakeBatch(segment, scanner.header(), body); error != DiskError::kNone) {
      return DiskProblem(LogFileName(segment), error);
    }
  }
  bytes_read_ += scanner.bytes_read();
  if (found == BatchScanner::Found::kDiskError) return DiskProblem(LogFileName(segment), scanner.disk_error());
  torn = segment.size_bytes() != file_size;
  if (torn) {
    REACHED(log_.env_.context, "storage.recovery.torn_tail");
    bytes_truncated_ += file_size - segment.size_bytes();
    Warn("recovery cuts off what is not a whole batch",
         fmt::format("{}: byte {} of {}: {}", Join(log_.place_.directory, LogFileName(segment)), segment.size_bytes(),
                     file_size, wrong.empty() ? scanner.problem().what : wrong));
  }
  DiskError error = segment.FinishRebuild(self_, file_size);
  if (error == DiskError::kNone && segment.base_offset() != log_.active()->base_offset() && !torn) {
    error = segment.Seal(self_);
  }
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem(LogFileName(segment), error);
}

bool Log::Loader::Follows(const Segment& segment) const {
  if (segment.base_offset() == log_.log_end_) return true;
  const Offset gaps_below =
      std::max({checkpoints_.cleaned_until, checkpoints_.log_start_offset, checkpoints_.recovery_point});
  return segment.base_offset() > log_.log_end_ && segment.base_offset() <= gaps_below;
}

// Nothing behind `segment` counts any more.
absl::Status Log::Loader::DropAfter(const Segment& segment) {
  const Offset keep = segment.base_offset();
  while (log_.active()->base_offset() > keep) {
    const SegmentPtr last = log_.active();
    bytes_truncated_ += last->size_bytes();
    if (const DiskError error = log_.Bury(self_, last); error != DiskError::kNone) {
      return DiskProblem(LogFileName(*last), error);
    }
  }
  // Before anything is appended in their place.
  const DiskError error = log_.SyncFolder(self_);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("", error);
}

absl::Status Log::Loader::SettleStart() {
  const bool none = log_.segments_.empty();
  if (!none) log_.log_end_ = log_.active()->next_offset();
  const Offset first_base = none ? Offset(0) : log_.segments_.begin()->first;
  log_.log_start_ = std::max(checkpoints_.log_start_offset, first_base);
  if (!none && log_.log_start_ <= log_.log_end_) return absl::OkStatus();
  // Either nothing is there, or what is there lies wholly below the start: then only what it says of producers counts.
  if (!none) {
    if (absl::Status status = KeepProducersOnly(); !status.ok()) return status;
  }
  while (!log_.segments_.empty()) {
    const SegmentPtr last = log_.active();
    if (const DiskError error = log_.Bury(self_, last); error != DiskError::kNone) {
      return DiskProblem(LogFileName(*last), error);
    }
  }
  log_.log_end_ = log_.log_start_;
  auto fresh = std::make_shared<Segment>(log_.files_, log_.place_.directory, log_.log_start_, log_.limits());
  fresh->StartEmpty(log_.env_.clock.WallNow());
  log_.segments_[log_.log_start_] = std::move(fresh);
  return absl::OkStatus();
}

absl::Status Log::Loader::KeepProducersOnly() {
  if (!producers_ready_) {
    if (absl::Status status = RestoreProducers(log_.log_end_); !status.ok()) return status;
  }
  DiskError error = log_.producers_.RemoveAbove(self_, log_.log_end_);
  if (error == DiskError::kNone) error = log_.producers_.TakeSnapshot(self_, log_.log_start_);
  ++log_.flush_.folder_changes;
  if (error == DiskError::kNone) error = log_.producers_.MakeDurable(self_, log_.log_start_);
  if (error == DiskError::kNone) error = log_.SyncFolder(self_);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("producer snapshot", error);
}

absl::Status Log::Loader::RestoreProducers(Offset until) {
  log_.log_end_ = until;
  producers_ready_ = true;
  const DiskError error = log_.ReplayProducers(self_, until);
  return error == DiskError::kNone ? absl::OkStatus() : DiskProblem("", error);
}

absl::Status Log::Loader::RebuildEpochs() {
  REACHED(log_.env_.context, "storage.epochs_rebuilt");
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

absl::Status Log::Loader::Finish() {
  Log& log = log_;
  if (epochs_lost_) {
    if (absl::Status status = RebuildEpochs(); !status.ok()) return status;
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
  log.flush_.recovery_point =
      unclean_ ? std::min(std::max(checkpoints_.recovery_point, log.log_start_), log.log_end_) : log.log_end_;
  if (log.flush_.recovery_point >= log.log_end_) log.flush_.suspect_from = kNoOffset;
  if (checkpoints_.recovery_point > log.log_end_) {
    // What will be written below it must be checked by the next recovery.
    error = log.PersistMarks(self_, {.recovery_point_at_most = log.flush_.recovery_point});
    if (error != DiskError::kNone) return DiskProblem("recovery point checkpoint", error);
  }
  if (!unclean_) log.flush_.folder_synced = log.flush_.folder_changes;

  std::set<Offset> bases;
  for (const auto& [base, segment] : log.segments_) bases.insert(base);
  error = log.producers_.RemoveAbove(self_, log.log_end_);
  if (error == DiskError::kNone && !producers_ready_) error = log.ReplayProducers(self_, log.log_end_);
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
                          .previous_shutdown = unclean_ ? ShutdownKind::kUnclean : ShutdownKind::kClean});
  }
  return absl::OkStatus();
}

}  // namespace odradek::storage
