#include "engine/storage/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/absl_compat.h"
#include "tests/engine/storage/test_batches.h"
#include "tests/engine/storage/test_world.h"

namespace odradek::storage {
namespace log_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kReadMax = 1 << 20;
const TopicPartition kName{"topic", PartitionIndex(0)};

// Every step runs as a fiber of the current process to its end.
class LogTest : public testing::Test {
 protected:
  LogTest() {
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
      auto opened = Log::Open(self, machine_.process().env, *files_, nullptr, {kName, "data/topic-0"}, config_, marks);
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

TEST_F(LogTest, EmptyFolderIsAnEmptyLogWithoutFiles) {
  Open();
  EXPECT_EQ(log_->log_start_offset(), Offset(0));
  EXPECT_EQ(log_->log_end_offset(), Offset(0));
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_EQ(files_->open_count(), 0u);
}

TEST_F(LogTest, AssignsOffsetsInOrderAndReadsThemBack) {
  Open();
  EXPECT_EQ(AppendValues({"a", "b"}), Offset(0));
  EXPECT_EQ(AppendValues({"c"}), Offset(2));
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b", "2:c"));
}

TEST_F(LogTest, ReadGivesTheWholeBatchThatHoldsTheOffset) {
  Open();
  AppendValues({"a", "b", "c"});
  AppendValues({"d"});
  EXPECT_THAT(ReadAll(Offset(1), Offset(4)), ElementsAre("0:a", "1:b", "2:c", "3:d"));
}

TEST_F(LogTest, ReadStopsBelowTheUpperBound) {
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  EXPECT_THAT(ReadAll(Offset(0), Offset(1)), ElementsAre("0:a"));
  EXPECT_THAT(ReadAll(Offset(1), Offset(1)), IsEmpty());
}

TEST_F(LogTest, ReadReturnsAtLeastOneBatchUnlessItMustFit) {
  Open();
  AppendValues({std::string(1000, 'x')});
  AppendValues({"b"});
  Run([&](fiber::Fiber& self) {
    ReadOptions options{.from = Offset(0), .bytes_max = 10, .upper_bound = Offset(2)};
    ReadResult read = log_->Read(self, options);
    EXPECT_EQ(read.next_offset, Offset(1));
    options.first_batch = ReadOptions::FirstBatch::kIfItFits;
    read = log_->Read(self, options);
    EXPECT_EQ(read.file, nullptr);
    EXPECT_TRUE(read.first_batch_too_large);
  });
}

TEST_F(LogTest, OffsetsOutsideTheLogAreOutOfRange) {
  Open();
  AppendValues({"a"});
  EXPECT_EQ(ReadErrorAt(Offset(1)), ReadError::kNone);
  EXPECT_EQ(ReadErrorAt(Offset(2)), ReadError::kOutOfRange);
}

TEST_F(LogTest, RollsBySizeAndReadsAcrossSegments) {
  config_.segment_bytes = 200;
  Open();
  for (int i = 0; i < 10; ++i) AppendValues({"value" + std::to_string(i)});
  EXPECT_GT(log_->Inspect().segment_count, 3);
  EXPECT_EQ(ReadAll().size(), 10u);
  EXPECT_THAT(ReadAll(Offset(7), Offset(10)), ElementsAre("7:value7", "8:value8", "9:value9"));
}

TEST_F(LogTest, RollsByTheBatchesClock) {
  config_.segment_ms = Duration::Millis(100);
  Open();
  Append(Encode({.values = {"a"}, .timestamp = Timestamp(1000)}));
  Append(Encode({.values = {"b"}, .timestamp = Timestamp(1100)}));
  EXPECT_EQ(log_->Inspect().segment_count, 1);
  Append(Encode({.values = {"c"}, .timestamp = Timestamp(1101)}));
  EXPECT_EQ(log_->Inspect().segment_count, 2);
}

TEST_F(LogTest, RollsWhenTheIndexIsFull) {
  config_.index_interval_bytes = 0;
  config_.segment_index_bytes = 16;  // two offset entries
  Open();
  for (int i = 0; i < 8; ++i) AppendValues({"v"});
  EXPECT_GE(log_->Inspect().segment_count, 2);
  EXPECT_EQ(ReadAll().size(), 8u);
}

TEST_F(LogTest, RollsWhenAnOffsetIsTooFarFromTheBase) {
  config_.segment_offsets_max = 10;
  Open();
  const AppendOptions replicated{.origin = AppendOrigin::kReplication, .leader_epoch = kNoLeaderEpoch};
  EXPECT_TRUE(
      Append(Encode({.values = {"a"}, .base_offset = Offset(0), .leader_epoch = LeaderEpoch(1)}), replicated).ok());
  EXPECT_TRUE(
      Append(Encode({.values = {"b"}, .base_offset = Offset(10), .leader_epoch = LeaderEpoch(1)}), replicated).ok());
  EXPECT_EQ(log_->Inspect().segment_count, 1);
  EXPECT_TRUE(
      Append(Encode({.values = {"c"}, .base_offset = Offset(22), .leader_epoch = LeaderEpoch(1)}), replicated).ok());
  EXPECT_EQ(log_->Inspect().segment_count, 2);
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "10:b", "22:c"));
  EXPECT_EQ(log_->recovery_point(), Offset(22)) << "or recovery takes the gap for a hole";
  Reopen(RecoverFrom(22));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "10:b", "22:c"));
}

