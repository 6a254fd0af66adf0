#include "tests/engine/storage/crash_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/base/absl_compat.h"

namespace odradek::storage {
namespace crash_loop_internal {

constexpr ProducerId kProducer{100};

}  // namespace crash_loop_internal

using crash_loop_internal::kProducer;

// Keeps what the logs say about themselves.
class CrashLoop::Watcher final : public env::Observer {
 public:
  explicit Watcher(CrashLoop& loop) : loop_(loop) {}
  void On(const env::Observation& observation) override {
    if (const auto* flushed = std::get_if<env::LogFlushed>(&observation)) {
      Part& part = PartOf(flushed->partition);
      part.flushed = flushed->durable_end;
      part.model.Synced(flushed->durable_end);
      loop_.Note("flushed to " + std::to_string(flushed->durable_end.value()));
    } else if (const auto* cut = std::get_if<env::LogTruncated>(&observation)) {
      Part& part = PartOf(cut->partition);
      part.flushed = std::min(part.flushed, cut->log_end_offset);
    } else if (const auto* deleted = std::get_if<env::SegmentDeleted>(&observation)) {
      PartOf(deleted->partition).deleted.push_back(*deleted);
    } else if (const auto* offline = std::get_if<env::LogOffline>(&observation)) {
      if (!loop_.fault_hit_) loop_.Fail("a log went offline without a fault: " + std::string(offline->reason));
    }
  }

