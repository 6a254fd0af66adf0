#include "tests/engine/storage/compaction_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/base/absl_compat.h"

namespace odradek::storage {
namespace compaction_loop_internal {

const TopicPartition kName{"topic", PartitionIndex(0)};
constexpr int32_t kKeyCount = 5;

}  // namespace compaction_loop_internal

// Keeps what the log says about itself, and judges what it says about compaction.
class CompactionLoop::Watcher final : public env::Observer {
 public:
  explicit Watcher(CompactionLoop& loop) : loop_(loop) {}
  void On(const env::Observation& observation) override {
    if (const auto* appended = std::get_if<env::LogAppended>(&observation)) {
      loop_.model_.Appended(appended->batch_crc, appended->base_offset);
      loop_.Note(fmt::format("appended [{}, {})", appended->base_offset.value(), appended->next_offset.value()));
    } else if (const auto* flushed = std::get_if<env::LogFlushed>(&observation)) {
      loop_.flushed_ = flushed->durable_end;
      loop_.Note(fmt::format("flushed to {}", flushed->durable_end.value()));
    } else if (const auto* cut = std::get_if<env::LogTruncated>(&observation)) {
      loop_.Note(fmt::format("cut to {}", cut->log_end_offset.value()));
      loop_.model_.Cut(cut->log_end_offset);
      loop_.flushed_ = std::min(loop_.flushed_, cut->log_end_offset);
      loop_.cleaned_until_ = std::min(loop_.cleaned_until_, cut->log_end_offset);
    } else if (const auto* start = std::get_if<env::LogStartMoved>(&observation)) {
      loop_.Note(fmt::format("starts at {}", start->log_start_offset.value()));
      loop_.model_.StartsAt(start->log_start_offset);
    } else if (const auto* committed = std::get_if<env::HighWatermarkMoved>(&observation)) {
      loop_.committed_ = std::max(loop_.committed_, committed->high_watermark);
    } else if (const auto* compacted = std::get_if<env::SegmentsCompacted>(&observation)) {
      Judge(*compacted);
    } else if (const auto* cleaned = std::get_if<env::LogCleaned>(&observation)) {
      loop_.cleaned_until_ = cleaned->cleaned_until;
      loop_.Note(fmt::format("cleaned [{}, {})", cleaned->first_dirty.value(), cleaned->cleaned_until.value()));
    } else if (const auto* offline = std::get_if<env::LogOffline>(&observation)) {
      loop_.Fail("the log went offline without a fault: " + std::string(offline->reason));
    }
  }

 private:
  void Judge(const env::SegmentsCompacted& compacted) {
    loop_.Note(fmt::format("compacted [{}, {})", compacted.base_offset.value(), compacted.replaced_end.value()));
    const Offset bound = std::min({compacted.last_stable_offset, compacted.active_base_offset, loop_.flushed_});
    if (compacted.replaced_end > bound) {
      loop_.Fail(fmt::format("compaction up to {}, where only what lies below {} is settled",
                             compacted.replaced_end.value(), bound.value()));
    }
    if (compacted.next_offset != compacted.replaced_end) {
      loop_.Fail(fmt::format("a compacted segment ends at {} instead of {}", compacted.next_offset.value(),
                             compacted.replaced_end.value()));
    }
    if (loop_.log_ != nullptr && compacted.replaced_end <= loop_.log_->log_start_offset()) {
      loop_.Fail(fmt::format("compaction brought [{}, {}) back from below the log start", compacted.base_offset.value(),
                             compacted.replaced_end.value()));
    }
  }

