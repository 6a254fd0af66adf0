// What a log is after a restart: clean, killed, without power, with damaged files.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "engine/producers/snapshot.h"
#include "tests/engine/storage/log_fixture.h"

namespace odradek::storage {
namespace log_recovery_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogRecoveryTest : public LogFixture {};

TEST_F(LogRecoveryTest, SurvivesACleanRestart) {
  config_.segment_bytes = 300;
  Open();
  for (int i = 0; i < 9; ++i) AppendValues({"v" + std::to_string(i)});
  Append(
      Encode({.values = {"p"}, .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0}));
  const LogView before = log_->Inspect();
  Close();
  LosePowerAndReopen(Clean());
  LogView after = log_->Inspect();
  EXPECT_EQ(after.log_end_offset, before.log_end_offset);
  EXPECT_EQ(after.epochs, before.epochs);
  EXPECT_EQ(after.producer_fingerprint, before.producer_fingerprint);
  EXPECT_EQ(after.recovery_point, after.log_end_offset);
  EXPECT_EQ(ReadAll().size(), 10u);
  ExpectFoldMatches();
  EXPECT_EQ(AppendValues({"next"}), Offset(10));
}

TEST_F(LogRecoveryTest, SurvivesAProcessCrashWithoutAnySync) {
  config_.segment_bytes = 300;
  Open();
  for (int i = 0; i < 9; ++i) AppendValues({"v" + std::to_string(i)});
  const std::vector<std::string> before = ReadAll();
  Reopen();
  EXPECT_EQ(ReadAll(), before);
  ExpectFoldMatches();
}

// After a crash nobody knows whether a snapshot that is there was ever synced: a clean shutdown does not rely on it.
TEST_F(LogRecoveryTest, ACleanShutdownMakesAFoundSnapshotDurable) {
  Open();
  Append(
      Encode({.values = {"a"}, .producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 0}));
  EXPECT_EQ(Flush(), LogError::kNone);
  // The first shutdown writes the snapshot and fails before it is synced.
  machine_.process().disk.fault = [&](const DiskOperation& operation) {
    return operation.call == DiskCall::kSync ? env::DiskError::kIo : env::DiskError::kNone;
  };
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->Close(self), LogError::kOffline); });
  Reopen(RecoverFrom(1));
  const std::string path = "data/topic-0/00000000000000000001.snapshot";
  const sim::InodeRef found = machine_.model.Find(path);
  ASSERT_NE(found, nullptr);
  // Nor on what a read of it gives: the pages of a failed sync may go at any time.
  machine_.model.FailSync(*found);
  machine_.model.EvictClean(*found);
  Close();
  log_.reset();
  files_.reset();
  machine_.LosePower(1, sim::PowerLossFate::kLoseAll);
  const sim::InodeRef snapshot = machine_.model.Find(path);
  ASSERT_NE(snapshot, nullptr);
  ByteBuffer content(static_cast<size_t>(machine_.model.SizeOf(*snapshot)));
  machine_.model.Read(*snapshot, content, 0);
  EXPECT_TRUE(producers::DecodeSnapshot(content, {.end_offset = Offset(1)}, {}).ok());
}

// A disk that reads or writes the wrong sector gives another snapshot, whole and with a right CRC.
TEST_F(LogRecoveryTest, ASnapshotOfAnotherPlaceIsNotBelieved) {
  const auto path = [](int offset) { return fmt::format("data/topic-0/{:020}.snapshot", offset); };
  const auto append = [&](int32_t base_sequence) {
    const TestBatch batch{.values = {"v"},
                          .producer_id = ProducerId(7),
                          .producer_epoch = ProducerEpoch(0),
                          .base_sequence = base_sequence};
    ASSERT_TRUE(Append(Encode(batch)).ok());
  };
  Open();
  append(0);
  Run([&](fiber::Fiber& self) { ASSERT_EQ(log_->Roll(self), LogError::kNone); });
  append(1);
  Close();
  const sim::InodeRef older = machine_.model.Find(path(1));
  const sim::InodeRef newest = machine_.model.Find(path(2));
  ASSERT_NE(older, nullptr);
  ASSERT_NE(newest, nullptr);
  ASSERT_EQ(machine_.model.SizeOf(*older), machine_.model.SizeOf(*newest));
  ByteBuffer content(static_cast<size_t>(machine_.model.SizeOf(*older)));
  machine_.model.Read(*older, content, 0);
  machine_.model.Write(*newest, content, 0);
  Reopen({.recovery_point = Offset(2), .previous_shutdown = env::ShutdownKind::kClean});
  ExpectFoldMatches();
  ASSERT_EQ(log_->producers().entries().size(), 1u);
  EXPECT_EQ(log_->producers().entries().begin()->second.window.back().last_sequence, 1);
}