 private:
  Part& PartOf(const env::PartitionName& name) { return loop_.parts_[static_cast<size_t>(name.partition.value())]; }
  CrashLoop& loop_;
};

CrashLoop::CrashLoop(const CrashLoopOptions& options) : Lives(options), epoch_file_draws_(options.seed + 2) {
  DrawBuggify();
  config_ = DrawConfig({.segment_bytes_min = 800, .segment_bytes_range = 2000, .delete_delays = 3});
  for (int32_t i = 0; i < 2; ++i) {
    parts_.push_back({.name = {"topic", PartitionIndex(i)}, .model = LogModel(verdict_)});
    parts_.back().follower = i == 1;
  }
  watcher_ = std::make_unique<Watcher>(*this);
  machine_.observer = watcher_.get();
}

CrashLoop::~CrashLoop() = default;

void CrashLoop::RunLife() {
  fault_hit_ = false;
  loading_ = false;
  opened_ = false;
  closing_ = false;
  TestProcess& process = BeginLife(1200);
  ArmFaults();
  LoseEpochFile();
  process.Run([this](fiber::Fiber& self) { Live(self); });
  const bool wall_jump = OneIn(4);
  if (wall_jump) process.clock.wall = process.clock.wall + Duration::Millis(Draw(5000));
  const bool power_lost = EndLife();
  // A marker may be taken away or put down by a call that was not answered.
  may_be_clean_ = opened_ ? closing_ && !completed_close_ : was_clean_ || may_be_clean_;
  was_clean_ = completed_close_;
  for (Part& part : parts_) part.power_lost = part.power_lost || power_lost;
}

void CrashLoop::LoseEpochFile() {
  for (const Part& part : parts_) {
    if (epoch_file_draws_.Below(16) != 0) continue;
    const std::string folder = "data/" + ToString(part.name);
    if (machine_.model.Remove(folder + "/leader-epoch-checkpoint") != env::DiskError::kNone) continue;
    machine_.model.SyncDirectory(folder);
    Note(ToString(part.name) + ": the leader epochs are lost");
  }
}

void CrashLoop::ArmFaults() {
  if (!OneIn(3)) return;
  static constexpr DiskCall kCalls[] = {DiskCall::kSync, DiskCall::kWrite};
  const DiskCall call = kCalls[Draw(2)];
  // Of an index, a log, or whatever comes.
  static constexpr std::string_view kParts[] = {"index", ".log", "topic-"};
  const std::string part(kParts[Draw(3)]);
  const bool at_load = OneIn(4);
  int64_t skip = at_load ? 0 : Draw(12);
  machine_.process().disk.fault = [this, call, part, skip, at_load](const DiskOperation& operation) mutable {
    const bool hits =
        at_load ? loading_ && operation.call == DiskCall::kRead && operation.path.find("topic-1/") != std::string::npos
                : operation.call == call && operation.path.find(part) != std::string::npos;
    if (!hits || fault_hit_ || skip-- > 0) return env::DiskError::kNone;
    fault_hit_ = true;
    Note("fault at " + operation.path);
    return call == DiskCall::kWrite && !at_load ? env::DiskError::kNoSpace : env::DiskError::kIo;
  };
}

bool CrashLoop::Open(fiber::Fiber& self) {
  auto opened = OpenManager(self);
  if (!opened.ok()) {
    if (!fault_hit_) Fail("cannot be opened: " + std::string(base::SV(opened.status().message())));
    return false;
  }
  manager_ = *std::move(opened);
  const bool says_clean = manager_->previous_shutdown() == env::ShutdownKind::kClean;
  if (says_clean && !was_clean_ && !may_be_clean_) Fail("claims a clean shutdown that was none");
  if (!says_clean && was_clean_) Fail("does not know of the clean shutdown");
  opened_ = true;
  loading_ = true;
  const absl::Status loaded = manager_->LoadAll(self);
  loading_ = false;
  if (!loaded.ok() && !fault_hit_) Fail("cannot be loaded: " + std::string(base::SV(loaded.message())));
  for (const LogManager::FailedLog& failed : manager_->failed_logs()) {
    if (!fault_hit_) Fail("a log cannot be loaded: " + failed.problem);
  }
  return loaded.ok();
}

void CrashLoop::Live(fiber::Fiber& self) {
  if (!Open(self) || !verdict_.ok()) return;
  for (Part& part : parts_) {
    if (Hosted(part)) {
      CheckAfterLoad(self, part, *manager_->Find(part.name));
    } else if (!fault_hit_) {
      const auto created = manager_->Create(self, part.name, TopicId{1, 2}, config_);
      if (!created.ok() && !fault_hit_) Fail("cannot be created");
      if (created.ok()) part.power_lost = false;
    }
    if (!verdict_.ok()) return;
  }
  const int64_t phases = 1 + Draw(3);
  for (int64_t i = 0; i < phases && verdict_.ok(); ++i) {
    Phase(self);
    for (Part& part : parts_) {
      const std::shared_ptr<Log> log = manager_->Find(part.name);
      if (log == nullptr || log->is_offline() || !verdict_.ok()) continue;
      CheckQuiet(self, part, *log);
      if (OneIn(3)) TruncateSome(self, part, *log);
      if (OneIn(2)) RetainQuietly(self, part, *log);
      if (verdict_.ok() && !log->is_offline()) CheckQuiet(self, part, *log);
    }
  }
  if (!verdict_.ok() || !OneIn(3)) return;
  const bool failed_load = !manager_->failed_logs().empty();
  closing_ = !failed_load;
  const absl::Status closed = manager_->CloseCleanly(self, BrokerEpoch(life_));
  completed_close_ = closed.ok();
  if (closed.ok() && failed_load) Fail("a clean shutdown is claimed although a log could not be loaded");
  if (!closed.ok() && !fault_hit_) Fail("the shutdown failed: " + std::string(base::SV(closed.message())));
}

void CrashLoop::Phase(fiber::Fiber& self) {
  fiber::TaskGroup group(self);
  for (Part& part : parts_) {
    if (!Hosted(part)) continue;
    group.Spawn("producer", [&](fiber::Fiber& child) { AppendSome(child, part, Identity::kProducer); });
    if (!part.follower) {
      group.Spawn("appender", [&](fiber::Fiber& child) { AppendSome(child, part, Identity::kNone); });
    }
    group.Spawn("reader", [&](fiber::Fiber& child) { ReadSome(child, part); });
  }
  group.Spawn("maintenance", [&](fiber::Fiber& child) { MaintainSome(child); });
  group.Join(self);
}

void CrashLoop::AppendSome(fiber::Fiber& self, Part& part, Identity identity) {
  const int64_t count = Draw(14);
  for (int64_t i = 0; i < count && verdict_.ok(); ++i) {
    const std::shared_ptr<Log> log = manager_->Find(part.name);
    if (!AppendOne(self, part, *log, identity)) return;
    MoveHighWatermark(*log);
    CheckOffsets(part, *log);
  }
}

bool CrashLoop::AppendOne(fiber::Fiber& self, Part& part, Log& log, Identity identity) {
  NewBatch batch;
  const int64_t record_count = 1 + Draw(4);
  const int64_t now = machine_.process().clock.wall.unix_millis();
  for (int64_t i = 0; i < record_count; ++i) batch.timestamps.push_back(now - 500 + Draw(1000));
  batch.payload_bytes = Draw(120);
  if (identity == Identity::kProducer) {
    batch.producer_id = kProducer;
    batch.base_sequence = part.next_sequence;
    part.next_sequence += static_cast<int32_t>(record_count);
  }
  if (OneIn(25)) ++part.leader_epoch;
  AppendOptions options{.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(part.leader_epoch)};
  if (part.follower) {
    options.origin = AppendOrigin::kReplication;
    batch.base_offset = log.log_end_offset() + (OneIn(3) ? Draw(70) : 0);
    batch.leader_epoch = LeaderEpoch(part.leader_epoch);
  }
  const int64_t id = part.model.Start(batch);
  ByteBuffer bytes = part.model.Get(id).bytes;
  const AppendResult result = log.Append(self, bytes, options);
  if (!verdict_.ok()) return false;
  if (result.error == AppendError::kOffline) {
    if (!log.is_offline()) Fail("an append was refused as offline, the log is not offline");
    return false;
  }
  if (result.error == AppendError::kStaleLeaderEpoch) {
    part.model.Refused(id);
    // The other appender was faster with a new epoch; the sequence is free again.
    if (identity == Identity::kProducer) part.next_sequence -= static_cast<int32_t>(record_count);
    return true;
  }
  if (!result.ok()) {
    Fail(fmt::format("append refused: {} {}", ToString(result.error), result.problem));
    return false;
  }
  if (result.is_duplicate) Fail("a new batch counts as a duplicate");
  if (result.next_offset - result.base_offset != record_count) Fail("the answer has a wrong range of offsets");
  ++result_.acked_count;
  part.model.Acked(id, result.base_offset);
  Note(fmt::format("{}: batch {} appended at [{}, {}) epoch {} sequence {}", ToString(part.name), id,
                   result.base_offset.value(), result.next_offset.value(), part.leader_epoch, batch.base_sequence));
  if (identity == Identity::kProducer && !part.follower && OneIn(6)) Resend(self, part, log, id);
  return true;
}

void CrashLoop::Resend(fiber::Fiber& self, Part& part, Log& log, int64_t id) {
  ByteBuffer bytes = part.model.Get(id).bytes;
  const AppendResult again =
      log.Append(self, bytes, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(part.leader_epoch)});
  if (again.error == AppendError::kOffline || again.error == AppendError::kStaleLeaderEpoch) return;
  if (!again.ok() || !again.is_duplicate) {
    return Fail(fmt::format("batch {} resent is no duplicate: {} {}", id, ToString(again.error), again.problem));
  }
  if (again.base_offset != part.model.Get(id).base_offset) Fail("a duplicate is answered with another offset");
}

