// Generated sequences of operations on one log beside the naive model; a failing sequence shrinks to a short one.
#include "tests/engine/storage/log_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/storage/log.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace log_model_test {

enum class Step : uint8_t {
  kAppend,
  kAppendMany,
  kTruncate,
  kDelete,
  kRoll,
  kFlush,
  kRetain,
  kCrash,
  kLosePower,
  kClose
};

struct Operation {
  Step step = Step::kAppend;
  int32_t argument = 0;
};

void showValue(const Operation& operation, std::ostream& os) {
  static constexpr const char* kNames[] = {"append", "append many", "truncate", "delete records", "roll",
                                           "flush",  "retain",      "crash",    "lose power",     "close"};
  os << kNames[static_cast<size_t>(operation.step)] << "(" << operation.argument << ")";
}

// Runs operations one after the other; the log lives in a machine of its own.
class Subject {
 public:
  Subject() : model_(verdict_) {
    machine_.model.CreateDirectory("data");
    machine_.model.CreateDirectory("data/topic-0");
    machine_.model.SyncDirectory("");
    machine_.model.SyncDirectory("data");
    config_.segment_bytes = 800;
    config_.index_interval_bytes = 100;
    config_.index_piece_bytes = 24;
    config_.retention_ms = kNoLimit;
    Boot({.previous_shutdown = env::ShutdownKind::kClean});
  }

  std::string Apply(const Operation& operation) {
    switch (operation.step) {
      case Step::kAppend:
      case Step::kAppendMany:
        Append(operation);
        break;
      case Step::kCrash:
        Restart(operation.step, {});
        break;
      case Step::kLosePower:
        Restart(operation.step, {});
        break;
      case Step::kClose:
        Run([&](fiber::Fiber& self) {
          if (log_->Close(self) != LogError::kNone) verdict_.Fail("close failed");
        });
        Restart(operation.step, {.previous_shutdown = env::ShutdownKind::kClean});
        break;
      default:
        Run([&](fiber::Fiber& self) { Change(self, operation); });
    }
    if (verdict_.ok()) Run([&](fiber::Fiber& self) { Check(self); });
    return verdict_.problem();
  }

 private:
  void Run(fiber::Body body) { machine_.process().Run(std::move(body)); }

  void Boot(LogCheckpoints marks) {
    marks.log_start_offset = start_;
    TestProcess& process = machine_.Boot();
    files_ = std::make_unique<OpenFiles>(process.disk, 4);
    Run([&](fiber::Fiber& self) {
      auto opened = Log::Open(self, process.env, *files_, nullptr, {{"topic", PartitionIndex(0)}, "data/topic-0"},
                              config_, marks);
      if (opened.ok()) {
        log_ = *opened;
      } else {
        verdict_.Fail(std::string(base::SV(opened.status().message())));
      }
    });
  }

  void Restart(Step step, const LogCheckpoints& marks) {
    const Offset flushed = log_->recovery_point();
    machine_.process().KillFibers();
    log_.reset();
    files_.reset();
    if (step == Step::kLosePower) {
      machine_.LosePower(static_cast<uint64_t>(++restarts_));
    } else {
      machine_.Kill();
    }
    Boot(marks);
    if (!verdict_.ok()) return;
    Run([&](fiber::Fiber& self) {
      const ByteBuffer bytes = ReadAll(self);
      constexpr Offset kEverything{std::numeric_limits<int64_t>::max()};
      const Offset survives = step == Step::kLosePower ? flushed : kEverything;
      model_.CheckLoaded({.bytes = bytes,
                          .log_start = log_->log_start_offset(),
                          .log_end = log_->log_end_offset(),
                          .answered_below = survives,
                          .seen_below = survives});
    });
    log_->SetHighWatermark(log_->log_end_offset());
    start_ = log_->log_start_offset();
  }