TEST_F(LogRecoveryTest, FlushedRecordsSurvivePowerLoss) {
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  EXPECT_EQ(Flush(), LogError::kNone);
  AppendValues({"c"});
  LosePowerAndReopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b"));
}

TEST_F(LogRecoveryTest, RecoveryCutsOffATornTail) {
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  const sim::InodeRef file = machine_.model.Find("data/topic-0/00000000000000000000.log");
  const int64_t size = machine_.model.SizeOf(*file);
  machine_.model.Truncate(*file, size - 1);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a"));
  EXPECT_EQ(machine_.context.reached["storage.recovery.torn_tail"], 1);
  EXPECT_EQ(AppendValues({"c"}), Offset(1));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:c"));
}

TEST_F(LogRecoveryTest, RecoveryCutsOffABatchWithAWrongCrcAndAZeroTail) {
  Open();
  AppendValues({"a"});
  const sim::InodeRef file = machine_.model.Find("data/topic-0/00000000000000000000.log");
  const int64_t size = machine_.model.SizeOf(*file);
  AppendValues({"b"});
  machine_.model.FlipBit(*file, size + 65, 3);
  Flush();
  machine_.model.FlipBit(*file, size + 65, 3);
  machine_.model.Write(*file, ByteBuffer(100), machine_.model.SizeOf(*file));
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a"));
  EXPECT_EQ(machine_.model.SizeOf(*file), size);
}

TEST_F(LogRecoveryTest, RecoveryReadsLittleMoreThanWhatIsNotSynced) {
  config_.index_interval_bytes = 100;
  Open();
  for (int i = 0; i < 2000; ++i) Append(OneRecord(std::string(1000, 'x')));
  Flush();
  const Offset recovery_point = log_->recovery_point();
  for (int i = 0; i < 10; ++i) Append(OneRecord(std::string(1000, 'x')));
  Reopen({.recovery_point = recovery_point});
  EXPECT_EQ(log_->log_end_offset(), Offset(2010));
  // One index piece is not on file: 512 entries of a batch each.
  EXPECT_LT(machine_.process().observer.last_recovery.bytes_read, int64_t{700} * 1100);
}

// The process before the last one cut off a half-written batch and died; the cut itself was never synced.
class LogRecoverySeedTest : public LogRecoveryTest, public testing::WithParamInterface<uint64_t> {};

TEST_P(LogRecoverySeedTest, WhatADeadProcessCutOffDoesNotComeBack) {
  config_.segment_bytes = 300;
  Open();
  AppendValues({"first"});
  EXPECT_EQ(Flush(), LogError::kNone);
  const sim::InodeRef file = machine_.model.Find("data/topic-0/00000000000000000000.log");
  const int64_t size_bytes = machine_.model.SizeOf(*file);
  machine_.model.Write(*file, ByteBuffer(22, std::byte{0x5a}), size_bytes);
  machine_.model.Truncate(*file, size_bytes);
  Reopen(RecoverFrom(1));
  AppendValues({std::string(200, 'x')});  // in the next segment
  EXPECT_EQ(Flush(), LogError::kNone);
  log_.reset();
  files_.reset();
  machine_.LosePower(GetParam());
  const auto after = machine_.model.Find("data/topic-0/00000000000000000000.log");
  EXPECT_EQ(machine_.model.SizeOf(*after), size_bytes);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogRecoverySeedTest, testing::Range<uint64_t>(1, 17));

TEST_F(LogRecoveryTest, RecoveryFindsItsPlaceDespiteAWrongIndex) {
  config_.index_interval_bytes = 0;
  config_.segment_bytes = 1000;
  Open();
  for (int i = 0; i < 30; ++i) AppendValues({"v" + std::to_string(i)});
  Close();
  const std::vector<std::string> before = [&] {
    Reopen(Clean());
    return ReadAll();
  }();
  for (const std::string& name : FileNames()) {
    if (!name.ends_with("index")) continue;
    const sim::InodeRef file = machine_.model.Find("data/topic-0/" + name);
    ByteBuffer garbage(static_cast<size_t>(machine_.model.SizeOf(*file)));
    for (size_t i = 0; i < garbage.size(); ++i) garbage[i] = std::byte(i % 3);
    machine_.model.Write(*file, garbage, 0);
  }
  Reopen(RecoverFrom(25));
  EXPECT_EQ(ReadAll(), before);
  EXPECT_THAT(ReadAll(Offset(12), Offset(14)), ElementsAre("12:v12", "13:v13"));
}

