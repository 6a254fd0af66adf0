#include "engine/storage/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/record/control.h"
#include "engine/storage/checkpoints.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::storage {

using env::DiskError;

std::string_view ToString(AppendError error) {
  switch (error) {
    case AppendError::kNone:
      return "none";
    case AppendError::kOffline:
      return "log is offline";
    case AppendError::kStaleLeaderEpoch:
      return "stale leader epoch";
    case AppendError::kCorruptMessage:
      return "corrupt message";
    case AppendError::kMessageTooLarge:
      return "message too large";
    case AppendError::kRecordListTooLarge:
      return "record list too large";
    case AppendError::kOffsetsOutOfOrder:
      return "offsets out of order";
    case AppendError::kOutOfOrderSequence:
      return "out of order sequence";
    case AppendError::kInvalidProducerEpoch:
      return "invalid producer epoch";
    case AppendError::kInvalidTxnState:
      return "invalid transaction state";
    case AppendError::kCoordinatorFenced:
      return "transaction coordinator fenced";
  }
  return "unknown";
}

env::FileRange ReadResult::range() const {
  REQUIRES(file != nullptr);
  return {.file = file.get(), .begin = begin, .size_bytes = size_bytes};
}

namespace log_internal {

producers::Origin ToProducersOrigin(AppendOrigin origin) {
  switch (origin) {
    case AppendOrigin::kClient:
      return producers::Origin::kClient;
    case AppendOrigin::kCoordinator:
      return producers::Origin::kCoordinator;
    case AppendOrigin::kReplication:
      break;
  }
  return producers::Origin::kReplication;
}

AppendError ToAppendError(producers::Verdict verdict) {
  switch (verdict) {
    case producers::Verdict::kAppend:
    case producers::Verdict::kDuplicate:
      return AppendError::kNone;
    case producers::Verdict::kOutOfOrderSequence:
      return AppendError::kOutOfOrderSequence;
    case producers::Verdict::kInvalidProducerEpoch:
      return AppendError::kInvalidProducerEpoch;
    case producers::Verdict::kInvalidTxnState:
      return AppendError::kInvalidTxnState;
    case producers::Verdict::kCoordinatorFenced:
      return AppendError::kCoordinatorFenced;
  }
  return AppendError::kOffline;
}

}  // namespace log_internal

Log::Log(env::Env& env, OpenFiles& files, LogMarks* marks, const LogPlace& place, const LogConfig& config)
    : env_(env),
      files_(files),
      marks_(marks),
      place_(place),
      config_(config),
      producers_(env.disk, env.context, place, {.expiration = config.producer_id_expiration}),
      epochs_(env.disk, env.context, Join(place.directory, kEpochCheckpointName)) {}

Log::~Log() = default;

std::shared_ptr<Log> Log::StartUnborn(env::Env& env, OpenFiles& files, LogMarks* marks, const LogPlace& place,
                                      const LogConfig& config, const TopicId& topic_id) {
  REQUIRES(!topic_id.is_zero());
  std::shared_ptr<Log> log(new Log(env, files, marks, place, config));
  log->unborn_ = topic_id;
  auto first = std::make_shared<Segment>(files, log->place_.directory, log->log_end_, log->limits());
  first->StartEmpty(env.clock.WallNow());
  log->segments_[log->log_end_] = std::move(first);
  env.observer.On(env::LogRecovered{.partition = log->observed_name(),
                                    .log_start_offset = log->log_start_,
                                    .log_end_offset = log->log_end_,
                                    .recovery_point = log->flush_.recovery_point,
                                    .bytes_read = 0,
                                    .bytes_truncated = 0,
                                    .previous_shutdown = env::ShutdownKind::kClean});
  return log;
}

LogError Log::MakeFolder(fiber::Fiber& self) {
  const fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  const DiskError error = MakeFolderLocked(self);
  if (error == DiskError::kNone) return LogError::kNone;
  GoOffline("folder", error);
  return LogError::kOffline;
}