void CrashLoop::MoveHighWatermark(Log& log) {
  if (OneIn(4)) return;
  const bool durable = options_.policy == FlushPolicy::kEveryAppend;
  const Offset target = durable ? log.recovery_point() : log.log_end_offset();
  if (target > log.high_watermark()) log.SetHighWatermark(target);
}

void CrashLoop::CheckOffsets(const Part& part, const Log& log) {
  const LogView view = log.Inspect();
  if (view.log_start_offset > view.last_stable_offset || view.last_stable_offset > view.high_watermark ||
      view.high_watermark > view.log_end_offset) {
    Fail(fmt::format("{}: start {} stable {} high watermark {} end {}", ToString(part.name),
                     view.log_start_offset.value(), view.last_stable_offset.value(), view.high_watermark.value(),
                     view.log_end_offset.value()));
  }
}

void CrashLoop::ReadSome(fiber::Fiber& self, Part& part) {
  for (int64_t i = Draw(16); i > 0 && verdict_.ok(); --i) {
    const std::shared_ptr<Log> log = manager_->Find(part.name);
    const Offset start = log->log_start_offset();
    const Offset end = log->log_end_offset();
    const Offset from = start + (end > start ? Draw(end - start) : 0);
    const ReadResult read = log->Read(self, {.from = from, .bytes_max = 1 + Draw(900), .upper_bound = end});
    if (!verdict_.ok()) return;
    if (read.error == ReadError::kOffline && !fault_hit_) return Fail("a read failed without a fault");
    if (read.error == ReadError::kOutOfRange && from >= log->log_start_offset()) {
      return Fail(fmt::format("{} is out of range in [{}, {})", from.value(), start.value(), end.value()));
    }
    if (!read.ok()) continue;
    if (read.file == nullptr && from < end && !part.follower)
      return Fail(fmt::format("nothing is at {} below {}", from.value(), end.value()));
    ByteBuffer bytes;
    if (log->ReadBytes(self, read, bytes) != ReadError::kNone) {
      if (!fault_hit_) Fail(fmt::format("the bytes at {} are not there", from.value()));
      return;
    }
    part.model.CheckRead(bytes, from);
  }
}