TEST_F(LogRecoveryTest, ReadsAnIndexThatKafkaPreallocated) {
  config_.index_interval_bytes = 0;
  Open();
  for (int i = 0; i < 20; ++i) AppendValues({"v" + std::to_string(i)});
  Close();
  for (const char* name : {"00000000000000000000.index", "00000000000000000000.timeindex"}) {
    const sim::InodeRef file = machine_.model.Find("data/topic-0/" + std::string(name));
    machine_.model.Truncate(*file, 10 << 20);
  }
  Reopen();
  EXPECT_EQ(ReadAll().size(), 20u);
  EXPECT_EQ(AppendValues({"next"}), Offset(20));
  EXPECT_EQ(FindTime(0).offset, Offset(0));
}

TEST_F(LogRecoveryTest, MissingIndexesAreRebuilt) {
  config_.index_interval_bytes = 0;
  config_.segment_bytes = 500;
  Open();
  for (int i = 0; i < 20; ++i) AppendValues({"v" + std::to_string(i)});
  Close();
  for (const std::string& name : FileNames()) {
    if (name.ends_with("index")) machine_.model.Remove("data/topic-0/" + name);
  }
  Reopen(Clean());
  EXPECT_EQ(ReadAll().size(), 20u);
  EXPECT_GT(machine_.context.reached["storage.missing_index"], 0);
}

TEST_F(LogRecoveryTest, HoleBetweenSegmentsEndsTheLog) {
  config_.segment_bytes = 200;
  Open();
  for (int i = 0; i < 6; ++i) AppendValues({"v" + std::to_string(i)});
  std::vector<std::string> logs;
  for (const std::string& name : FileNames()) {
    if (name.ends_with(".log")) logs.push_back(name);
  }
  ASSERT_GE(logs.size(), 3u);
  machine_.model.Remove("data/topic-0/" + logs[1]);
  Reopen();
  EXPECT_EQ(machine_.context.reached["storage.hole_between_segments"], 1);
  EXPECT_EQ(log_->log_end_offset().value(), std::stoll(logs[1]));
}

TEST_F(LogRecoveryTest, RecoveredBatchesAreWrittenAgainBeforeASyncCounts) {
  config_.flush_messages = 1;
  Open();
  AppendValues({"a"});
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    return operation.call == DiskCall::kSync ? env::DiskError::kIo : env::DiskError::kNone;
  };
  EXPECT_EQ(Append(OneRecord("b")).error, AppendError::kOffline);
  Reopen(RecoverFrom(1));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b"));
  EXPECT_EQ(Flush(), LogError::kNone);
  LosePowerAndReopen(RecoverFrom(2));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b"));
}

TEST_F(LogRecoveryTest, ForeignFilesAreLeftAlone) {
  for (const char* name : {"notes.txt", "quorum-state", "00000000000000000010-0000000001.checkpoint", "123.log"}) {
    machine_.model.Open("data/topic-0/" + std::string(name), env::OpenMode::kCreate);
  }
  machine_.model.CreateDirectory("data/topic-0/folder");
  Reopen();
  EXPECT_EQ(machine_.process().log.lines.size(), 3u) << "the metadata partition's own files are not foreign";
  AppendValues({"a"});
  EXPECT_THAT(FileNames(), testing::IsSupersetOf({"notes.txt", "123.log", "folder"}));
}

TEST_F(LogRecoveryTest, DamagedEpochFileIsRebuilt) {
  Open();
  for (const int epoch : {1, 1, 3}) {
    Append(OneRecord("v"), {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(epoch)});
  }
  const std::vector<EpochEntry> before = log_->Inspect().epochs;
  const sim::InodeRef file = machine_.model.Find("data/topic-0/leader-epoch-checkpoint");
  machine_.model.Truncate(*file, 3);
  Reopen();
  EXPECT_EQ(log_->Inspect().epochs, before);
}

}  // namespace log_recovery_test
}  // namespace odradek::storage
