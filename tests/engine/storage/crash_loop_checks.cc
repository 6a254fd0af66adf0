// What a log is compared with after a start and when nothing else runs.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/storage/file_names.h"
#include "tests/engine/storage/crash_loop.h"

namespace odradek::storage {

namespace crash_loop_checks_internal {

constexpr ProducerId kProducer{100};
constexpr Offset kEverything{std::numeric_limits<int64_t>::max()};

ByteBuffer Content(sim::DiskModel& model, const std::string& path) {
  const sim::InodeRef file = model.Find(path);
  if (file == nullptr) return {};
  ByteBuffer bytes(static_cast<size_t>(model.SizeOf(*file)));
  model.Read(*file, bytes, 0);
  return bytes;
}

}  // namespace crash_loop_checks_internal

ByteBuffer CrashLoop::ReadFrom(fiber::Fiber& self, Log& log, Offset from) {
  ByteBuffer all;
  while (from < log.log_end_offset()) {
    const ReadResult read =
        log.Read(self, {.from = from, .bytes_max = 100 + Draw(2000), .upper_bound = log.log_end_offset()});
    // A follower that was cut inside a gap has no record up to its end.
    const bool gap = read.ok() && parts_[static_cast<size_t>(log.name().partition.value())].follower;
    if (gap && read.file == nullptr) return all;
    if (!read.ok() || read.file == nullptr) {
      if (!log.is_offline())
        Fail(fmt::format("{}: cannot read {} of [{}, {}): {}", ToString(log.name()), from.value(),
                         log.log_start_offset().value(), log.log_end_offset().value(),
                         read.error == ReadError::kOffline ? log.offline_reason() : "nothing is there"));
      return all;
    }
    if (log.ReadBytes(self, read, all) != ReadError::kNone) {
      if (!log.is_offline()) Fail(fmt::format("the bytes at {} are not there", from.value()));
      return all;
    }
    from = read.next_offset;
  }
  return all;
}

void CrashLoop::CheckAfterLoad(fiber::Fiber& self, Part& part, Log& log) {
  namespace internal = crash_loop_checks_internal;
  CheckOffsets(part, log);
  const Offset start = log.log_start_offset();
  const Offset end = log.log_end_offset();
  Note(fmt::format("{}: loaded [{}, {}) recovery point {} flushed {}", ToString(part.name), start.value(), end.value(),
                   log.recovery_point().value(), part.flushed.value()));
  // Where a follower has a gap behind the start, the first segment may say more than the checkpoint.
  const bool above = start > std::max(part.start_known, part.start_maybe);
  const bool only_a_gap = part.follower && part.model.FindTime(INT64_MIN, part.start_known, start) == kNoOffset;
  if (start < part.start_known || (above && !only_a_gap)) {
    return Fail(fmt::format("{}: the log start is {}, it was {}, at most {}", ToString(part.name), start.value(),
                            part.start_known.value(), part.start_maybe.value()));
  }
  part.start_known = start;
  part.start_maybe = start;
  const Survives survives =
      PromiseFor(options_.policy, part.power_lost ? StorageFault::kPowerLoss : StorageFault::kProcessCrash).survives;
  const ByteBuffer bytes = ReadFrom(self, log, start);
  if (log.is_offline() || !verdict_.ok()) return;
  part.model.CheckLoaded(
      {.bytes = bytes,
       .log_start = start,
       .log_end = end,
       .power_lost = part.power_lost,
       .answered_below = survives == Survives::kAllAcknowledged ? internal::kEverything : part.flushed,
       .seen_below = part.power_lost ? part.flushed : internal::kEverything});
  // What a loss of power has left is on the platter.
  part.flushed = part.power_lost ? end : std::min(part.flushed, end);
  part.power_lost = false;
  if (part.hw_saved != kNoOffset && log.high_watermark() < std::min(part.hw_saved, end)) {
    Fail(fmt::format("{}: the high watermark is {}, {} was saved", ToString(part.name), log.high_watermark().value(),
                     part.hw_saved.value()));
  }
  part.hw_saved = std::min(part.hw_saved, log.high_watermark());
  if (!verdict_.ok()) return;
  CheckQuiet(self, part, log);
  CheckProducers(self, part, log);
}

void CrashLoop::CheckProducers(fiber::Fiber& self, Part& part, Log& log) {
  namespace internal = crash_loop_checks_internal;
  if (!verdict_.ok()) return;
  const auto& entries = log.producers().entries();
  const auto it = entries.find(internal::kProducer);
  const ModelBatch* last = part.model.LastOf(internal::kProducer);
  if (last == nullptr) {
    if (it != entries.end()) part.next_sequence = it->second.last_sequence() + 1;
    return;
  }
  if (it == entries.end() || it->second.window.empty()) {
    return Fail(fmt::format("{}: the producer of batch {} is forgotten", ToString(part.name), last->id));
  }
  const int32_t sequence = it->second.last_sequence();
  if (sequence < last->last_sequence() || !part.model.MayHave(internal::kProducer, sequence)) {
    return Fail(fmt::format("{}: the producer's last sequence is {}, {} was written", ToString(part.name), sequence,
                            last->last_sequence()));
  }
  part.next_sequence = sequence + 1;
  part.leader_epoch = std::max(part.leader_epoch, log.latest_epoch().value());
  if (sequence == last->last_sequence() && !part.follower) Resend(self, part, log, last->id);
}

void CrashLoop::CheckQuiet(fiber::Fiber& self, Part& part, Log& log) {
  if (!verdict_.ok()) return;
  CheckOffsets(part, log);
  const LogFold fold = log.FoldFiles(self);
  if (log.is_offline()) return;
  if (!fold.ok) return Fail("the files do not fold: " + fold.problem);
  const LogView view = log.Inspect();
  std::vector<EpochEntry> epochs = view.epochs;
  while (!epochs.empty() && epochs.back().start_offset >= view.log_end_offset) epochs.pop_back();
  // Where a follower has gaps, an epoch may have begun in records that are gone by now.
  bool same = part.follower || fold.epochs == epochs;
  for (const EpochEntry& entry : fold.epochs) same = same && log.EpochAt(entry.start_offset) == entry.epoch;
  if (!same) {
    std::string text;
    for (const EpochEntry& entry : fold.epochs)
      text += fmt::format(" {}@{}", entry.epoch.value(), entry.start_offset.value());
    text += " in the files, in memory";
    for (const EpochEntry& entry : epochs)
      text += fmt::format(" {}@{}", entry.epoch.value(), entry.start_offset.value());
    return Fail(fmt::format("{} [{}, {}), files end at {}: epochs{}", ToString(part.name),
                            view.log_start_offset.value(), view.log_end_offset.value(), fold.log_end_offset.value(),
                            text));
  }
  if (fold.producer_fingerprint != view.producer_fingerprint) {
    return Fail(fmt::format("{}: the producers' state is not that of the files", ToString(part.name)));
  }
  const ByteBuffer bytes = ReadFrom(self, log, log.log_start_offset());
  if (log.is_offline()) return;
  part.model.CheckRead(bytes, log.log_start_offset());
  CheckTimes(self, part, log);
  CheckIndexes(part);
  if (log.log_start_offset() == Offset(0) || log.is_offline() || !verdict_.ok()) return;
  const ReadResult below =
      log.Read(self, {.from = log.log_start_offset() - 1, .bytes_max = 100, .upper_bound = log.log_end_offset()});
  if (below.error != ReadError::kOutOfRange && !fault_hit_) Fail("a read below the log start is answered");
}

void CrashLoop::CheckTimes(fiber::Fiber& self, Part& part, Log& log) {
  const Offset start = log.log_start_offset();
  const Offset end = log.log_end_offset();
  const int64_t now = machine_.process().clock.wall.unix_millis();
  for (int i = 0; i < 3 && verdict_.ok(); ++i) {
    const Offset bound = end > start ? start + Draw(end - start + 1) : end;
    const int64_t wanted = now - 3000 + Draw(4000);
    const TimestampResult found = log.FindByTimestamp(self, Timestamp(wanted), bound);
    const TimestampResult max = log.FindMaxTimestamp(self, bound);
    if (log.is_offline() || !verdict_.ok()) return;
    const Offset expected = part.model.FindTime(wanted, start, bound);
    if (found.found.offset != expected) {
      Fail(fmt::format("{}: time {} in [{}, {}) is at {}, not {}", ToString(part.name), wanted, start.value(),
                       bound.value(), expected.value(), found.found.offset.value()));
    }
    const Offset expected_max = part.model.FindMax(start, bound);
    if (max.found.offset != expected_max) {
      Fail(fmt::format("{}: the largest time in [{}, {}) is at {}, not {}", ToString(part.name), start.value(),
                       bound.value(), expected_max.value(), max.found.offset.value()));
    }
  }
}

// As kafka-dump-log --index-sanity-check: every entry names a batch.
void CrashLoop::CheckIndexes(const Part& part) {
  namespace internal = crash_loop_checks_internal;
  const std::string folder = Join("data", ToString(part.name));
  for (const env::DirectoryEntry& entry : machine_.model.List(folder).entries) {
    const std::optional<SegmentFileName> name = ParseSegmentFileName(entry.name);
    if (!name || name->suffix != FileSuffix::kNone) continue;
    const bool offsets = name->kind == SegmentFileKind::kOffsetIndex;
    if (!offsets && name->kind != SegmentFileKind::kTimeIndex) continue;
    SegmentFileName log_name = *name;
    log_name.kind = SegmentFileKind::kLog;
    const ByteBuffer batches = internal::Content(machine_.model, Join(folder, ToString(log_name)));
    std::map<int64_t, std::pair<int64_t, int64_t>> by_last;  // relative last offset: position, largest timestamp
    record::BatchCursor cursor(batches);
    for (int64_t at = 0;;) {
      const record::BatchCursor::Step step = cursor.Next();
      if (step.found != record::BatchCursor::Found::kBatch) break;
      by_last[step.header.last_offset() - name->base_offset] = {at, step.header.max_timestamp.value()};
      at = cursor.position_bytes();
    }
    const ByteBuffer index = internal::Content(machine_.model, Join(folder, entry.name));
    const size_t entry_bytes = offsets ? 8 : 12;
    for (size_t at = 0; at + entry_bytes <= index.size(); at += entry_bytes) {
      const std::byte* p = index.data() + at;
      const int64_t relative = LoadBigEndian<int32_t>(offsets ? p : p + 8);
      const int64_t value = offsets ? LoadBigEndian<int32_t>(p + 4) : LoadBigEndian<int64_t>(p);
      const auto batch = by_last.find(relative);
      const bool fits = batch != by_last.end() && value == (offsets ? batch->second.first : batch->second.second);
      if (!fits) return Fail(fmt::format("{}: entry {} names no batch", entry.name, at / entry_bytes));
    }
  }
}

}  // namespace odradek::storage