DiskError Log::MakeFolderLocked(fiber::Fiber& self) {
  if (!unborn_) return DiskError::kNone;
  REACHED(env_.context, "storage.folder_made");
  DiskError error = env_.disk.CreateDirectory(self, place_.directory);
  // A dead process came this far.
  if (error == DiskError::kExists) error = DiskError::kNone;
  if (error != DiskError::kNone) return error;
  const std::string text = FormatPartitionMetadata(*unborn_);
  const std::string path = Join(place_.directory, kPartitionMetadataName);
  error = ReplaceSmallFile(self, env_.disk, env_.context, path, AsBytes(text));
  if (error == DiskError::kNone && latest_epoch() != kNoLeaderEpoch) error = epochs_.Store(self);
  if (error == DiskError::kNone) error = env_.disk.SyncDirectory(self, ParentOf(place_.directory));
  if (error == DiskError::kNone) unborn_.reset();
  return error;
}

SegmentLimits Log::limits() const {
  SegmentLimits limits{.index_interval_bytes = config_.index_interval_bytes,
                       .index_bytes_max = config_.segment_index_bytes,
                       .index_piece_bytes = config_.index_piece_bytes,
                       .offsets_max = config_.segment_offsets_max};
  if (BUGGIFY(env_.context, "storage.tiny_index")) {
    limits.index_interval_bytes = 0;
    limits.index_bytes_max = std::min<int64_t>(limits.index_bytes_max, 64);
    limits.index_piece_bytes = 1;  // every entry goes to the file at once
  }
  return limits;
}

Log::SegmentPtr Log::SegmentFor(Offset offset) const {
  const auto after = segments_.upper_bound(offset);
  if (segments_.empty()) return nullptr;
  return after == segments_.begin() ? after->second : std::prev(after)->second;
}

Log::SegmentPtr Log::SegmentAfter(const Segment& segment) const {
  const auto after = segments_.upper_bound(segment.base_offset());
  return after == segments_.end() ? nullptr : after->second;
}

int64_t Log::size_bytes() const {
  int64_t sum = 0;
  for (const auto& [base, segment] : segments_) sum += segment->size_bytes();
  return sum;
}

Offset Log::last_stable_offset() const {
  const Offset first_unstable = producers_.states().first_unstable_offset().value_or(high_watermark_);
  return std::clamp(first_unstable, log_start_, high_watermark_);
}

void Log::SetHighWatermark(Offset offset) {
  const Offset clamped = std::clamp(offset, log_start_, log_end_);
  producers_.states().OnHighWatermark(clamped);
  if (clamped == high_watermark_) return;
  high_watermark_ = clamped;
  env_.observer.On(env::HighWatermarkMoved{observed_name(), clamped});
}

void Log::GoOffline(std::string_view doing, DiskError error) {
  if (is_offline()) return;
  offline_reason_ = fmt::format("{}: {}: {}", place_.directory, doing, env::ToString(error));
  REACHED(env_.context, "storage.log_offline");
  env_.log.Write(env::LogLevel::kError, "storage", "log is offline", {{"reason", offline_reason_}});
  env_.observer.On(env::LogOffline{observed_name(), offline_reason_});
  flush_.done.WakeAll();
}

AppendResult Log::Failure(AppendError error, std::string problem) const {
  AppendResult result;
  result.error = error;
  result.problem = std::move(problem);
  return result;
}

AppendResult Log::Append(fiber::Fiber& self, MutableBytes batches, const AppendOptions& options) {
  REQUIRES(!batches.empty());
  REQUIRES(!segments_.empty());
  // Before the lock, which an append may hold whose disk does not answer.
  if (is_offline()) return Failure(AppendError::kOffline, offline_reason_);
  const SegmentPtr active_at_call = active();
  AppendResult result;
  {
    fiber::MutexLock lock(self, lock_);
    result = AppendLocked(self, batches, options, active_at_call);
  }
  if (!result.ok()) return result;
  if (result.is_duplicate && MUTATION(env_.context, ID05)) return result;
  // A duplicate answers for the original, which may still wait for its sync.
  const bool must_flush = config_.flushes_every_append() || flush_.unflushed_records >= config_.flush_messages;
  if (!must_flush || MUTATION(env_.context, LG23)) return result;
  if (options.sync == AppendOptions::Sync::kByCaller) {
    result.must_flush = true;
    return result;
  }
  if (FlushTo(self, result.next_offset) != LogError::kNone) {
    return Failure(AppendError::kOffline, std::string(offline_reason_));
  }
  return result;
}