void CrashLoop::SaveHighWatermarks(fiber::Fiber& self) {
  std::vector<Offset> before;
  for (const Part& part : parts_) {
    before.push_back(Hosted(part) ? manager_->Find(part.name)->high_watermark() : kNoOffset);
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (before[i] != kNoOffset) parts_[i].hw_saved = std::min(parts_[i].hw_saved, before[i]);
  }
  if (!manager_->CheckpointHighWatermarks(self)) return;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (before[i] != kNoOffset) parts_[i].hw_saved = before[i];
  }
}

void CrashLoop::MaintainSome(fiber::Fiber& self) {
  for (int64_t i = Draw(12); i > 0 && verdict_.ok(); --i) {
    Part& part = parts_[static_cast<size_t>(Draw(static_cast<int64_t>(parts_.size())))];
    const std::shared_ptr<Log> log = manager_->Find(part.name);
    if (log == nullptr) continue;
    switch (Draw(10)) {
      case 0:
        log->Flush(self);
        break;
      case 1:
        log->Roll(self);
        break;
      case 2:
        manager_->CheckpointRecoveryPoints(self);
        break;
      case 3:
        SaveHighWatermarks(self);
        break;
      case 4:
        manager_->CheckpointLogStarts(self);
        break;
      case 5:
      case 6:
        DeleteSome(self, part, *log);
        break;
      case 7:
        manager_->RemoveDeletedFiles(self);
        break;
      case 8:
        fiber::SleepFor(self, Duration::Millis(Draw(2000)));
        machine_.process().clock.wall = machine_.process().clock.wall + Duration::Millis(Draw(3000));
        break;
      default:
        manager_->FlushDue(self);
        break;
    }
  }
}

void CrashLoop::DeleteSome(fiber::Fiber& self, Part& part, Log& log) {
  const Offset start = log.log_start_offset();
  const Offset end = log.high_watermark();
  const Offset target = OneIn(3) ? end : start + (end > start ? Draw(end - start) : 0);
  part.start_maybe = std::max(part.start_maybe, target);
  Note(fmt::format("{}: delete records before {}", ToString(part.name), target.value()));
  if (log.DeleteRecordsBefore(self, target) == LogError::kNone) {
    part.start_known = std::max(part.start_known, target);
    if (log.log_start_offset() < target) Fail("the log start is below what was deleted");
  }
}

