// A log on a simulated disk whose process can be killed and whose machine can lose power.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/storage/log.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {

// Every step runs as a fiber of the current process to its end.
class LogFixture : public testing::Test {
 protected:
  static constexpr int64_t kReadMax = 1 << 20;

  LogFixture() { StartAfresh(); }

  // On an empty disk.
  void StartAfresh() {
    log_.reset();
    files_.reset();
    machine_.Kill();
    machine_.model.Wipe();
    machine_.model.CreateDirectory("data");
    machine_.model.CreateDirectory("data/topic-0");
    machine_.model.SyncDirectory("");
    machine_.model.SyncDirectory("data");
    Boot();
  }
  void Boot() {
    log_.reset();
    files_.reset();
    TestProcess& process = machine_.Boot();
    files_ = std::make_unique<OpenFiles>(process.disk, 16);
  }
  void Open(const LogCheckpoints& marks = {}) {
    Run([&](fiber::Fiber& self) {
      auto opened = Log::Open(self, machine_.process().env, *files_, nullptr,
                              {{"topic", PartitionIndex(0)}, "data/topic-0"}, config_, marks);
      ASSERT_TRUE(opened.ok()) << base::SV(opened.status().message());
      log_ = *opened;
    });
  }
  void Run(fiber::Body body) { machine_.process().Run(std::move(body)); }
  // Kills the process and opens the log again.
  void Reopen(const LogCheckpoints& marks = {}) {
    log_.reset();
    files_.reset();
    machine_.Kill();
    Boot();
    Open(marks);
  }
  void LosePowerAndReopen(const LogCheckpoints& marks = {}) {
    log_.reset();
    files_.reset();
    machine_.LosePower(1, sim::PowerLossFate::kLoseAll);
    Boot();
    Open(marks);
  }

  AppendResult Append(ByteBuffer batch,
                      AppendOptions options = {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(0)}) {
    AppendResult result;
    Run([&](fiber::Fiber& self) { result = log_->Append(self, batch, options); });
    return result;
  }
  Offset AppendValues(const std::vector<std::string>& values) {
    const AppendResult result = Append(Encode({.values = values}));
    EXPECT_TRUE(result.ok()) << result.problem;
    log_->SetHighWatermark(log_->log_end_offset());
    return result.base_offset;
  }
  // Everything from `from` to the bound, read in as many steps as it takes.
  std::vector<std::string> ReadAll(Offset from, Offset upper_bound, int64_t bytes_max = kReadMax) {
    std::vector<std::string> out;
    Run([&](fiber::Fiber& self) {
      for (;;) {
        const ReadResult read = log_->Read(self, {.from = from, .bytes_max = bytes_max, .upper_bound = upper_bound});
        ASSERT_TRUE(read.ok());
        if (read.file == nullptr) return;
        ByteBuffer bytes;
        ASSERT_EQ(log_->ReadBytes(self, read, bytes), ReadError::kNone);
        for (std::string& record : Decode(bytes)) out.push_back(std::move(record));
        from = read.next_offset;
      }
    });
    return out;
  }
  std::vector<std::string> ReadAll() { return ReadAll(log_->log_start_offset(), log_->log_end_offset()); }
  ReadError ReadErrorAt(Offset from) {
    ReadResult read;
    Run([&](fiber::Fiber& self) {
      read = log_->Read(self, {.from = from, .bytes_max = kReadMax, .upper_bound = log_->log_end_offset()});
    });
    return read.error;
  }
  LogError TruncateTo(Offset offset) {
    LogError error{};
    Run([&](fiber::Fiber& self) { error = log_->TruncateTo(self, offset); });
    return error;
  }
  LogError DeleteBefore(Offset offset) {
    LogError error{};
    Run([&](fiber::Fiber& self) { error = log_->DeleteRecordsBefore(self, offset); });
    return error;
  }
  LogError Flush() {
    LogError error{};
    Run([&](fiber::Fiber& self) { error = log_->Flush(self); });
    return error;
  }
  void Close() {
    Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Close(self), LogError::kNone); });
  }
  RetentionResult Retain() {
    RetentionResult result;
    Run([&](fiber::Fiber& self) { result = log_->ApplyRetention(self); });
    return result;
  }
  TimestampOffset FindTime(int64_t at_least) {
    TimestampResult result;
    Run([&](fiber::Fiber& self) { result = log_->FindByTimestamp(self, Timestamp(at_least), log_->log_end_offset()); });
    return result.found;
  }
  void ExpectFoldMatches() {
    LogFold fold;
    Run([&](fiber::Fiber& self) { fold = log_->FoldFiles(self); });
    EXPECT_TRUE(fold.ok) << fold.problem;
    const LogView view = log_->Inspect();
    EXPECT_EQ(fold.producer_fingerprint, view.producer_fingerprint);
    EXPECT_EQ(fold.epochs, view.epochs);
    EXPECT_EQ(fold.log_end_offset, view.log_end_offset);
  }
  static LogCheckpoints Clean() { return {.previous_shutdown = env::ShutdownKind::kClean}; }
  static LogCheckpoints RecoverFrom(int64_t offset) { return {.recovery_point = Offset(offset)}; }
  std::vector<std::string> FileNames() {
    std::vector<std::string> names;
    for (const env::DirectoryEntry& entry : machine_.model.List("data/topic-0").entries) names.push_back(entry.name);
    return names;
  }

  TestMachine machine_;
  LogConfig config_;
  std::unique_ptr<OpenFiles> files_;
  std::shared_ptr<Log> log_;
};

}  // namespace odradek::storage