AppendResult Log::AppendLocked(fiber::Fiber& self, MutableBytes batches, const AppendOptions& options,
                               const SegmentPtr& active_at_call) {
  if (is_offline()) return Failure(AppendError::kOffline, offline_reason_);
  Headers headers;
  if (std::string problem = ParseBatches(batches, headers); !problem.empty()) {
    return Failure(AppendError::kCorruptMessage, std::move(problem));
  }
  AppendResult checked = CheckBatches(batches, headers, options);
  if (!checked.ok() || checked.is_duplicate) return checked;
  if (options.origin != AppendOrigin::kReplication) AssignOffsets(batches, headers, options.leader_epoch);
  if (const DiskError error = MakeFolderLocked(self); error != DiskError::kNone) {
    GoOffline("folder", error);
    return Failure(AppendError::kOffline, offline_reason_);
  }
  if (const DiskError error = AnnounceGaps(self, headers); error != DiskError::kNone) {
    GoOffline("cleaner checkpoint", error);
    return Failure(AppendError::kOffline, offline_reason_);
  }
  if (const DiskError error = StartEpochs(self, headers); error != DiskError::kNone) {
    GoOffline("leader epoch", error);
    return Failure(AppendError::kOffline, offline_reason_);
  }
  SegmentPtr target = MUTATION(env_.context, LG20) ? active_at_call : active();
  if (MustRoll(*target, static_cast<int64_t>(batches.size()), headers)) {
    // At the log end, unless the gap in front of the batches is larger than a segment's offsets.
    const bool gap = headers.back().last_offset() - log_end_ > config_.segment_offsets_max;
    if (const DiskError error = RollLocked(self, gap ? headers.front().base_offset : log_end_);
        error != DiskError::kNone) {
      GoOffline("roll", error);
      return Failure(AppendError::kOffline, offline_reason_);
    }
    target = active();
  }
  return WriteBatches(self, batches, headers, *target);
}

// The leader's log was compacted once, although nothing compacts it now: without a word of that, recovery would take
// the gaps for damage.
DiskError Log::AnnounceGaps(fiber::Fiber& self, const Headers& headers) {
  if (MayHaveBeenCompacted()) return DiskError::kNone;
  Offset next = log_end_;
  const bool is_gapless = std::all_of(headers.begin(), headers.end(), [&next](const record::BatchHeader& header) {
    return header.base_offset == std::exchange(next, header.next_offset());
  });
  if (is_gapless) return DiskError::kNone;
  REACHED(env_.context, "storage.gaps_announced");
  // Nothing of it was cleaned here.
  const DiskError error = PersistMarks(self, {.cleaned_until = log_start_});
  if (error == DiskError::kNone) cleaned_until_ = log_start_;
  return error;
}

std::string Log::ParseBatches(Bytes batches, Headers& headers) {
  record::BatchCursor cursor(batches);
  for (;;) {
    record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return {};
    if (step.found == record::BatchCursor::Found::kProblem) {
      return fmt::format("byte {}: {}", step.problem.at_byte, step.problem.what);
    }
    headers.push_back(step.header);
  }
}

