// Each property rejects a history that breaks it and accepts one that does not, also where the difference is only what
// is legal.
#include <gtest/gtest.h>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace {

using history::Outcome;

bool Holds(Findings (*check)(const Evidence&), HistoryBuilder& run) {
  return check(Evidence(run.history())).holds();
}

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
  const Verdicts verdicts = CheckAll(run.history());
  for (const auto& violation : verdicts.violations) ADD_FAILURE() << violation.property << violation.what;
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
  EXPECT_FALSE(Holds(&OffsetsAgree, run));
}

TEST(OffsetsAgree, AcceptsANewValueAfterTheOffsetWasLost) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.Acked(2, 0, 30);
  EXPECT_TRUE(Holds(&OffsetsAgree, run));
  run.Polled(0, {1}, 40);  // but the old one must not come back
  EXPECT_FALSE(Holds(&OffsetsAgree, run));
}

TEST(AckedRecordsAreNeverLost, RejectsAMissingOne) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.InTheEnd(0, {});
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(AckedRecordsAreNeverLost, RejectsOneAtAnotherOffset) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.InTheEnd(0, {1});
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(AckedRecordsAreNeverLost, ExcusesWhatTheLedgerShowsUnlessItWasPromised) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.InTheEnd(0, {});
  EXPECT_TRUE(Holds(&AckedRecordsAreNeverLost, run));
  run.history().promise.acked_survives_power_loss = true;
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(AckedRecordsAreNeverLost, ExcusesNothingThatTheLossDidNotTake) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(1, 0, 20);
  run.InTheEnd(0, {});
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(AckedRecordsAreNeverLost, AcceptsWhatWasDeletedAndWhatNobodyAcknowledged) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Sent(2, 20, Outcome::kUnknown);
  run.InTheEnd(1, {});
  EXPECT_TRUE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(IdempotentRecordsAreNeverDuplicated, RejectsASecondCopy) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.InTheEnd(0, {1, 1});
  EXPECT_FALSE(Holds(&IdempotentRecordsAreNeverDuplicated, run));
  run.history().sends[0].idempotent = false;  // a plain producer's retries may do that
  EXPECT_TRUE(Holds(&IdempotentRecordsAreNeverDuplicated, run));
}

TEST(ProducerOrderIsKept, RejectsASwap) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2, 1});
  EXPECT_FALSE(Holds(&ProducerOrderIsKept, run));
}

TEST(ProducerOrderIsKept, RejectsAGapUnlessTheSendFailed) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kUnknown).span.completed_ns = 30;
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2});
  EXPECT_FALSE(Holds(&ProducerOrderIsKept, run));
  run.history().sends[0].outcome = Outcome::kFail;
  EXPECT_TRUE(Holds(&ProducerOrderIsKept, run));
}

TEST(ProducerOrderIsKept, AcceptsAGapWhereTheClientGaveUpFirst) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kUnknown);
  run.Acked(2, 0, 20);
  run.InTheEnd(0, {2});
  EXPECT_TRUE(Holds(&ProducerOrderIsKept, run));
  run.history().sends[0].span.completed_ns = 30;
  EXPECT_FALSE(Holds(&ProducerOrderIsKept, run));
}

TEST(ProducerOrderIsKept, SessionsAreIndependent) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.Acked(2, 0, 20).session = 1;
  run.InTheEnd(0, {2, 1});
  EXPECT_TRUE(Holds(&ProducerOrderIsKept, run));
}

TEST(PollsAdvance, RejectsARepeatedOffset) {
  HistoryBuilder run = Good();
  run.Polled(1, {2}, 50);
  EXPECT_FALSE(Holds(&PollsAdvance, run));
  run.history().polls.back().assignment = 1;  // after a seek it may
  EXPECT_TRUE(Holds(&PollsAdvance, run));
}

TEST(PollsAdvance, RejectsAnOffsetBelowThePosition) {
  HistoryBuilder run = Good();
  run.Polled(2, {2}, 50).records[0].offset = Offset(1);
  EXPECT_FALSE(Holds(&PollsAdvance, run));
}

TEST(PollsSkipNothing, RejectsAHole) {
  HistoryBuilder run = Good();
  run.history().polls[0].records.erase(run.history().polls[0].records.begin());
  EXPECT_FALSE(Holds(&PollsSkipNothing, run));
  run.Lost(0, 0, 60);  // what stands there now came after the loss
  EXPECT_TRUE(Holds(&PollsSkipNothing, run));
}

TEST(OnlySentRecordsAreRead, RejectsAPhantom) {
  HistoryBuilder run = Good();
  run.Polled(2, {9}, 50);
  EXPECT_FALSE(Holds(&OnlySentRecordsAreRead, run));
}

