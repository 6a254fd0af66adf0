#include "engine/storage/log.h"

#include <gmock/gmock.h>

#include "tests/engine/storage/log_fixture.h"

namespace odradek::storage {
namespace log_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogTest : public LogFixture {};

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
TEST_F(LogTest, KeepsFewFilesOpen) {
  config_.segment_bytes = 100;
  Open();
  for (int i = 0; i < 100; ++i) AppendValues({"v"});
  EXPECT_EQ(ReadAll().size(), 100u);
  EXPECT_LE(files_->open_count(), 16u);
}

}  // namespace log_test
}  // namespace odradek::storage