AppendResult Log::CheckBatches(Bytes batches, const Headers& headers, const AppendOptions& options) {
  INVARIANT(!headers.empty());
  const bool replicated = options.origin == AppendOrigin::kReplication;
  if (!replicated && options.leader_epoch < latest_epoch()) {
    return Failure(AppendError::kStaleLeaderEpoch, fmt::format("leader epoch {} ended, {} is the latest",
                                                               options.leader_epoch.value(), latest_epoch().value()));
  }
  Offset expected = log_end_;
  for (const record::BatchHeader& header : headers) {
    if (!replicated && header.size_bytes > config_.max_message_bytes) {
      return Failure(AppendError::kMessageTooLarge, fmt::format("batch of {} bytes, max.message.bytes is {}",
                                                                header.size_bytes, config_.max_message_bytes));
    }
    if (replicated && header.base_offset < expected) {
      return Failure(AppendError::kOffsetsOutOfOrder,
                     fmt::format("batch at offset {}, {} is the next", header.base_offset.value(), expected.value()));
    }
    if (header.last_offset_delta > config_.segment_offsets_max) {
      return Failure(AppendError::kRecordListTooLarge,
                     fmt::format("batch of {} offsets", int64_t{header.last_offset_delta} + 1));
    }
    expected = header.next_offset();
  }
  if (static_cast<int64_t>(batches.size()) > config_.segment_bytes) {
    return Failure(AppendError::kRecordListTooLarge,
                   fmt::format("{} bytes, segment.bytes is {}", batches.size(), config_.segment_bytes));
  }
  return replicated ? AppendResult{} : Admit(batches, headers, options.origin);
}

AppendResult Log::Admit(Bytes batches, const Headers& headers, AppendOrigin origin) {
  const producers::Origin producers_origin = log_internal::ToProducersOrigin(origin);
  record::BatchCursor cursor(batches);
  for (const record::BatchHeader& header : headers) {
    const Bytes batch = cursor.Next().batch;
    if (!header.has_producer_id()) continue;
    if (headers.size() > 1) {
      return Failure(AppendError::kCorruptMessage, "a batch with a producer id must come alone");
    }
    producers::Admission admission;
    if (header.is_control()) {
      const record::EndTxnResult end = record::ReadEndTxnMarker(header, batch);
      if (!end.marker) return Failure(AppendError::kCorruptMessage, "not the end of a transaction");
      admission = producers_.states().CheckMarker(header, *end.marker, producers_origin);
    } else {
      admission = producers_.states().Check(header, producers_origin, env_.context);
    }
    if (admission.verdict == producers::Verdict::kDuplicate) {
      REACHED(env_.context, "storage.duplicate_batch");
      AppendResult result;
      result.base_offset = admission.base_offset;
      result.next_offset = admission.last_offset + 1;
      result.is_duplicate = true;
      result.duplicate_timestamp = admission.timestamp;
      return result;
    }
    if (admission.verdict != producers::Verdict::kAppend) {
      return Failure(log_internal::ToAppendError(admission.verdict), std::move(admission.what));
    }
  }
  return {};
}

void Log::AssignOffsets(MutableBytes batches, Headers& headers, LeaderEpoch epoch) const {
  Offset next = log_end_;
  size_t at = 0;
  for (record::BatchHeader& header : headers) {
    const MutableBytes batch = batches.subspan(at, static_cast<size_t>(header.size_bytes));
    record::PatchBaseOffset(batch, next);
    record::PatchLeaderEpoch(batch, epoch);
    header.base_offset = next;
    header.leader_epoch = epoch;
    next = header.next_offset();
    at += batch.size();
  }
  INVARIANT(at == batches.size());
}

DiskError Log::StartEpochs(fiber::Fiber& self, const Headers& headers) {
  for (const record::BatchHeader& header : headers) {
    if (header.leader_epoch < LeaderEpoch(0) || header.leader_epoch <= latest_epoch()) continue;
    const DiskError error = epochs_.Assign(self, header.leader_epoch, header.base_offset);
    if (error != DiskError::kNone) return error;
    env_.observer.On(env::LeaderEpochStarted{observed_name(), header.leader_epoch, header.base_offset});
  }
  return DiskError::kNone;
}