TEST(OnlySentRecordsAreRead, RejectsAFailedSendAndAReadBeforeTheSend) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kFail);
  run.Polled(0, {1}, 50);
  EXPECT_FALSE(Holds(&OnlySentRecordsAreRead, run));
  run.history().sends[0].outcome = Outcome::kUnknown;
  EXPECT_TRUE(Holds(&OnlySentRecordsAreRead, run));
  run.history().sends[0].span = {90, 91};
  EXPECT_FALSE(Holds(&OnlySentRecordsAreRead, run));
}

TEST(CommittedReadsAreRepeatable, RejectsAReadThatVanished) {
  HistoryBuilder run = Good();
  run.history().final_reads[0].records.pop_back();
  EXPECT_FALSE(Holds(&CommittedReadsAreRepeatable, run));
  run.Lost(1, 0, 60);
  EXPECT_TRUE(Holds(&CommittedReadsAreRepeatable, run));
  run.history().promise.acked_survives_power_loss = true;
  EXPECT_FALSE(Holds(&CommittedReadsAreRepeatable, run));
}

TEST(EndOffsetsNeverGoBack, RejectsASmallerOneLater) {
  HistoryBuilder run;
  run.Listed(history::OffsetQuery::kLatest, 5, 10);
  run.Listed(history::OffsetQuery::kLatest, 4, 20);
  EXPECT_FALSE(Holds(&EndOffsetsNeverGoBack, run));
  run.Lost(4, 0, 15);
  EXPECT_TRUE(Holds(&EndOffsetsNeverGoBack, run));
}

TEST(EndOffsetsNeverGoBack, AcceptsOverlappingCalls) {
  HistoryBuilder run;
  run.Listed(history::OffsetQuery::kLatest, 5, 10);
  run.Listed(history::OffsetQuery::kLatest, 4, 11);
  EXPECT_TRUE(Holds(&EndOffsetsNeverGoBack, run));
}

TEST(RecordsArriveIntact, RejectsOtherBytesAndOtherTimestamps) {
  HistoryBuilder run = Good();
  run.history().polls[0].records[0].timestamp = Timestamp(11);
  EXPECT_FALSE(Holds(&RecordsArriveIntact, run));
  HistoryBuilder garbled = Good();
  garbled.history().polls[0].records[0].value = history::kCorruptValue;
  EXPECT_FALSE(Holds(&RecordsArriveIntact, garbled));
}

TEST(DurableLogsSurvivePowerLoss, RejectsALossBelowTheDurableEnd) {
  HistoryBuilder run;
  run.Lost(3, 3, 10);
  EXPECT_TRUE(Holds(&DurableLogsSurvivePowerLoss, run));
  run.Lost(2, 3, 20);
  EXPECT_FALSE(Holds(&DurableLogsSurvivePowerLoss, run));
}

TEST(LogStartNeverGoesBack, RejectsASmallerOne) {
  HistoryBuilder run;
  run.StartsAt(3, 10);
  run.StartsAt(3, 20);
  EXPECT_TRUE(Holds(&LogStartNeverGoesBack, run));
  run.StartsAt(2, 30);
  EXPECT_FALSE(Holds(&LogStartNeverGoesBack, run));
}

TEST(DeletedRecordsStayDeleted, RejectsALaterRead) {
  HistoryBuilder run;
  run.Deleted(1, 10);
  run.Polled(0, {1}, 5);
  EXPECT_TRUE(Holds(&DeletedRecordsStayDeleted, run));
  run.Polled(0, {1}, 20);
  EXPECT_FALSE(Holds(&DeletedRecordsStayDeleted, run));
}

TEST(DeletedRecordsStayDeleted, RejectsALogThatStartsBelow) {
  HistoryBuilder run;
  run.Deleted(1, 10);
  run.InTheEnd(0, {1});
  EXPECT_FALSE(Holds(&DeletedRecordsStayDeleted, run));
}

TEST(TimestampSearchesFindTheFirst, RejectsAnOlderRecordAndAPassedOne) {
  HistoryBuilder run = Good();  // timestamps 10 and 20
  run.Listed(history::OffsetQuery::kByTimestamp, 0, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].offset = Offset(1);
  EXPECT_TRUE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].timestamp = Timestamp(5);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
}

TEST(TimestampSearchesFindTheFirst, RejectsNothingFoundWhereSomethingWas) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kByTimestamp, -1, 40).timestamp = Timestamp(15);
  EXPECT_FALSE(Holds(&TimestampSearchesFindTheFirst, run));
  run.history().list_offsets[0].timestamp = Timestamp(21);
  EXPECT_TRUE(Holds(&TimestampSearchesFindTheFirst, run));
}

TEST(HealedClustersConverge, RejectsARunThatDidNot) {
  HistoryBuilder run;
  EXPECT_TRUE(Holds(&HealedClustersConverge, run));
  run.history().converged = false;
  EXPECT_FALSE(Holds(&HealedClustersConverge, run));
}

}  // namespace
}  // namespace odradek::properties