TEST_F(LogTest, FollowerRefusesOffsetsThatGoBack) {
  Open();
  const AppendOptions replicated{.origin = AppendOrigin::kReplication, .leader_epoch = kNoLeaderEpoch};
  EXPECT_TRUE(
      Append(Encode({.values = {"a", "b"}, .base_offset = Offset(5), .leader_epoch = LeaderEpoch(3)}), replicated)
          .ok());
  EXPECT_EQ(
      Append(Encode({.values = {"c"}, .base_offset = Offset(6), .leader_epoch = LeaderEpoch(3)}), replicated).error,
      AppendError::kOffsetsOutOfOrder);
  EXPECT_EQ(log_->log_end_offset(), Offset(7));
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(3));
}

TEST_F(LogTest, RefusesWhatDoesNotFit) {
  config_.max_message_bytes = 200;
  config_.segment_bytes = 300;
  Open();
  EXPECT_EQ(Append(OneRecord(std::string(200, 'x'))).error, AppendError::kMessageTooLarge);
  ByteBuffer many;
  for (int i = 0; i < 4; ++i) AppendBytes(many, OneRecord(std::string(50, 'x')));
  EXPECT_EQ(Append(many).error, AppendError::kRecordListTooLarge);
  ByteBuffer torn = OneRecord("a");
  torn.pop_back();
  EXPECT_EQ(Append(torn).error, AppendError::kCorruptMessage);
  EXPECT_EQ(log_->log_end_offset(), Offset(0));
}

TEST_F(LogTest, RefusesALeaderWhoseEpochIsOver) {
  Open();
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->StartEpoch(self, LeaderEpoch(4)), LogError::kNone); });
  EXPECT_EQ(Append(OneRecord("a"), {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(3)}).error,
            AppendError::kStaleLeaderEpoch);
  EXPECT_TRUE(Append(OneRecord("a"), {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(4)}).ok());
}

TEST_F(LogTest, DuplicateAnswersTheOriginalOffsets) {
  Open();
  TestBatch batch{
      .values = {"a", "b"}, .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0};
  EXPECT_EQ(Append(Encode(batch)).base_offset, Offset(0));
  AppendValues({"other"});
  const AppendResult again = Append(Encode(batch));
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(again.is_duplicate);
  EXPECT_EQ(again.base_offset, Offset(0));
  EXPECT_EQ(again.next_offset, Offset(2));
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
  batch.base_sequence = 5;
  EXPECT_EQ(Append(Encode(batch)).error, AppendError::kOutOfOrderSequence);
}