bool Log::MustRoll(const Segment& segment, int64_t batches_bytes, const Headers& headers) const {
  if (segment.empty() && segment.CanHold(headers.back().last_offset())) return false;
  if (BUGGIFY(env_.context, "storage.early_roll")) return true;
  Timestamp newest = kNoTimestamp;
  for (const record::BatchHeader& header : headers) newest = std::max(newest, header.max_timestamp);
  // Drawn per segment without state: two partitions that began together do not roll together.
  const auto jitter = static_cast<int64_t>(base::BoundedDraw(
      base::KeyedDraw(base::HashName(place_.name.topic), 0, static_cast<uint64_t>(place_.name.partition.value()),
                      static_cast<uint64_t>(segment.base_offset().value())),
      static_cast<uint64_t>(std::max<int64_t>(config_.segment_jitter.millis(), 0)) + 1));
  const Duration roll_after = config_.roll_after_max() - Duration::Millis(jitter);
  const bool offsets_left = MUTATION(env_.context, LG19) ? true : segment.CanHold(headers.back().last_offset());
  return segment.size_bytes() > config_.segment_bytes - batches_bytes || !segment.HasIndexRoom() || !offsets_left ||
         segment.WaitedForRoll(env_.clock.WallNow(), newest) > roll_after;
}

AppendResult Log::WriteBatches(fiber::Fiber& self, Bytes batches, const Headers& headers, Segment& segment) {
  AppendResult result;
  result.base_offset = headers.front().base_offset;
  result.next_offset = headers.back().next_offset();
  const Offset end_before = log_end_;
  if (MUTATION(env_.context, LG01)) log_end_ = result.next_offset;
  const bool new_file = segment.empty();
  const DiskError written = segment.Write(self, batches, headers);
  // Behind the change: a sync of the folder that runs meanwhile may have missed it.
  if (new_file) ++flush_.folder_changes;
  if (const DiskError error = written; error != DiskError::kNone) {
    // What was written of it must not be found by a recovery; if it cannot be cut off, the CRC tells.
    segment.DropTornEnd(self);
    GoOffline("append", error);
    return Failure(AppendError::kOffline, offline_reason_);
  }
  const DiskError index_error = segment.Index(self, headers);
  if (index_error != DiskError::kNone && MUTATION(env_.context, LG02)) {
    return Failure(AppendError::kOffline, "index");
  }
  INVARIANT(log_end_ == end_before || MUTATION(env_.context, LG01));
  log_end_ = result.next_offset;
  const DiskError txn_error = ApplyToProducers(self, batches, headers, segment);
  Published(headers);
  if (index_error != DiskError::kNone || txn_error != DiskError::kNone) {
    GoOffline("index", index_error != DiskError::kNone ? index_error : txn_error);
    return Failure(AppendError::kOffline, offline_reason_);
  }
  return result;
}

DiskError Log::ApplyToProducers(fiber::Fiber& self, Bytes batches, const Headers& headers, Segment& segment) {
  size_t at = 0;
  DiskError error = DiskError::kNone;
  for (const record::BatchHeader& header : headers) {
    const Bytes batch = batches.subspan(at, static_cast<size_t>(header.size_bytes));
    at += batch.size();
    if (!header.has_producer_id()) continue;
    const producers::Applied applied = producers_.states().Apply(header, batch);
    if (!applied.completed || applied.completed->type != record::ControlType::kAbort) continue;
    const producers::CompletedTxn& txn = *applied.completed;
    const AbortedTxn entry{.producer_id = txn.producer_id,
                           .first_offset = txn.first_offset,
                           .last_offset = txn.last_offset,
                           .last_stable_offset = producers_.states().LastStableOffsetAfter(txn)};
    const bool new_file = segment.txn_index().entries().empty();
    error = segment.txn_index().Append(self, entry);
    if (new_file) ++flush_.folder_changes;
    if (error != DiskError::kNone) return error;
  }
  return error;
}

void Log::Published(const Headers& headers) {
  if (flush_.unflushed_records == 0) flush_.first_unflushed_at = env_.clock.Now();
  for (const record::BatchHeader& header : headers) {
    flush_.unflushed_records += int64_t{header.last_offset_delta} + 1;
    env_.observer.On(env::LogAppended{.partition = observed_name(),
                                      .base_offset = header.base_offset,
                                      .next_offset = header.next_offset(),
                                      .leader_epoch = header.leader_epoch,
                                      .batch_crc = header.crc,
                                      .size_bytes = header.size_bytes});
  }
}