void CrashLoop::RetainQuietly(fiber::Fiber& self, Part& part, Log& log) {
  LogConfig config = config_;
  const int64_t now = machine_.process().clock.wall.unix_millis();
  const bool by_size = OneIn(2);
  if (by_size) {
    config.retention_bytes = Draw(2000);
  } else {
    config.retention_ms = Draw(1500);
  }
  const Offset start_before = log.log_start_offset();
  const Offset high_watermark = log.high_watermark();
  const int64_t size_before = log.size_bytes();
  part.deleted.clear();
  part.start_maybe = std::max(part.start_maybe, log.log_end_offset());
  log.SetConfig(config);
  const RetentionResult result = log.ApplyRetention(self);
  log.SetConfig(config_);
  if (result.error != LogError::kNone || !verdict_.ok()) return;
  part.start_known = log.log_start_offset();
  part.start_maybe = part.start_known;
  Note(fmt::format("{}: retention by {} moved the start from {} to {}", ToString(part.name), by_size ? "size" : "time",
                   start_before.value(), part.start_known.value()));
  if (log.log_start_offset() > std::max(high_watermark, start_before)) Fail("retention passed the high watermark");
  if (by_size && result.segment_count > 0 && size_before - result.size_bytes < config.retention_bytes) {
    bool below_start = true;
    for (const env::SegmentDeleted& gone : part.deleted) below_start = below_start && gone.next_offset <= start_before;
    if (!below_start) Fail("retention by size deleted too much");
  }
  for (const env::SegmentDeleted& gone : part.deleted) {
    const Offset from = std::max(gone.base_offset, start_before);
    const std::optional<int64_t> largest = part.model.LargestTimestamp(from, gone.next_offset);
    if (!by_size && largest && *largest >= now - config.retention_ms) Fail("retention by time deleted a young record");
  }
}

void CrashLoop::TruncateSome(fiber::Fiber& self, Part& part, Log& log) {
  if (log.is_offline()) return;
  // Below the high watermark as well: an unclean election does that. Not below the start.
  const Offset start = log.log_start_offset();
  const Offset end = log.log_end_offset();
  const Offset offset = start + (end > start ? Draw(end - start + 1) : 0);
  part.model.MaybeTruncated(offset);
  Note(fmt::format("{}: truncate [{}, {}) to {}", ToString(part.name), start.value(), end.value(), offset.value()));
  const Offset hw_saved = part.hw_saved;
  // It falls with the log end, also when the truncation is not answered.
  if (hw_saved != kNoOffset) part.hw_saved = std::min(hw_saved, start);
  const LogError error = log.TruncateTo(self, offset);
  if (error != LogError::kNone || !verdict_.ok()) return;
  const Offset expected = part.model.Truncate(offset, start, end);
  part.model.TruncationDone();
  // A follower's log may end with the name of an empty segment behind a gap.
  const Offset end_max = part.follower ? std::max(offset, expected) : expected;
  if (log.log_end_offset() < expected || log.log_end_offset() > end_max) {
    return Fail(fmt::format("truncated [{}, {}) to {}: the end is {}, not {}", start.value(), end.value(),
                            offset.value(), log.log_end_offset().value(), expected.value()));
  }
  part.flushed = std::min(part.flushed, log.log_end_offset());
  if (hw_saved != kNoOffset) part.hw_saved = std::min(hw_saved, expected);
  if (log.log_start_offset() < part.start_known) Fail("truncation lowered the log start");
  const auto& entries = log.producers().entries();
  if (const auto it = entries.find(kProducer); it != entries.end() && !it->second.window.empty()) {
    part.next_sequence = it->second.last_sequence() + 1;
  }
}

}  // namespace odradek::storage
