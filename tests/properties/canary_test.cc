// Each property rejects a history that breaks it and accepts one that does not, also where the difference is only what
// is legal.
#include <gtest/gtest.h>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace {

using history::Outcome;

// A run in which nothing went wrong: two records, both read.
HistoryBuilder Good() {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Acked(2, 1, 20);
  run.Polled(0, {1, 2}, 30);
  run.InTheEnd(0, {1, 2});
  return run;
}

TEST(Properties, AcceptARunInWhichNothingWentWrong) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kLatest, 2, 40);
  run.Listed(history::OffsetQuery::kByTimestamp, 1, 40).timestamp = Timestamp(15);
  for (const Violation& violation : CheckAll(run.history())) ADD_FAILURE() << violation.property << violation.what;
}

TEST(Properties, HaveDistinctIdsAndSentences) {
  for (size_t i = 1; i < AllProperties().size(); ++i) {
    EXPECT_NE(AllProperties()[i].id, AllProperties()[i - 1].id);
    EXPECT_TRUE(AllProperties()[i].sentence.ends_with('.'));
  }
}

TEST(OffsetsAgree, RejectsTwoValuesAtOneOffset) {
  HistoryBuilder run = Good();
  run.Polled(1, {3}, 50);
  EXPECT_FALSE(OffsetsAgree(run.history()).empty());
}

TEST(OffsetsAgree, AcceptsANewValueAfterTheOffsetWasLost) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.Acked(2, 0, 30);
  EXPECT_TRUE(OffsetsAgree(run.history()).empty());
  run.Polled(0, {1}, 40);  // but the old one must not come back
  EXPECT_FALSE(OffsetsAgree(run.history()).empty());
}

TEST(AckedRecordsAreNeverLost, RejectsAMissingOne) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.InTheEnd(0, {});
  EXPECT_FALSE(AckedRecordsAreNeverLost(run.history()).empty());
}

TEST(AckedRecordsAreNeverLost, RejectsOneAtAnotherOffset) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.InTheEnd(0, {1});
  EXPECT_FALSE(AckedRecordsAreNeverLost(run.history()).empty());
}

TEST(AckedRecordsAreNeverLost, ExcusesWhatTheLedgerShowsUnlessItWasPromised) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.InTheEnd(0, {});
  EXPECT_TRUE(AckedRecordsAreNeverLost(run.history()).empty());
  run.history().promise.acked_survives_power_loss = true;
  EXPECT_FALSE(AckedRecordsAreNeverLost(run.history()).empty());
}

TEST(AckedRecordsAreNeverLost, ExcusesNothingThatTheLossDidNotTake) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(1, 0, 20);
  run.InTheEnd(0, {});
  EXPECT_FALSE(AckedRecordsAreNeverLost(run.history()).empty());
}

TEST(AckedRecordsAreNeverLost, AcceptsWhatWasDeletedAndWhatNobodyAcknowledged) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Sent(2, 20, Outcome::kUnknown);
  run.InTheEnd(1, {});
  EXPECT_TRUE(AckedRecordsAreNeverLost(run.history()).empty());
}

TEST(IdempotentRecordsAreNeverDuplicated, RejectsASecondCopy) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.InTheEnd(0, {1, 1});
  EXPECT_FALSE(IdempotentRecordsAreNeverDuplicated(run.history()).empty());
  run.history().sends[0].idempotent = false;  // a plain producer's retries may do that
  EXPECT_TRUE(IdempotentRecordsAreNeverDuplicated(run.history()).empty());
}

TEST(ProducerOrderIsKept, RejectsASwap) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2, 1});
  EXPECT_FALSE(ProducerOrderIsKept(run.history()).empty());
}

TEST(ProducerOrderIsKept, RejectsAGapUnlessTheSendFailed) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kUnknown).span.completed_ns = 30;
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2});
  EXPECT_FALSE(ProducerOrderIsKept(run.history()).empty());
  run.history().sends[0].outcome = Outcome::kFail;
  EXPECT_TRUE(ProducerOrderIsKept(run.history()).empty());
}

TEST(ProducerOrderIsKept, AcceptsAGapWhereTheClientGaveUpFirst) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kUnknown);
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2});
  EXPECT_TRUE(ProducerOrderIsKept(run.history()).empty());
  run.history().sends[0].span.completed_ns = 30;
  EXPECT_FALSE(ProducerOrderIsKept(run.history()).empty());
}

TEST(ProducerOrderIsKept, SessionsAreIndependent) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.Acked(2, 0, 20).session = 1;
  run.InTheEnd(0, {2, 1});
  EXPECT_TRUE(ProducerOrderIsKept(run.history()).empty());
}

TEST(PollsAdvance, RejectsARepeatedOffset) {
  HistoryBuilder run = Good();
  run.Polled(1, {2}, 50);
  EXPECT_FALSE(PollsAdvance(run.history()).empty());
  run.history().polls.back().assignment = 1;  // after a seek it may
  EXPECT_TRUE(PollsAdvance(run.history()).empty());
}

TEST(PollsAdvance, RejectsAnOffsetBelowThePosition) {
  HistoryBuilder run = Good();
  run.Polled(2, {2}, 50).records[0].offset = Offset(1);
  EXPECT_FALSE(PollsAdvance(run.history()).empty());
}

TEST(PollsSkipNothing, RejectsAHole) {
  HistoryBuilder run = Good();
  run.history().polls[0].records.erase(run.history().polls[0].records.begin());
  EXPECT_FALSE(PollsSkipNothing(run.history()).empty());
  run.Lost(0, 0, 60);  // what stands there now came after the loss
  EXPECT_TRUE(PollsSkipNothing(run.history()).empty());
}