DiskError Log::RollLocked(fiber::Fiber& self, Offset base) {
  REQUIRES(base >= log_end_);
  const SegmentPtr full = active();
  INVARIANT(full->base_offset() < base);
  // The names of segments become durable in their order: what a crash leaves has lost no segment in the middle.
  if (const DiskError error = SyncFolder(self); error != DiskError::kNone) return error;
  if (base > log_end_) {
    if (const DiskError error = FlushBeforeGap(self, base); error != DiskError::kNone) return error;
  }
  const bool gives_way = full->empty();  // the next batch is too far away for it
  if (!gives_way) {
    if (const DiskError error = full->Seal(self); error != DiskError::kNone) return error;
  }
  if (const DiskError error = producers_.TakeSnapshot(self, base); error != DiskError::kNone) return error;
  ++flush_.folder_changes;
  auto fresh = std::make_shared<Segment>(files_, place_.directory, base, limits());
  fresh->StartEmpty(env_.clock.WallNow());
  if (MUTATION(env_.context, LG28) && !gives_way) {
    segments_.erase(full->base_offset());
    // As long as a rename takes.
    fiber::SleepFor(self, Duration::Millis(2));
    segments_[full->base_offset()] = full;
  }
  segments_[base] = std::move(fresh);
  if (gives_way) {
    if (const DiskError error = Bury(self, full); error != DiskError::kNone) return error;
  }
  REACHED(env_.context, "storage.rolled");
  env_.observer.On(env::LogRolled{observed_name(), base});
  FlushInBackground();
  return DiskError::kNone;
}

DiskError Log::FlushBeforeGap(fiber::Fiber& self, Offset base) {
  REACHED(env_.context, "storage.gap_between_segments");
  if (const DiskError error = RewriteSuspect(self); error != DiskError::kNone) return error;
  if (FlushShared(self, log_end_) != LogError::kNone) return DiskError::kIo;
  if (const DiskError error = SyncFiles(self, log_end_); error != DiskError::kNone) return error;
  flush_.recovery_point = base;
  return PersistMarks(self, {.recovery_point = base});
}

void Log::FlushInBackground() {
  env_.scheduler.Spawn("storage-flush-rolled", [weak = weak_from_this(), end = log_end_](fiber::Fiber& self) {
    if (const std::shared_ptr<Log> log = weak.lock(); log != nullptr) log->FlushTo(self, end);
  });
}

LogError Log::Roll(fiber::Fiber& self) {
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  if (active()->empty()) return LogError::kNone;
  if (const DiskError error = RollLocked(self, log_end_); error != DiskError::kNone) {
    GoOffline("roll", error);
    return LogError::kOffline;
  }
  return LogError::kNone;
}

LogError Log::StartEpoch(fiber::Fiber& self, LeaderEpoch epoch) {
  REQUIRES(epoch >= LeaderEpoch(0));
  fiber::MutexLock lock(self, lock_);
  if (is_offline()) return LogError::kOffline;
  if (epoch <= latest_epoch()) return LogError::kNone;
  DiskError error = DiskError::kNone;
  if (unborn_) {
    epochs_.list_to_load().Assign(epoch, log_end_);
  } else {
    error = epochs_.Assign(self, epoch, log_end_);
  }
  if (error != DiskError::kNone) {
    GoOffline("leader epoch", error);
    return LogError::kOffline;
  }
  env_.observer.On(env::LeaderEpochStarted{observed_name(), epoch, log_end_});
  return LogError::kNone;
}

void Log::ExpireProducers() {
  producers_expired_at_ = env_.clock.WallNow();
  producers_.states().ExpireAt(producers_expired_at_);
}

LogView Log::Inspect() const {
  return {.log_start_offset = log_start_,
          .last_stable_offset = last_stable_offset(),
          .high_watermark = high_watermark_,
          .log_end_offset = log_end_,
          .recovery_point = flush_.recovery_point,
          .epochs = epochs_.list().entries(),
          .producer_fingerprint = producers_.states().Fingerprint(),
          .segment_count = static_cast<int64_t>(segments_.size()),
          .size_bytes = size_bytes(),
          .offline = is_offline()};
}

}  // namespace odradek::storage