  CompactionLoop& loop_;
};

// The model needs to know what was drawn.
CompactionLoop::CompactionLoop(const CrashLoopOptions& options)
    : Lives(options), model_(verdict_, (config_ = DrawCompactedConfig()).delete_retention) {
  DrawBuggify();
  writers_ = {{.id = ProducerId(100)}, {.id = ProducerId(101)}, {.id = kNoProducerId}};
  if (OneIn(2)) writers_.push_back({.id = ProducerId(102), .kind = Writer::Kind::kTransactional});
  watcher_ = std::make_unique<Watcher>(*this);
  machine_.observer = watcher_.get();
}

CompactionLoop::~CompactionLoop() = default;

LogConfig CompactionLoop::DrawCompactedConfig() {
  LogConfig config = DrawConfig({.segment_bytes_min = 300, .segment_bytes_range = 900, .delete_delays = 2});
  config.cleanup_compact = true;
  config.cleanup_delete = false;
  static constexpr int64_t kRetentions[] = {0, 2'000, 3'600'000};
  config.delete_retention = Duration::Millis(kRetentions[Draw(3)]);
  return config;
}

void CompactionLoop::RunLife() {
  TestProcess& process = BeginLife(1500);
  process.Run([this](fiber::Fiber& self) { Live(self); });
  process.clock.wall = process.clock.wall + Duration::Millis(Draw(4) * 1'000);
  log_.reset();
  power_lost_ = EndLife() || power_lost_;
}

bool CompactionLoop::Open(fiber::Fiber& self) {
  auto opened = OpenManager(self);
  if (!opened.ok()) {
    Fail("cannot be opened: " + std::string(base::SV(opened.status().message())));
    return false;
  }
  manager_ = *std::move(opened);
  const absl::Status loaded = manager_->LoadAll(self);
  if (!loaded.ok()) Fail("cannot be loaded: " + std::string(base::SV(loaded.message())));
  for (const LogManager::FailedLog& failed : manager_->failed_logs()) Fail("cannot be loaded: " + failed.problem);
  return verdict_.ok();
}

void CompactionLoop::Live(fiber::Fiber& self) {
  namespace internal = compaction_loop_internal;
  if (!Open(self)) return;
  log_ = manager_->Find(internal::kName);
  if (log_ != nullptr) {
    CheckAfterLoad(self);
  } else {
    auto created = manager_->Create(self, internal::kName, TopicId{1, 2}, config_);
    if (!created.ok()) return Fail("cannot be created");
    log_ = *created;
    power_lost_ = false;
  }
  const int64_t phases = 1 + Draw(3);
  for (int64_t i = 0; i < phases && verdict_.ok(); ++i) {
    Phase(self);
    if (verdict_.ok()) CheckQuiet(self);
    if (verdict_.ok() && OneIn(3)) ShortenWhileCleaning(self);
    if (verdict_.ok() && OneIn(2)) CleanQuietly(self);
    if (verdict_.ok()) CheckQuiet(self);
  }
  if (!verdict_.ok() || !OneIn(3)) return;
  const absl::Status closed = manager_->CloseCleanly(self, BrokerEpoch(life_));
  completed_close_ = closed.ok();
  if (!closed.ok()) Fail("the shutdown failed: " + std::string(base::SV(closed.message())));
}

void CompactionLoop::Phase(fiber::Fiber& self) {
  fiber::TaskGroup group(self);
  for (Writer& writer : writers_) {
    group.Spawn("writer", [&](fiber::Fiber& child) { AppendSome(child, writer); });
  }
  group.Spawn("reader", [&](fiber::Fiber& child) { ReadSome(child); });
  group.Spawn("cleaner", [&](fiber::Fiber& child) { CleanSome(child); });
  group.Spawn("maintenance", [&](fiber::Fiber& child) { MaintainSome(child); });
  group.Join(self);
}

void CompactionLoop::AppendSome(fiber::Fiber& self, Writer& writer) {
  const int64_t count = Draw(12);
  for (int64_t i = 0; i < count && verdict_.ok(); ++i) {
    if (!AppendOne(self, writer)) return;
    MoveHighWatermark();
  }
}

KeyedAppend CompactionLoop::DrawBatch(Writer& writer) {
  namespace internal = compaction_loop_internal;
  KeyedAppend batch;
  batch.producer_id = writer.id;
  batch.is_transactional = writer.kind == Writer::Kind::kTransactional;
  if (writer.in_txn && OneIn(2)) {
    batch.marker = OneIn(2) ? record::ControlType::kAbort : record::ControlType::kCommit;
    writer.in_txn = false;
    return batch;
  }
  writer.in_txn = batch.is_transactional;
  const int64_t record_count = 1 + Draw(3);
  for (int64_t i = 0; i < record_count; ++i) {
    ModelRecord& record = batch.records.emplace_back();
    record.key = static_cast<int32_t>(Draw(internal::kKeyCount));
    record.is_tombstone = OneIn(4);
    record.appended_ms = NowMillis();
  }
  if (writer.id != kNoProducerId) {
    batch.base_sequence = writer.next_sequence;
    writer.next_sequence += static_cast<int32_t>(record_count);
  }
  return batch;
}

bool CompactionLoop::AppendOne(fiber::Fiber& self, Writer& writer) {
  const int64_t number = model_.Start(DrawBatch(writer));
  ByteBuffer bytes = model_.Get(number).bytes;
  const bool is_marker = model_.Get(number).marker.has_value();
  const AppendResult result = log_->Append(
      self, bytes,
      {.origin = is_marker ? AppendOrigin::kCoordinator : AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
  if (!result.ok() || result.is_duplicate) {
    Fail(fmt::format("append of batch {}: {} {}", number, ToString(result.error), result.problem));
    return false;
  }
  ++result_.acked_count;
  model_.Answered(number, result.base_offset);
  if (!is_marker && writer.id != kNoProducerId && OneIn(6)) Resend(self, model_.Get(number));
  return verdict_.ok();
}

// A batch that was its producer's last one is known again, also after compaction and a restart.
void CompactionLoop::Resend(fiber::Fiber& self, const KeyedAppend& batch) {
  const Offset base_offset = batch.base_offset;
  ByteBuffer bytes = batch.bytes;
  const AppendResult again =
      log_->Append(self, bytes, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
  const bool fits = again.ok() && again.is_duplicate && again.base_offset == base_offset;
  if (fits) return;
  Fail(fmt::format("the batch at {} was sent again: {} {} at {}", base_offset.value(), ToString(again.error),
                   again.is_duplicate ? "a duplicate" : "not a duplicate", again.base_offset.value()));
}

void CompactionLoop::ReadSome(fiber::Fiber& self) {
  const int64_t count = Draw(6);
  for (int64_t i = 0; i < count && verdict_.ok(); ++i) {
    const Offset start = log_->log_start_offset();
    const Offset end = log_->high_watermark();
    if (end <= start) {
      fiber::Yield(self);
      continue;
    }
    const Offset from = start + Draw(end - start);
    const ReadResult read = log_->Read(self, {.from = from, .bytes_max = 1 + Draw(800), .upper_bound = end});
    ByteBuffer bytes;
    if (read.ok() && read.file != nullptr && log_->ReadBytes(self, read, bytes) != ReadError::kNone) {
      Fail(fmt::format("the bytes at {} are not there", from.value()));
    }
    if (!read.ok() && from >= log_->log_start_offset() && from < log_->log_end_offset()) {
      Fail(fmt::format("a read at {} is answered with an error", from.value()));
    }
    if (read.ok() && read.file != nullptr && read.next_offset <= from) Fail("a read does not get on");
  }
}

CleanResult CompactionLoop::CleanOnce(fiber::Fiber& self, const CleanRange& range) {
  CleanOffsetMap map({.memory_bytes = CleanOffsetMap::kEntryBytes * (3 + Draw(8))}, {.high = 1, .low = 2});
  IoThrottle throttle(std::numeric_limits<int64_t>::max());
  fiber::Event stop;
  CleanTools tools{.map = map, .throttle = throttle, .chunk_bytes = 1 + Draw(2) * 1'000, .stop = stop};
  const CleanResult result = log_->Clean(self, range, tools);
  if (result.outcome == CleanOutcome::kUncleanable) Fail("cannot be cleaned: " + result.problem);
  return result;
}

void CompactionLoop::CleanSome(fiber::Fiber& self) {
  const int64_t count = Draw(4);
  for (int64_t i = 0; i < count && verdict_.ok(); ++i) {
    CleanOnce(self, log_->FindCleanable(self));
    for (int64_t turns = Draw(20); turns > 0; --turns) fiber::Yield(self);
  }
}

// Nothing else happens: at the end of it all is clean, and one more cleaning finds nothing to do (C9).
void CompactionLoop::CleanQuietly(fiber::Fiber& self) {
  log_->SetHighWatermark(log_->log_end_offset());
  if (OneIn(2) && log_->Roll(self) != LogError::kNone) Fail("cannot be rolled");
  constexpr int kRoundsMax = 200;
  for (int i = 0; verdict_.ok(); ++i) {
    const CleanRange range = log_->FindCleanable(self);
    if (range.end <= range.first_dirty) return;
    if (i == kRoundsMax) return Fail("cleaning does not come to an end");
    const CleanResult result = CleanOnce(self, range);
    if (result.outcome == CleanOutcome::kDone && result.cleaned_until <= range.first_dirty) {
      return Fail(fmt::format("a cleaning from {} does not get on", range.first_dirty.value()));
    }
  }
}

void CompactionLoop::MaintainSome(fiber::Fiber& self) {
  const int64_t count = Draw(5);
  for (int64_t i = 0; i < count && verdict_.ok(); ++i) {
    switch (Draw(6)) {
      case 0:
        manager_->FlushDue(self);
        break;
      case 1:
        manager_->CheckpointRecoveryPoints(self);
        break;
      case 2:
        manager_->CheckpointHighWatermarks(self);
        break;
      case 3:
        manager_->RemoveDeletedFiles(self);
        break;
      case 4:
        if (OneIn(3)) machine_.process().clock.wall = machine_.process().clock.wall + Duration::Millis(700);
        break;
      default: {
        const Offset start = log_->log_start_offset();
        const Offset end = log_->high_watermark();
        const bool deletes = OneIn(4) && end > start;
        if (deletes && log_->DeleteRecordsBefore(self, start + Draw(end - start + 1)) != LogError::kNone) {
          Fail("records cannot be deleted");
        }
      }
    }
    fiber::Yield(self);
  }
}

// As a follower's log is cut, or begins anew, at whatever instant of a cleaning. Never below what was committed once,
// although a start may know of an older high watermark only: leaders without it are not elected (PROPERTIES A0), and
// what compaction took below it because of records behind the cut would be missed.
void CompactionLoop::ShortenWhileCleaning(fiber::Fiber& self) {
  fiber::TaskGroup group(self);
  group.Spawn("cleaner", [&](fiber::Fiber& child) { CleanOnce(child, log_->FindCleanable(child)); });
  group.Spawn("shortener", [&](fiber::Fiber& child) {
    for (int64_t turns = Draw(60); turns > 0; --turns) fiber::Yield(child);
    const Offset end = log_->log_end_offset();
    const Offset committed = std::max(committed_, log_->high_watermark());
    LogError error = LogError::kNone;
    if (OneIn(3)) {
      const Offset anew = Offset(std::max<int64_t>(0, end.value() - 20 + Draw(40)));
      Note(fmt::format("begins anew at {}", anew.value()));
      maybe_cut_ = Offset(0);
      error = log_->TruncateFullyAndStartAt(child, anew);
      model_.Forget();
    } else {
      const Offset cut = committed + Draw(end - committed + 1);
      Note(fmt::format("is cut at {}", cut.value()));
      maybe_cut_ = cut;
      error = log_->TruncateTo(child, cut);
    }
    maybe_cut_.reset();
    committed_ = std::min(committed_, log_->log_end_offset());
    if (error != LogError::kNone) Fail("cannot be shortened");
  });
  group.Join(self);
  for (Writer& writer : writers_) LearnFromLog(writer);
}

void CompactionLoop::LearnFromLog(Writer& writer) {
  if (writer.id == kNoProducerId) return;
  const auto entry = log_->producers().entries().find(writer.id);
  const bool is_known = entry != log_->producers().entries().end();
  writer.next_sequence = is_known ? entry->second.last_sequence() + 1 : 0;
  writer.in_txn = is_known && entry->second.in_txn();
}

void CompactionLoop::MoveHighWatermark() {
  const Offset high_watermark = log_->high_watermark();
  const Offset end = log_->log_end_offset();
  if (end > high_watermark && OneIn(2)) log_->SetHighWatermark(high_watermark + Draw(end - high_watermark + 1));
}

ByteBuffer CompactionLoop::ReadAll(fiber::Fiber& self) {
  ByteBuffer all;
  Offset from = log_->log_start_offset();
  const Offset end = log_->log_end_offset();
  while (from < end) {
    const ReadResult read = log_->Read(self, {.from = from, .bytes_max = 100 + Draw(2000), .upper_bound = end});
    const bool is_there = read.ok() && read.file != nullptr && read.next_offset > from;
    if (!is_there || log_->ReadBytes(self, read, all) != ReadError::kNone) {
      Fail(fmt::format("cannot read {} of [{}, {})", from.value(), log_->log_start_offset().value(), end.value()));
      return all;
    }
    from = read.next_offset;
  }
  return all;
}

void CompactionLoop::CheckAfterLoad(fiber::Fiber& self) {
  const Offset end = log_->log_end_offset();
  Note(fmt::format("loaded [{}, {})", log_->log_start_offset().value(), end.value()));
  model_.Adopt(ReadAll(self));
  if (!verdict_.ok()) return;
  const Survives survives =
      PromiseFor(options_.policy, power_lost_ ? StorageFault::kPowerLoss : StorageFault::kProcessCrash).survives;
  const Offset everything = maybe_cut_.value_or(Offset(std::numeric_limits<int64_t>::max()));
  flushed_ = std::min(flushed_, everything);
  model_.CheckLoaded({.end = end,
                      .answered_below = survives == Survives::kAllAcknowledged ? everything : flushed_,
                      .durable_end = power_lost_ ? flushed_ : everything});
  if (maybe_cut_ && log_->log_start_offset() == end && log_->producers().entries().empty()) model_.Forget();
  maybe_cut_.reset();
  // What lies below the start was perhaps lost as well, if it was never synced (promises.h, kAllFlushed).
  if (power_lost_ && log_->log_start_offset() == end) model_.Cut(std::min(flushed_, end));
  // Nothing is left to read, and of a transaction that was open below the start nobody knows whether it went on.
  for (const Writer& writer : writers_) {
    const auto entry = log_->producers().entries().find(writer.id);
    const bool may_be_open = entry != log_->producers().entries().end() && entry->second.in_txn();
    if (log_->log_start_offset() == end && !may_be_open) model_.CloseTxnOf(writer.id);
  }
  model_.StartsAt(log_->log_start_offset());
  flushed_ = power_lost_ ? end : std::min(flushed_, end);
  cleaned_until_ = std::min(cleaned_until_, end);
  committed_ = std::min(committed_, end);
  power_lost_ = false;
  if (verdict_.ok()) CheckQuiet(self);
  if (verdict_.ok()) CheckProducers(self);
}

void CompactionLoop::CheckProducers(fiber::Fiber& self) {
  for (Writer& writer : writers_) {
    if (writer.id == kNoProducerId || !verdict_.ok()) continue;
    LearnFromLog(writer);
    const KeyedAppend* last = model_.LastOf(writer.id);
    if (last == nullptr) continue;
    // More than was synced is left of what lies below the start.
    const bool knows_more = log_->log_start_offset() == log_->log_end_offset();
    if (knows_more && writer.next_sequence > last->last_sequence() + 1) continue;
    if (writer.next_sequence != last->last_sequence() + 1) {
      return Fail(fmt::format("the last sequence is {}, {} was written at {}", writer.next_sequence - 1,
                              last->last_sequence(), last->base_offset.value()));
    }
    Resend(self, *last);
  }
}

void CompactionLoop::CheckQuiet(fiber::Fiber& self) {
  const LogFold fold = log_->FoldFiles(self);
  if (!fold.ok) return Fail("the files do not fold: " + fold.problem);
  if (fold.producer_fingerprint != log_->Inspect().producer_fingerprint) {
    return Fail("the producers' state is not that of the files");
  }
  if (fold.log_end_offset != log_->log_end_offset()) {
    return Fail(fmt::format("the log ends at {}, its files at {}", log_->log_end_offset().value(),
                            fold.log_end_offset.value()));
  }
  const ByteBuffer bytes = ReadAll(self);
  if (!verdict_.ok()) return;
  AbortedTxnsResult aborted = log_->AbortedTxns(self, log_->log_start_offset(), log_->log_end_offset());
  if (aborted.error != ReadError::kNone) return Fail("the aborted transactions cannot be read");
  model_.Check({.bytes = bytes,
                .start = log_->log_start_offset(),
                .end = log_->log_end_offset(),
                .cleaned_until = cleaned_until_,
                .now_ms = NowMillis(),
                .aborted = std::move(aborted.txns)});
}

}  // namespace odradek::storage
