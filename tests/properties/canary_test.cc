// Each property rejects a history that breaks it and accepts one that does not, also where the difference is only what
// is legal.
#include <gtest/gtest.h>

#include "properties/property.h"
#include "tests/properties/history_builder.h"

namespace odradek::properties {
namespace {

using history::Outcome;

TEST(Properties, AcceptARunInWhichNothingWentWrong) {
  HistoryBuilder run = Good();
  run.Listed(history::OffsetQuery::kLatest, 2, 40);
  run.Searched(history::OffsetQuery::kByTimestamp, 1, 20, 40).timestamp = Timestamp(15);
  const Verdicts verdicts = CheckAll(run.history());
  for (const auto& violation : verdicts.violations) ADD_FAILURE() << violation.property << violation.what;
}

TEST(Properties, HaveDistinctSentences) {
  for (size_t i = 1; i < AllProperties().size(); ++i) {
    EXPECT_NE(AllProperties()[i].sentence, AllProperties()[i - 1].sentence);
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

TEST(OffsetsAgree, AcceptsAValueThatIsAppendedAgainAfterEachLoss) {
  HistoryBuilder run;
  run.Polled(0, {1}, 10);
  run.Lost(0, 0, 20);
  run.Acked(2, 0, 30);
  run.Lost(0, 0, 40);
  run.Polled(0, {1}, 50);
  EXPECT_TRUE(Holds(&OffsetsAgree, run));
  run.Polled(0, {1}, 30).span.completed_ns = 35;  // between the losses stood the other one
  EXPECT_FALSE(Holds(&OffsetsAgree, run));
}

TEST(OffsetsAgree, GivesAnOperationThatSpansALossTheChoice) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.Acked(2, 0, 30);
  run.Polled(0, {1}, 15).span.completed_ns = 40;
  run.Polled(0, {2}, 15).span.completed_ns = 40;
  EXPECT_TRUE(Holds(&OffsetsAgree, run));
  run.Polled(0, {3}, 15).span.completed_ns = 40;
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

TEST(ProducerOrderIsKept, RejectsAGapBehindARecordThatIsThereAlthoughOthersWereDeleted) {
  HistoryBuilder run;
  run.Acked(1, 4, 10);
  run.Acked(2, 5, 20);
  run.Acked(3, 6, 30);
  run.InTheEnd(6, {3});
  EXPECT_TRUE(Holds(&ProducerOrderIsKept, run));
  run.history().final_reads.clear();
  run.InTheEnd(4, {1, 3});
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

TEST(LogStartNeverGoesBack, AcceptsAReplicaThatLeftAndCameBack) {
  HistoryBuilder run;
  run.StartsAt(3, 10);
  run.BeginsAnewAt(0, 20);
  EXPECT_TRUE(Holds(&LogStartNeverGoesBack, run));
  run.StartsAt(2, 30);
  run.StartsAt(1, 40);
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

TEST(DeletedRecordsStayDeleted, AcceptsAReplicaThatWasAwayUntilItHasDeletedToo) {
  HistoryBuilder run;
  run.StartsAt(0, 1, "b1");
  run.StartsAt(0, 1, "b2");
  run.StartsAt(1, 9, "b1");
  run.Deleted(1, 10);
  run.Polled(0, {1}, 20);
  EXPECT_TRUE(Holds(&DeletedRecordsStayDeleted, run));
  run.StartsAt(1, 25, "b2");
  EXPECT_TRUE(Holds(&DeletedRecordsStayDeleted, run));
  run.Polled(0, {1}, 30);
  EXPECT_FALSE(Holds(&DeletedRecordsStayDeleted, run));
}

TEST(DeletedRecordsStayDeleted, RejectsAReadIfNobodyHadDeleted) {
  HistoryBuilder run;
  run.StartsAt(0, 1, "b1");
  run.StartsAt(0, 1, "b2");
  run.Deleted(1, 10);
  run.Polled(0, {1}, 20);
  EXPECT_FALSE(Holds(&DeletedRecordsStayDeleted, run));
}

TEST(DeletedRecordsStayDeleted, RejectsALogThatStartsBelow) {
  HistoryBuilder run;
  run.Deleted(1, 10);
  run.InTheEnd(0, {1});
  EXPECT_FALSE(Holds(&DeletedRecordsStayDeleted, run));
}

TEST(DeletedTopicsStayDeleted, RejectsARecordOfTheTopicThatWasDeleted) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.InTheEnd(0, {1});
  EXPECT_TRUE(Holds(&DeletedTopicsStayDeleted, run));
  history::TopicDeletion& deletion = run.history().topic_deletions.emplace_back();
  deletion = {.span = {20, 30}, .topic = run.history().sends[0].partition.topic, .outcome = Outcome::kOk};
  EXPECT_FALSE(Holds(&DeletedTopicsStayDeleted, run));
  // Its answer was lost: it may not have happened.
  deletion.outcome = Outcome::kUnknown;
  EXPECT_TRUE(Holds(&DeletedTopicsStayDeleted, run));
  deletion.outcome = Outcome::kOk;
  run.history().sends[0].span.completed_ns = 25;  // may have gone to its successor
  EXPECT_TRUE(Holds(&DeletedTopicsStayDeleted, run));
}

TEST(DeletedTopicsStayDeleted, RejectsAReadThatBeganAfterTheDeletion) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.history().topic_deletions.push_back(
      {.span = {20, 30}, .topic = run.history().sends[0].partition.topic, .outcome = Outcome::kOk});
  run.Polled(0, {1}, 25);
  EXPECT_TRUE(Holds(&DeletedTopicsStayDeleted, run));
  run.Polled(0, {1}, 50);
  EXPECT_FALSE(Holds(&DeletedTopicsStayDeleted, run));
}

TEST(DurableLogsSurvivePowerLoss, RejectsDamageThatWasNotReported) {
  HistoryBuilder run;
  run.Lost(3, 3, 20);
  run.history().losses[0].cause = history::LossCause::kDamage;
  EXPECT_TRUE(Holds(&DurableLogsSurvivePowerLoss, run));
  run.history().losses[0].was_reported = false;
  EXPECT_FALSE(Holds(&DurableLogsSurvivePowerLoss, run));
}

TEST(AckedRecordsAreNeverLost, ExcusesWhatTheDiskDamagedWhateverWasPromised) {
  HistoryBuilder run;
  run.Acked(1, 0, 10);
  run.Lost(0, 0, 20);
  run.InTheEnd(0, {});
  run.history().promise.acked_survives_power_loss = true;
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
  run.history().losses[0].cause = history::LossCause::kDamage;
  EXPECT_TRUE(Holds(&AckedRecordsAreNeverLost, run));
}

TEST(RetentionDeletesWhatIsOld, RejectsWhatIsNeitherOldNorTooMuchNorVisible) {
  HistoryBuilder run;
  run.history().retention_rules.push_back({.topic = "t", .retention_ms = 100, .retention_bytes = 1000});
  history::Expiration expired{.at_ns = 10, .partition = {"t", PartitionIndex(0)}};
  expired.next_offset = Offset(5);
  expired.high_watermark = Offset(5);
  expired.largest_timestamp = Timestamp(1);
  expired.now_ms = 102;
  run.history().expirations.push_back(expired);
  EXPECT_TRUE(Holds(&RetentionDeletesWhatIsOld, run));
  run.history().expirations[0].now_ms = 101;
  EXPECT_FALSE(Holds(&RetentionDeletesWhatIsOld, run)) << "not older than retention.ms";
  run.history().expirations[0].left_bytes = 1000;
  EXPECT_TRUE(Holds(&RetentionDeletesWhatIsOld, run)) << "enough is left";
  run.history().expirations[0].left_bytes = 999;
  EXPECT_FALSE(Holds(&RetentionDeletesWhatIsOld, run));
  run.history().expirations[0].now_ms = 102;
  run.history().expirations[0].high_watermark = Offset(4);
  EXPECT_FALSE(Holds(&RetentionDeletesWhatIsOld, run)) << "not yet visible";
}

TEST(OnlyOffsetsOutsideAreOutOfRange, RejectsAnOffsetOfTheLog) {
  HistoryBuilder run;
  history::OutOfRange answer{.at_ns = 10, .partition = {"t", PartitionIndex(0)}};
  answer.log_start_offset = Offset(3);
  answer.log_end_offset = Offset(9);
  for (const int64_t outside : {2, 10}) {
    answer.fetch_offset = Offset(outside);
    run.history().out_of_ranges.push_back(answer);
  }
  EXPECT_TRUE(Holds(&OnlyOffsetsOutsideAreOutOfRange, run));
  answer.fetch_offset = Offset(9);
  run.history().out_of_ranges.push_back(answer);
  EXPECT_FALSE(Holds(&OnlyOffsetsOutsideAreOutOfRange, run));
}

history::BatchAnswer Answer(int32_t epoch, int32_t sequence, int16_t error) {
  history::BatchAnswer answer{.at_ns = 10, .partition = {"t", PartitionIndex(0)}, .producer_id = ProducerId(1)};
  answer.producer_epoch = ProducerEpoch(static_cast<int16_t>(epoch));
  answer.base_sequence = sequence;
  answer.record_count = 2;
  answer.error = error;
  return answer;
}

TEST(ProducersThatGoOnAreNotRefused, RejectsARefusalOfTheNextBatch) {
  constexpr int16_t kOutOfOrder = 45;
  HistoryBuilder run;
  auto& answers = run.history().batch_answers;
  answers = {Answer(0, 2147483647, 0), Answer(0, 3, kOutOfOrder)};
  EXPECT_TRUE(Holds(&ProducersThatGoOnAreNotRefused, run));
  answers.push_back(Answer(0, 1, kOutOfOrder));  // after 2^31 - 1 and 0
  EXPECT_FALSE(Holds(&ProducersThatGoOnAreNotRefused, run));
  HistoryBuilder restarted = run;
  for (size_t i = 0; i < 3; ++i) restarted.history().batch_answers[i].at_ns = static_cast<int64_t>(i) * 10;
  restarted.history().node_events = {{15, "b1", history::NodeEventKind::kStarted}};
  EXPECT_TRUE(Holds(&ProducersThatGoOnAreNotRefused, restarted)) << "a snapshot remembers the last batch only";
  restarted.history().node_events[0].at_ns = 25;
  EXPECT_FALSE(Holds(&ProducersThatGoOnAreNotRefused, restarted));
  run.Lost(0, 0, 10);
  EXPECT_TRUE(Holds(&ProducersThatGoOnAreNotRefused, run)) << "the state may be lost with the records";
}

TEST(AcknowledgedBatchesWereSynced, RejectsOneThatWasNot) {
  HistoryBuilder run;
  run.history().batch_answers = {Answer(0, 0, 0)};
  run.history().batch_answers[0].base_offset = Offset(4);
  run.history().batch_answers[0].durable_end = Offset(5);
  EXPECT_TRUE(Holds(&AcknowledgedBatchesWereSynced, run)) << "the policy promises nothing";
  run.history().synced_topics = {"t"};
  EXPECT_FALSE(Holds(&AcknowledgedBatchesWereSynced, run));
  run.history().batch_answers[0].durable_end = Offset(6);
  EXPECT_TRUE(Holds(&AcknowledgedBatchesWereSynced, run));
}

TEST(NewEpochsGetOn, RejectsOneEpochAfterTheOtherRefusedFromTheStart) {
  constexpr int16_t kOutOfOrder = 45;
  HistoryBuilder run;
  auto& answers = run.history().batch_answers;
  answers = {Answer(0, 0, 0), Answer(1, 5, kOutOfOrder), Answer(2, 5, kOutOfOrder), Answer(3, 0, 0)};
  EXPECT_TRUE(Holds(&NewEpochsGetOn, run));
  answers.push_back(Answer(4, 5, kOutOfOrder));
  answers.push_back(Answer(5, 5, kOutOfOrder));
  answers.push_back(Answer(6, 5, kOutOfOrder));
  EXPECT_FALSE(Holds(&NewEpochsGetOn, run));
}

TEST(WrongRequestsAreRefused, RejectsAnAnswer) {
  HistoryBuilder run;
  run.history().refusals.push_back({.span = {10, 20}, .client = 1, .what = "again", .error = 71});
  EXPECT_TRUE(Holds(&WrongRequestsAreRefused, run));
  run.history().refusals.push_back({.span = {30, 40}, .client = 1, .what = "again", .error = 0});
  EXPECT_FALSE(Holds(&WrongRequestsAreRefused, run));
}

TEST(AcknowledgementsFollowRealTime, RejectsALaterRecordAtAnEarlierOffset) {
  HistoryBuilder run;
  run.Acked(1, 1, 10);
  run.Acked(2, 0, 20);
  EXPECT_FALSE(Holds(&AcknowledgementsFollowRealTime, run));
  run.history().promise.linearizable = false;
  EXPECT_TRUE(Holds(&AcknowledgementsFollowRealTime, run));
}

TEST(AcknowledgementsFollowRealTime, AcceptsOverlapAndALoss) {
  HistoryBuilder run;
  run.Acked(1, 1, 10).span.completed_ns = 30;
  run.Acked(2, 0, 20);
  EXPECT_TRUE(Holds(&AcknowledgementsFollowRealTime, run));
  HistoryBuilder lost;
  lost.Acked(1, 1, 10);
  lost.Lost(0, 0, 15);
  lost.Acked(2, 0, 20);
  EXPECT_TRUE(Holds(&AcknowledgementsFollowRealTime, lost));
}

TEST(AcknowledgementsFollowRealTime, RejectsAnEndOffsetThatLeavesARecordOut) {
  HistoryBuilder run;
  run.Acked(1, 4, 10);
  run.Listed(history::OffsetQuery::kLatest, 5, 20);
  EXPECT_TRUE(Holds(&AcknowledgementsFollowRealTime, run));
  run.Listed(history::OffsetQuery::kLatest, 4, 30);
  EXPECT_FALSE(Holds(&AcknowledgementsFollowRealTime, run));
}

TEST(FailuresHaveNoEffect, RejectsAFailedSendThatIsReadAndADeletionThatDidLess) {
  HistoryBuilder run = Good();
  EXPECT_TRUE(Holds(&FailuresHaveNoEffect, run));
  run.history().sends[0].outcome = Outcome::kFail;
  EXPECT_FALSE(Holds(&FailuresHaveNoEffect, run));
  HistoryBuilder deletion;
  deletion.Deleted(3, 10);
  EXPECT_TRUE(Holds(&FailuresHaveNoEffect, deletion));
  deletion.history().delete_records[0].low_watermark = Offset(2);
  EXPECT_FALSE(Holds(&FailuresHaveNoEffect, deletion));
}

TEST(AcknowledgementsNameTheRightOffset, RejectsAnotherOffsetAndAnotherTimestamp) {
  HistoryBuilder run = Good();
  EXPECT_TRUE(Holds(&AcknowledgementsNameTheRightOffset, run));
  run.history().sends[0].offset = Offset(5);
  EXPECT_FALSE(Holds(&AcknowledgementsNameTheRightOffset, run));
  run.history().sends[0].idempotent = false;  // a retry may have made a copy
  EXPECT_TRUE(Holds(&AcknowledgementsNameTheRightOffset, run));
  run.history().sends[1].acked_timestamp = Timestamp(21);
  EXPECT_TRUE(Holds(&AcknowledgementsNameTheRightOffset, run)) << "of a duplicate: the largest one of its batch";
  run.history().sends[1].timestamp = kNoTimestamp;
  EXPECT_FALSE(Holds(&AcknowledgementsNameTheRightOffset, run));
}

TEST(AcknowledgementsNameTheRightOffset, AcceptsARetryOfWhatWasReadAndLost) {
  HistoryBuilder run;
  run.Polled(0, {1}, 10);
  run.Lost(0, 0, 20);
  run.Acked(1, 4, 30);
  EXPECT_TRUE(Holds(&AcknowledgementsNameTheRightOffset, run));
  run.Polled(0, {1}, 40);
  EXPECT_FALSE(Holds(&AcknowledgementsNameTheRightOffset, run)) << "read after the loss";
  HistoryBuilder early;
  early.Acked(1, 4, 5);
  early.Polled(0, {1}, 10);
  early.Lost(0, 0, 20);
  EXPECT_FALSE(Holds(&AcknowledgementsNameTheRightOffset, early)) << "acknowledged before the loss";
}

TEST(ProducerIdsAreGivenOnce, RejectsOneIdOfTwoSessions) {
  HistoryBuilder run = Good();
  EXPECT_TRUE(Holds(&ProducerIdsAreGivenOnce, run));
  run.history().sends[1].session = 1;
  EXPECT_FALSE(Holds(&ProducerIdsAreGivenOnce, run));
  for (auto* records : {&run.history().polls[0].records, &run.history().final_reads[0].records}) {
    (*records)[1].producer_id = ProducerId(8);
  }
  EXPECT_TRUE(Holds(&ProducerIdsAreGivenOnce, run));
  run.history().polls[0].records[1].producer_id = kNoProducerId;
  EXPECT_FALSE(Holds(&ProducerIdsAreGivenOnce, run));
}

TEST(ReadsBelowTheStartFail, RejectsAReadFromBelow) {
  HistoryBuilder run = Good();
  run.StartsAt(1, 35);
  EXPECT_TRUE(Holds(&ReadsBelowTheStartFail, run));
  run.Polled(0, {1, 2}, 40);
  EXPECT_FALSE(Holds(&ReadsBelowTheStartFail, run));
}

TEST(IdempotentProducersCanGoOn, RejectsAFatalErrorUnlessDataWasLost) {
  HistoryBuilder run;
  run.Sent(1, 10, Outcome::kFail).error = 45;
  EXPECT_FALSE(Holds(&IdempotentProducersCanGoOn, run));
  HistoryBuilder restarted = run;
  restarted.history().sends[0].span = {10, 20};
  restarted.history().node_events = {{15, "b1", history::NodeEventKind::kStarted}};
  EXPECT_TRUE(Holds(&IdempotentProducersCanGoOn, restarted));
  restarted.history().node_events[0].at_ns = 25;
  EXPECT_FALSE(Holds(&IdempotentProducersCanGoOn, restarted));
  run.Lost(0, 0, 5);
  EXPECT_TRUE(Holds(&IdempotentProducersCanGoOn, run));
  HistoryBuilder gap;
  gap.Sent(1, 10, Outcome::kUnknown);
  gap.Sent(2, 20, Outcome::kFail).error = 45;
  EXPECT_TRUE(Holds(&IdempotentProducersCanGoOn, gap));
}

TEST(AnswersNamePartitionsOnce, RejectsOneThatIsNamedTwice) {
  HistoryBuilder run;
  run.history().fetch_shapes.push_back({.named_count = 2, .distinct_count = 2});
  EXPECT_TRUE(Holds(&AnswersNamePartitionsOnce, run));
  run.history().fetch_shapes[0].distinct_count = 1;
  EXPECT_FALSE(Holds(&AnswersNamePartitionsOnce, run));
}

TEST(HealedClustersConverge, RejectsARunThatDidNot) {
  HistoryBuilder run;
  EXPECT_TRUE(Holds(&HealedClustersConverge, run));
  run.history().converged = false;
  EXPECT_FALSE(Holds(&HealedClustersConverge, run));
}

}  // namespace
}  // namespace odradek::properties