TEST_F(LogTest, SurvivesACleanRestart) {
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

TEST_F(LogTest, SurvivesAProcessCrashWithoutAnySync) {
  config_.segment_bytes = 300;
  Open();
  for (int i = 0; i < 9; ++i) AppendValues({"v" + std::to_string(i)});
  const std::vector<std::string> before = ReadAll();
  Reopen();
  EXPECT_EQ(ReadAll(), before);
  ExpectFoldMatches();
}

TEST_F(LogTest, FlushedRecordsSurvivePowerLoss) {
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  EXPECT_EQ(Flush(), LogError::kNone);
  AppendValues({"c"});
  LosePowerAndReopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b"));
}

TEST_F(LogTest, EveryAppendIsDurableWhenThePolicySaysSo) {
  config_.flush_messages = 1;
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  LosePowerAndReopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b"));
}

TEST_F(LogTest, ConcurrentAppendsShareASync) {
  config_.flush_messages = 1;
  Open();
  AppendValues({"first"});
  const int64_t before = machine_.process().disk.sync_count();
  constexpr int kAppendCount = 50;
  machine_.process().disk.sync_turns = 10;
  std::vector<ByteBuffer> batches(kAppendCount, OneRecord("v"));
  std::vector<Offset> order;
  for (int i = 0; i < kAppendCount; ++i) {
    machine_.process().scheduler.Spawn("append", [&, i](fiber::Fiber& self) {
      order.push_back(
          log_->Append(self, batches[static_cast<size_t>(i)], {.origin = {}, .leader_epoch = LeaderEpoch(0)})
              .base_offset);
    });
  }
  machine_.process().executor.RunAll(machine_.process().scheduler);
  EXPECT_EQ(log_->recovery_point(), Offset(1 + kAppendCount));
  EXPECT_LT(machine_.process().disk.sync_count() - before, kAppendCount / 2);
  EXPECT_EQ(order.size(), static_cast<size_t>(kAppendCount));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(LogTest, RecoveryCutsOffATornTail) {
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

TEST_F(LogTest, RecoveryCutsOffABatchWithAWrongCrcAndAZeroTail) {
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

TEST_F(LogTest, RecoveryReadsLittleMoreThanWhatIsNotSynced) {
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

TEST_F(LogTest, RecoveryFindsItsPlaceDespiteAWrongIndex) {
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

TEST_F(LogTest, ReadsAnIndexThatKafkaPreallocated) {
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

TEST_F(LogTest, MissingIndexesAreRebuilt) {
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

TEST_F(LogTest, HoleBetweenSegmentsEndsTheLog) {
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

TEST_F(LogTest, TruncationDropsWholeBatchesAndIsDurable) {
  config_.segment_bytes = 300;
  Open();
  for (int i = 0; i < 12; ++i) AppendValues({"v" + std::to_string(i)});
  Flush();
  EXPECT_EQ(TruncateTo(Offset(5)), LogError::kNone);
  EXPECT_EQ(log_->log_end_offset(), Offset(5));
  EXPECT_EQ(log_->high_watermark(), Offset(5));
  LosePowerAndReopen();
  EXPECT_EQ(log_->log_end_offset(), Offset(5));
  EXPECT_EQ(AppendValues({"new"}), Offset(5));
  EXPECT_THAT(ReadAll(Offset(4), Offset(6)), ElementsAre("4:v4", "5:new"));
  ExpectFoldMatches();
}

TEST_F(LogTest, TruncationInsideABatchDropsTheBatch) {
  Open();
  AppendValues({"a", "b", "c"});
  AppendValues({"d", "e", "f"});
  EXPECT_EQ(TruncateTo(Offset(4)), LogError::kNone);
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
}

TEST_F(LogTest, TruncationAtTheEndOnlyTrimsTheEpochs) {
  Open();
  AppendValues({"a"});
  Run([&](fiber::Fiber& self) { log_->StartEpoch(self, LeaderEpoch(7)); });
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(7));
  EXPECT_EQ(TruncateTo(Offset(1)), LogError::kNone);
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(0));
  EXPECT_THAT(ReadAll(), ElementsAre("0:a"));
}

TEST_F(LogTest, TruncationTakesProducersAndEpochsBack) {
  config_.segment_bytes = 300;
  Open();
  for (int i = 0; i < 8; ++i) {
    Append(
        Encode({.values = {"v"}, .producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = i}),
        {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(i / 4)});
  }
  EXPECT_EQ(TruncateTo(Offset(3)), LogError::kNone);
  ExpectFoldMatches();
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(0));
  EXPECT_TRUE(
      Append(
          Encode(
              {.values = {"v"}, .producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = 3}),
          {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(2)})
          .ok());
}

TEST_F(LogTest, TruncateFullyStartsAnywhere) {
  Open();
  AppendValues({"a"});
  Run([&](fiber::Fiber& self) { EXPECT_EQ(log_->TruncateFullyAndStartAt(self, Offset(100)), LogError::kNone); });
  EXPECT_EQ(log_->log_start_offset(), Offset(100));
  EXPECT_EQ(AppendValues({"b"}), Offset(100));
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("100:b"));
}

TEST_F(LogTest, RetentionBySizeKeepsAtLeastTheLimit) {
  config_.segment_bytes = 200;
  Open();
  for (int i = 0; i < 10; ++i) AppendValues({"v" + std::to_string(i)});
  config_.retention_bytes = log_->size_bytes() / 2;
  log_->SetConfig(config_);
  const RetentionResult result = Retain();
  EXPECT_GT(result.segment_count, 0);
  EXPECT_GE(log_->size_bytes(), config_.retention_bytes);
  EXPECT_GT(log_->log_start_offset(), Offset(0));
  EXPECT_EQ(ReadErrorAt(Offset(0)), ReadError::kOutOfRange);
  EXPECT_EQ(Retain().segment_count, 0);
}

TEST_F(LogTest, RetentionByTimeGoesByTheLargestTimestampAndRollsTheActiveSegment) {
  config_.retention_ms = 1000;
  config_.segment_bytes = 170;
  Open();
  const int64_t now = machine_.process().clock.wall.unix_millis();
  Append(Encode({.values = {"old"}, .timestamp = Timestamp(now - 5000)}));
  Append(Encode({.values = {"new"}, .timestamp = Timestamp(now)}));
  Append(Encode({.values = {"old"}, .timestamp = Timestamp(now - 5000)}));
  ASSERT_EQ(log_->Inspect().segment_count, 2);
  log_->SetHighWatermark(log_->log_end_offset());
  EXPECT_EQ(Retain().segment_count, 0) << "the first segment holds a new record";
  machine_.process().clock.wall = WallTime::FromUnixMillis(now + 2000);
  EXPECT_EQ(Retain().segment_count, 2);
  EXPECT_EQ(log_->log_start_offset(), Offset(3));
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
  Reopen();
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
}

TEST_F(LogTest, RetentionNeverPassesTheHighWatermark) {
  config_.retention_ms = 1;
  config_.segment_bytes = 100;
  Open();
  for (int i = 0; i < 4; ++i) Append(Encode({.values = {"v"}, .timestamp = Timestamp(1)}));
  log_->SetHighWatermark(Offset(2));
  Retain();
  EXPECT_EQ(log_->log_start_offset(), Offset(2));
}

TEST_F(LogTest, DeletedFilesStayForTheirDelayAndForTheirReaders) {
  config_.segment_bytes = 100;
  config_.file_delete_delay = Duration::Seconds(60);
  Open();
  AppendValues({"a"});
  AppendValues({"b"});
  ReadResult read;
  Run([&](fiber::Fiber& self) {
    read = log_->Read(self, {.from = Offset(0), .bytes_max = kReadMax, .upper_bound = Offset(1)});
  });
  EXPECT_EQ(DeleteBefore(Offset(1)), LogError::kNone);
  EXPECT_THAT(FileNames(), testing::Contains("00000000000000000000.log.deleted"));
  Run([&](fiber::Fiber& self) {
    log_->RemoveDeletedFiles(self);
    EXPECT_THAT(FileNames(), testing::Contains("00000000000000000000.log.deleted"));
    fiber::SleepFor(self, Duration::Seconds(61));
    log_->RemoveDeletedFiles(self);
    EXPECT_THAT(FileNames(), testing::Not(testing::Contains("00000000000000000000.log.deleted")));
    ByteBuffer bytes;
    EXPECT_EQ(log_->ReadBytes(self, read, bytes), ReadError::kNone);
    EXPECT_THAT(Decode(bytes), ElementsAre("0:a"));
  });
}

TEST_F(LogTest, DeleteRecordsMayStopInsideABatch) {
  Open();
  AppendValues({"a", "b", "c"});
  AppendValues({"d"});
  EXPECT_EQ(DeleteBefore(Offset(1)), LogError::kNone);
  EXPECT_EQ(log_->log_start_offset(), Offset(1));
  EXPECT_EQ(ReadErrorAt(Offset(0)), ReadError::kOutOfRange);
  EXPECT_THAT(ReadAll(), ElementsAre("0:a", "1:b", "2:c", "3:d"));
  EXPECT_EQ(DeleteBefore(Offset(5)), LogError::kOutOfRange);
  EXPECT_EQ(DeleteBefore(Offset(0)), LogError::kNone);
  EXPECT_EQ(log_->log_start_offset(), Offset(1));
}

TEST_F(LogTest, ProducersSurviveTheDeletionOfTheirRecords) {
  Open();
  const TestBatch batch{
      .values = {"a"}, .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(0), .base_sequence = 0};
  Append(Encode(batch));
  log_->SetHighWatermark(Offset(1));
  EXPECT_EQ(DeleteBefore(Offset(1)), LogError::kNone);
  EXPECT_TRUE(Append(Encode(batch)).is_duplicate);
  LosePowerAndReopen();
  EXPECT_EQ(log_->log_end_offset(), Offset(1));
  EXPECT_TRUE(Append(Encode(batch)).is_duplicate);
}

TEST_F(LogTest, FindsTheFirstRecordWithATimestamp) {
  config_.index_interval_bytes = 0;
  config_.segment_bytes = 400;
  Open();
  // Not monotone: 10, 50, 30, 70, 60, …
  const std::vector<int64_t> times{10, 50, 30, 70, 60, 20, 90, 80, 100, 40};
  for (const int64_t at : times) Append(Encode({.values = {"v"}, .timestamp = Timestamp(at)}));
  for (const int64_t wanted : {0, 10, 11, 50, 51, 71, 91, 100}) {
    const auto it = std::find_if(times.begin(), times.end(), [&](int64_t t) { return t >= wanted; });
    EXPECT_EQ(FindTime(wanted).offset.value(), it - times.begin()) << wanted;
  }
  EXPECT_EQ(FindTime(101).offset, kNoOffset);
}

TEST_F(LogTest, TimestampSearchStaysBetweenStartAndBound) {
  Open();
  Append(Encode({.values = {"a", "b", "c"}, .timestamp = Timestamp(10)}));
  Append(Encode({.values = {"d"}, .timestamp = Timestamp(20)}));
  log_->SetHighWatermark(Offset(4));
  DeleteBefore(Offset(2));
  EXPECT_EQ(FindTime(0).offset, Offset(2));
  Run([&](fiber::Fiber& self) {
    EXPECT_EQ(log_->FindByTimestamp(self, Timestamp(15), Offset(3)).found.offset, kNoOffset);
    EXPECT_EQ(log_->FindByTimestamp(self, Timestamp(15), Offset(4)).found.offset, Offset(3));
  });
}

TEST_F(LogTest, MaxTimestampIsTheEarliestRecordThatHasIt) {
  config_.segment_bytes = 250;
  Open();
  Append(Encode({.values = {"a", "b", "c"}, .timestamp = Timestamp(98)}));
  Append(Encode({.values = {"d"}, .timestamp = Timestamp(100)}));
  Append(Encode({.values = {"e"}, .timestamp = Timestamp(200)}));
  Run([&](fiber::Fiber& self) {
    EXPECT_EQ(log_->FindMaxTimestamp(self, Offset(5)).found.offset, Offset(4));
    const TimestampOffset found = log_->FindMaxTimestamp(self, Offset(4)).found;
    EXPECT_EQ(found.offset, Offset(2)) << "the last record of the first batch has 100 as well";
    EXPECT_EQ(found.timestamp, Timestamp(100));
  });
}

TEST_F(LogTest, EpochQueriesFollowTheRules) {
  Open();
  for (const int epoch : {1, 1, 3, 3, 5}) {
    Append(OneRecord("v"), {.origin = AppendOrigin::kClient, .leader_epoch = LeaderEpoch(epoch)});
  }
  EXPECT_EQ(log_->EndOffsetForEpoch(LeaderEpoch(5)), (EpochEnd{LeaderEpoch(5), Offset(5)}));
  EXPECT_EQ(log_->EndOffsetForEpoch(LeaderEpoch(3)), (EpochEnd{LeaderEpoch(3), Offset(4)}));
  EXPECT_EQ(log_->EndOffsetForEpoch(LeaderEpoch(2)), (EpochEnd{LeaderEpoch(1), Offset(2)}));
  EXPECT_EQ(log_->EndOffsetForEpoch(LeaderEpoch(0)), (EpochEnd{LeaderEpoch(0), Offset(0)}));
  EXPECT_EQ(log_->EndOffsetForEpoch(LeaderEpoch(6)), EpochEnd{});
}

TEST_F(LogTest, OpenTransactionHoldsTheLastStableOffset) {
  Open();
  AppendValues({"a"});
  Append(Encode({.values = {"t"},
                 .producer_id = ProducerId(1),
                 .producer_epoch = ProducerEpoch(0),
                 .base_sequence = 0,
                 .kind = record::BatchKind::kTransactionalData}));
  AppendValues({"b"});
  EXPECT_EQ(log_->last_stable_offset(), Offset(1));
  const ByteBuffer marker = record::BuildEndTxnBatch({.base_offset = Offset(0),
                                                      .leader_epoch = LeaderEpoch(0),
                                                      .timestamp = Timestamp(5),
                                                      .producer_id = ProducerId(1),
                                                      .producer_epoch = ProducerEpoch(0)},
                                                     {.type = record::ControlType::kAbort, .coordinator_epoch = 1});
  EXPECT_TRUE(Append(marker, {.origin = AppendOrigin::kCoordinator, .leader_epoch = LeaderEpoch(0)}).ok());
  EXPECT_EQ(log_->last_stable_offset(), Offset(1)) << "the marker is not below the high watermark";
  log_->SetHighWatermark(Offset(4));
  EXPECT_EQ(log_->last_stable_offset(), Offset(4));
  const auto aborted = [&] {
    AbortedTxnsResult result;
    Run([&](fiber::Fiber& self) { result = log_->AbortedTxns(self, Offset(0), Offset(4)); });
    return result.txns;
  };
  const AbortedTxn expected{.producer_id = ProducerId(1),
                            .first_offset = Offset(1),
                            .last_offset = Offset(3),
                            .last_stable_offset = Offset(4)};
  EXPECT_THAT(aborted(), ElementsAre(expected));
  Reopen();
  EXPECT_THAT(aborted(), ElementsAre(expected));
  ExpectFoldMatches();
}

TEST_F(LogTest, FailedWriteTakesTheLogOfflineAndLosesNothing) {
  Open();
  AppendValues({"a"});
  machine_.process().disk.fault = [](const DiskOperation& operation) {
    return operation.call == DiskCall::kWrite ? env::DiskError::kNoSpace : env::DiskError::kNone;
  };
  EXPECT_EQ(Append(OneRecord("b")).error, AppendError::kOffline);
  machine_.process().disk.fault = nullptr;
  EXPECT_TRUE(log_->is_offline());
  EXPECT_THAT(std::string(log_->offline_reason()), HasSubstr("no space"));
  EXPECT_EQ(Append(OneRecord("c")).error, AppendError::kOffline);
  EXPECT_THAT(ReadAll(), ElementsAre("0:a"));
  EXPECT_EQ(machine_.process().observer.offline_count, 1);
  Reopen();
  EXPECT_THAT(ReadAll(), ElementsAre("0:a"));
}

TEST_F(LogTest, FailedSyncIsNeverTriedAgain) {
  config_.flush_messages = 1;
  Open();
  AppendValues({"a"});
  bool failed = false;
  machine_.process().disk.fault = [&](const DiskOperation& operation) {
    if (operation.call != DiskCall::kSync || failed) return env::DiskError::kNone;
    failed = true;
    return env::DiskError::kIo;
  };
  EXPECT_EQ(Append(OneRecord("b")).error, AppendError::kOffline);
  EXPECT_EQ(Append(OneRecord("c")).error, AppendError::kOffline);
  EXPECT_EQ(Flush(), LogError::kOffline);
  EXPECT_EQ(log_->recovery_point(), Offset(1));
}

// The page cache still shows what the failed sync lost; the next process must not believe its own sync of clean pages.
TEST_F(LogTest, RecoveredBatchesAreWrittenAgainBeforeASyncCounts) {
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

TEST_F(LogTest, KeepsFewFilesOpen) {
  config_.segment_bytes = 100;
  Open();
  for (int i = 0; i < 100; ++i) AppendValues({"v"});
  EXPECT_EQ(ReadAll().size(), 100u);
  EXPECT_LE(files_->open_count(), 16u);
}

TEST_F(LogTest, ForeignFilesAreLeftAlone) {
  for (const char* name : {"notes.txt", "quorum-state", "00000000000000000010-0000000001.checkpoint", "123.log"}) {
    machine_.model.Open("data/topic-0/" + std::string(name), env::OpenMode::kCreate);
  }
  machine_.model.CreateDirectory("data/topic-0/folder");
  Reopen();
  EXPECT_EQ(machine_.process().log.lines.size(), 3u) << "the metadata partition's own files are not foreign";
  AppendValues({"a"});
  EXPECT_THAT(FileNames(), testing::IsSupersetOf({"notes.txt", "123.log", "folder"}));
}

TEST_F(LogTest, DamagedEpochFileIsRebuilt) {
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

}  // namespace log_test
}  // namespace odradek::storage