TEST(OnlySentRecordsAreRead, RejectsAPhantom) {
  HistoryBuilder run = Good();
  run.Polled(2, {9}, 50);
  EXPECT_FALSE(OnlySentRecordsAreRead(run.history()).empty());
}

TEST(OnlySentRecordsAreRead, RejectsAFailedSendAndAReadBeforeTheSend) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kFail);
  run.Polled(0, {1}, 50);
  EXPECT_FALSE(OnlySentRecordsAreRead(run.history()).empty());
  run.history().sends[0].outcome = Outcome::kUnknown;
  EXPECT_TRUE(OnlySentRecordsAreRead(run.history()).empty());
  run.history().sends[0].span = {90, 91};
  EXPECT_FALSE(OnlySentRecordsAreRead(run.history()).empty());
}

TEST(CommittedReadsAreRepeatable, RejectsAReadThatVanished) {
  HistoryBuilder run = Good();
  run.history().final_reads[0].records.pop_back();
  EXPECT_FALSE(CommittedReadsAreRepeatable(run.history()).empty());
  run.Lost(1, 0, 60);
  EXPECT_TRUE(CommittedReadsAreRepeatable(run.history()).empty());
  run.history().promise.acked_survives_power_loss = true;
  EXPECT_FALSE(CommittedReadsAreRepeatable(run.history()).empty());
}

TEST(EndOffsetsNeverGoBack, RejectsASmallerOneLater) {
  HistoryBuilder run;
  run.Listed(history::OffsetQuery::kLatest, 5, 10);
  run.Listed(history::OffsetQuery::kLatest, 4, 20);
  EXPECT_FALSE(EndOffsetsNeverGoBack(run.history()).empty());
  run.Lost(4, 0, 15);
  EXPECT_TRUE(EndOffsetsNeverGoBack(run.history()).empty());
}

TEST(EndOffsetsNeverGoBack, AcceptsOverlappingCalls) {
  HistoryBuilder run;
  run.Listed(history::OffsetQuery::kLatest, 5, 10);
  run.Listed(history::OffsetQuery::kLatest, 4, 11);
  EXPECT_TRUE(EndOffsetsNeverGoBack(run.history()).empty());
}

TEST(RecordsArriveIntact, RejectsOtherBytesAndOtherTimestamps) {
  HistoryBuilder run = Good();
  run.history().polls[0].records[0].timestamp = Timestamp(11);
  EXPECT_FALSE(RecordsArriveIntact(run.history()).empty());
  HistoryBuilder garbled = Good();
  garbled.history().polls[0].records[0].value = history::kCorruptValue;
  EXPECT_FALSE(RecordsArriveIntact(garbled.history()).empty());
}

TEST(DurableLogsSurvivePowerLoss, RejectsALossBelowTheDurableEnd) {
  HistoryBuilder run;
  run.Lost(3, 3, 10);
  EXPECT_TRUE(DurableLogsSurvivePowerLoss(run.history()).empty());
  run.Lost(2, 3, 20);
  EXPECT_FALSE(DurableLogsSurvivePowerLoss(run.history()).empty());
}

TEST(LogStartNeverGoesBack, RejectsASmallerOne) {
  HistoryBuilder run;
  run.StartsAt(3, 10);
  run.StartsAt(3, 20);
  EXPECT_TRUE(LogStartNeverGoesBack(run.history()).empty());
  run.StartsAt(2, 30);
  EXPECT_FALSE(LogStartNeverGoesBack(run.history()).empty());
}

TEST(DeletedRecordsStayDeleted, RejectsALaterRead) {
  HistoryBuilder run;
  run.Deleted(1, 10);
  run.Polled(0, {1}, 5);
  EXPECT_TRUE(DeletedRecordsStayDeleted(run.history()).empty());
  run.Polled(0, {1}, 20);
  EXPECT_FALSE(DeletedRecordsStayDeleted(run.history()).empty());
}

TEST(DeletedRecordsStayDeleted, RejectsALogThatStartsBelow) {
  HistoryBuilder run;
  run.Deleted(1, 10);
  run.InTheEnd(0, {1});
  EXPECT_FALSE(DeletedRecordsStayDeleted(run.history()).empty());
}

TEST(TimestampSearchesFindTheFirst, RejectsAnOlderRecordAndAPassedOne) {
  HistoryBuilder run = Good();  // timestamps 10 and 20
  run.Listed(history::OffsetQuery::kByTimestamp, 0, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(TimestampSearchesFindTheFirst(run.history()).empty());
  run.history().list_offsets[0].offset = Offset(1);
  EXPECT_TRUE(TimestampSearchesFindTheFirst(run.history()).empty());
  run.history().list_offsets[0].timestamp = Timestamp(5);
  EXPECT_FALSE(TimestampSearchesFindTheFirst(run.history()).empty());
}

TEST(TimestampSearchesFindTheFirst, RejectsNothingFoundWhereSomethingWas) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kByTimestamp, -1, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(TimestampSearchesFindTheFirst(run.history()).empty());
  run.history().list_offsets[0].timestamp = Timestamp(21);
  EXPECT_TRUE(TimestampSearchesFindTheFirst(run.history()).empty());
}

TEST(HealedClustersConverge, RejectsARunThatDidNot) {
  HistoryBuilder run;
  EXPECT_TRUE(HealedClustersConverge(run.history()).empty());
  run.history().converged = false;
  EXPECT_FALSE(HealedClustersConverge(run.history()).empty());
}

}  // namespace
}  // namespace odradek::properties
