// What a crash or a loss of power leaves of a compacted log and of transactions, case by case; the compaction loops
// search widely.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/storage/clean_fixture.h"

namespace odradek::storage {
namespace clean_crash_test {

using record::ControlType;
using testing::Contains;
using testing::SizeIs;

constexpr ProducerId kProducer{9};

class CleanCrash : public CleanLog {
 protected:
  // In segments that a cleaning joins.
  void StartWithTwoAborted() {
    StartAfresh();
    Open();
    AppendToTxn(kProducer, 0, {{"a", "aborted"}});
    AppendMarker(kProducer, ControlType::kAbort);
    Roll();
    AppendToTxn(kProducer, 1, {{"a", "aborted too"}});
    AppendMarker(kProducer, ControlType::kAbort);
    AppendEach({{"a", "1"}, {"a", "2"}});
    Roll();
    AppendEach({{"b", "1"}});
    EXPECT_EQ(Flush(), LogError::kNone);
  }
  // The record with the producer's largest timestamp was superseded.
  void StartWithoutTheNewestRecord() {
    Open();
    AppendKeyed({.records = {{"a", "1", 5'000}, {"b", "1", 1'000}},
                 .producer_id = kProducer,
                 .producer_epoch = ProducerEpoch(0),
                 .base_sequence = 0});
    AppendEach({{"a", "2"}});
    RollAndClean();
  }
  void ExpectTwoAborted() {
    ASSERT_THAT(Aborted(), SizeIs(2));
    EXPECT_THAT(ReadKeyed(), Contains("5:a=2"));
    ExpectFoldMatches();
  }
  void DieAfter(int64_t operations) {
    machine_.process().disk.operations_max = machine_.process().disk.operation_count() + operations;
  }
  void LosePowerByChance(uint64_t seed, const LogCheckpoints& marks) {
    machine_.process().KillFibers();
    log_.reset();
    files_.reset();
    machine_.LosePower(seed);
    Boot();
    Open(marks);
    log_->SetHighWatermark(log_->log_end_offset());
  }
};

// The file of aborted transactions appears after the segment's own was synced.
TEST_F(CleanCrash, AnAbortedTransactionIsKnownAfterALossOfPower) {
  config_.index_interval_bytes = 0;
  config_.index_piece_bytes = 1;
  Open();
  AppendEach({{"a", "1"}});
  AppendToTxn(kProducer, 0, {{"a", "aborted"}});
  EXPECT_EQ(Flush(), LogError::kNone);
  AppendMarker(kProducer, ControlType::kAbort);
  AppendEach({{"a", "2"}});
  EXPECT_EQ(Flush(), LogError::kNone);
  LosePowerAndReopen({.recovery_point = Offset(4), .high_watermark = Offset(4)});
  EXPECT_EQ(log_->log_end_offset(), Offset(4));
  EXPECT_THAT(Aborted(), SizeIs(1));
}

// A recovery begins further down than the next one, whose start is behind the entry: it must not put at stake what was
// synced. Here the index file that says where to begin was lost for the first one only.
TEST_F(CleanCrash, ARecoveryDoesNotEndangerWhatIsKnownToBeAborted) {
  config_.index_interval_bytes = 0;
  config_.index_piece_bytes = 1;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    StartAfresh();
    Open();
    AppendToTxn(kProducer, 0, {{"a", "aborted"}});
    AppendMarker(kProducer, ControlType::kAbort);
    AppendEach({{"a", "1"}, {"a", "2"}});
    EXPECT_EQ(Flush(), LogError::kNone);
    log_.reset();
    files_.reset();
    machine_.Kill();
    machine_.model.Remove("data/topic-0/00000000000000000000.index");
    Boot();
    const LogCheckpoints marks{.recovery_point = Offset(4), .high_watermark = Offset(4)};
    Open(marks);
    LosePowerByChance(seed, marks);
    ASSERT_EQ(log_->log_end_offset(), Offset(4));
    EXPECT_THAT(Aborted(), SizeIs(1));
  }
}

// The log was cut at the snapshot of the segment behind a cleaned one, which goes on from there.
TEST_F(CleanCrash, ProducersAreThoseOfTheSnapshotInsideTheLastSegment) {
  Open();
  AppendKeyed({.records = {{"a", "1", 5'000}, {"b", "1", 1'000}},
               .producer_id = kProducer,
               .producer_epoch = ProducerEpoch(0),
               .base_sequence = 0});
  AppendEach({{"a", "2", 6'000}});
  RollAndClean();
  AppendEach({{"c", "1", 7'000}});
  EXPECT_EQ(TruncateTo(Offset(3)), LogError::kNone);
  AppendEach({{"d", "1", 8'000}});
  Reopen({.recovery_point = Offset(3), .cleaned_until = Offset(3)});
  EXPECT_EQ(log_->log_end_offset(), Offset(4));
  EXPECT_EQ(log_->producers().entries().at(kProducer).last_timestamp, Timestamp(5'000));
  ExpectFoldMatches();
}

// The commit supersedes the first record: it must not be lost when that is gone.
TEST_F(CleanCrash, WhatDecidesATransactionIsDurableBeforeItsRecordsCount) {
  Open();
  AppendEach({{"a", "1"}});
  AppendToTxn(kProducer, 0, {{"a", "2"}});
  Roll();
  AppendMarker(kProducer, ControlType::kCommit);
  EXPECT_EQ(Clean().cleaned_until, Offset(2));
  LosePowerAndReopen({.recovery_point = log_->recovery_point(), .cleaned_until = Offset(2)});
  log_->SetHighWatermark(log_->log_end_offset());
  EXPECT_EQ(log_->last_stable_offset(), Offset(3));
  EXPECT_THAT(ReadKeyed(), Contains("1:a=2"));
}

// Only the snapshot knows when the producer wrote last.
TEST_F(CleanCrash, ProducersAreThoseOfTheSnapshotAtTheEnd) {
  StartWithoutTheNewestRecord();
  const LogCheckpoints marks{.recovery_point = Offset(3), .cleaned_until = Offset(3)};
  for (int i = 0; i < 2; ++i) {
    Reopen(marks);
    EXPECT_EQ(log_->producers().entries().at(kProducer).last_timestamp, Timestamp(5'000));
    ExpectFoldMatches();
  }
}

// The same with an append behind it that did not come to its end.
TEST_F(CleanCrash, ProducersAreThoseOfTheSnapshotAtATornEnd) {
  StartWithoutTheNewestRecord();
  const auto opened = machine_.model.Open("data/topic-0/00000000000000000000.log", env::OpenMode::kReadWrite);
  machine_.model.Write(*opened.file, ByteBuffer(100), machine_.model.SizeOf(*opened.file));
  machine_.model.Close(opened.file);
  Reopen({.recovery_point = Offset(3), .cleaned_until = Offset(3)});
  EXPECT_EQ(log_->log_end_offset(), Offset(3));
  EXPECT_EQ(log_->producers().entries().at(kProducer).last_timestamp, Timestamp(5'000));
  ExpectFoldMatches();
}

// Every file of the copy has its new name, and the folder was not synced since.
TEST_F(CleanCrash, ACopyOfWhichAFileNeverHadADurableNameIsNotTaken) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    StartWithTwoAborted();
    ModelDisk& disk = machine_.process().disk;
    bool synced = false;
    disk.watch = [&](const DiskOperation& operation) {
      if (!operation.path.ends_with(".txnindex.cleaned")) return;
      if (operation.call == DiskCall::kSync) synced = true;
      if (operation.call == DiskCall::kOther && synced) disk.operations_max = operation.number;
    };
    Clean();
    ASSERT_TRUE(disk.is_dead());
    LosePowerByChance(seed, RecoverFrom(7));
    ExpectTwoAborted();
  }
}

class CrashAtOperation : public CleanCrash, public testing::WithParamInterface<int64_t> {};

// A copy takes the place of its originals together with what says which transactions are aborted.
TEST_P(CrashAtOperation, ACleaningKeepsWhatIsAborted) {
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    SCOPED_TRACE(seed);
    StartWithTwoAborted();
    DieAfter(GetParam());
    Clean();
    LosePowerByChance(seed, RecoverFrom(7));
    ExpectTwoAborted();
  }
}

// A log that begins anew leaves nothing of its transactions: what a crash brings back of them would hold up readers, as
// their ends are gone.
TEST_P(CrashAtOperation, ALogThatBeginsAnewIsNotHeldUpByTransactionsBelow) {
  for (const Offset start : {Offset(5), Offset(6), Offset(9)}) {
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      SCOPED_TRACE(testing::Message() << "start " << start.value() << " seed " << seed);
      StartAfresh();
      Open();
      AppendToTxn(kProducer, 0, {{"a", "1"}, {"b", "1"}});
      Roll();
      AppendEach({{"c", "1"}, {"d", "1"}});
      Roll();
      AppendMarker(kProducer, ControlType::kCommit);
      if (start > Offset(5)) AppendToTxn(kProducer, 2, {{"a", "2"}});
      EXPECT_EQ(Flush(), LogError::kNone);
      DieAfter(GetParam());
      Run([&](fiber::Fiber& self) { log_->TruncateFullyAndStartAt(self, start); });
      LosePowerByChance(seed, {.recovery_point = Offset(4), .log_start_offset = start});
      ExpectFoldMatches();
      if (log_->log_end_offset() == start) AppendEach({{"e", "1"}});
      EXPECT_EQ(log_->last_stable_offset(), log_->log_end_offset());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, CrashAtOperation, testing::Range<int64_t>(1, 75));

}  // namespace clean_crash_test
}  // namespace odradek::storage