  void Append(const Operation& operation) {
    NewBatch batch;
    const int count = operation.step == Step::kAppend ? 1 : 1 + operation.argument % 5;
    for (int i = 0; i < count; ++i) batch.timestamps.push_back(1000 + operation.argument * 7 % 50 + i);
    batch.payload_bytes = operation.argument % 90;
    Run([&](fiber::Fiber& self) {
      const int64_t id = model_.Start(batch);
      ByteBuffer bytes = model_.Get(id).bytes;
      const Offset end = log_->log_end_offset();
      const AppendResult result =
          log_->Append(self, bytes, {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)});
      if (!result.ok() || result.base_offset != end) return verdict_.Fail("append: " + result.problem);
      model_.Acked(id, result.base_offset);
      log_->SetHighWatermark(log_->log_end_offset());
    });
  }

  void Change(fiber::Fiber& self, const Operation& operation) {
    const Offset start = log_->log_start_offset();
    const Offset end = log_->log_end_offset();
    const Offset somewhere = start + operation.argument % (end - start + 1);
    switch (operation.step) {
      case Step::kTruncate:
        log_->TruncateTo(self, somewhere);
        if (log_->log_end_offset() != model_.Truncate(somewhere, start, end)) verdict_.Fail("truncated to a wrong end");
        break;
      case Step::kDelete:
        log_->DeleteRecordsBefore(self, somewhere);
        if (log_->log_start_offset() != somewhere) verdict_.Fail("deleted to a wrong start");
        break;
      case Step::kRoll:
        log_->Roll(self);
        break;
      case Step::kRetain: {
        LogConfig config = config_;
        config.retention_bytes = operation.argument * 10;
        log_->SetConfig(config);
        const int64_t before = log_->size_bytes();
        const RetentionResult result = log_->ApplyRetention(self);
        log_->SetConfig(config_);
        // What DeleteRecords left for deletion goes whatever the size is.
        if (log_->log_start_offset() > start && before - result.size_bytes < config.retention_bytes) {
          verdict_.Fail("retention deleted too much");
        }
        break;
      }
      default:
        log_->Flush(self);
    }
    start_ = log_->log_start_offset();
  }

  ByteBuffer ReadAll(fiber::Fiber& self) {
    ByteBuffer all;
    for (Offset from = log_->log_start_offset(); from < log_->log_end_offset();) {
      const ReadResult read = log_->Read(self, {.from = from, .bytes_max = 300, .upper_bound = log_->log_end_offset()});
      if (!read.ok() || read.file == nullptr || log_->ReadBytes(self, read, all) != ReadError::kNone) {
        verdict_.Fail("cannot be read");
        return all;
      }
      from = read.next_offset;
    }
    return all;
  }

  void Check(fiber::Fiber& self) {
    model_.CheckRead(ReadAll(self), log_->log_start_offset());
    const Offset start = log_->log_start_offset();
    const Offset end = log_->log_end_offset();
    for (const int64_t wanted : {0, 1010, 1025, 1049}) {
      const TimestampResult found = log_->FindByTimestamp(self, Timestamp(wanted), end);
      if (found.found.offset != model_.FindTime(wanted, start, end)) verdict_.Fail("a wrong offset for a time");
    }
    if (log_->FindMaxTimestamp(self, end).found.offset != model_.FindMax(start, end)) {
      verdict_.Fail("a wrong offset for the largest time");
    }
    const LogFold fold = log_->FoldFiles(self);
    std::vector<EpochEntry> epochs = log_->Inspect().epochs;
    while (!epochs.empty() && epochs.back().start_offset >= end) epochs.pop_back();
    if (!fold.ok || fold.epochs != epochs) verdict_.Fail("the files do not fold: " + fold.problem);
  }

  Verdict verdict_;
  LogModel model_;
  TestMachine machine_;
  LogConfig config_;
  std::unique_ptr<OpenFiles> files_;
  std::shared_ptr<Log> log_;
  Offset start_{0};
  int restarts_ = 0;
};

RC_GTEST_PROP(LogModel, AgreesWithTheLogAfterEveryOperation, ()) {
  const auto operations = *rc::gen::container<std::vector<Operation>>(rc::gen::construct<Operation>(
      rc::gen::cast<Step>(rc::gen::weightedElement<int>(
          {{8, 0}, {8, 1}, {3, 2}, {3, 3}, {2, 4}, {2, 5}, {2, 6}, {1, 7}, {1, 8}, {1, 9}})),
      rc::gen::inRange(0, 200)));
  Subject subject;
  for (const Operation& operation : operations) RC_ASSERT(subject.Apply(operation) == "");
}

}  // namespace log_model_test
}  // namespace odradek::storage
