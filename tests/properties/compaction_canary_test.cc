// The properties of compacted topics, and what compaction excuses in the others: bad histories that they must reject
// and good ones that they must accept.
#include <gtest/gtest.h>

#include "properties/monitors.h"
#include "properties/property.h"
#include "tests/properties/history_builder.h"
#include "tests/properties/log_builder.h"

namespace odradek::properties {
namespace compaction_canary_test {

using history::Outcome;

constexpr int64_t kRetentionMs = 5'000;
constexpr int64_t kSecond = 1'000'000'000;

// Key 1 is written at 0 and 2, key 2 at 1, and read.
static HistoryBuilder Written() {
  HistoryBuilder run;
  run.Compacted(kRetentionMs);
  run.AckedKey(1, 1, 0, 10);
  run.AckedKey(2, 2, 1, 20);
  run.AckedKey(3, 1, 2, 30);
  run.Polled(0, {1, 2, 3}, 40);
  return run;
}

TEST(CompactedTopics, AcceptARunInWhichNothingWentWrong) {
  HistoryBuilder run = Written();
  run.CompactedInTheEnd(3, {{1, 2}, {2, 3}});
  const Verdicts verdicts = CheckAll(run.history());
  for (const auto& violation : verdicts.violations) ADD_FAILURE() << violation.property << violation.what;
}

TEST(CompactedTopics, MayMissARecordOnlyIfALaterOneOfItsKeyExists) {
  for (auto* check : {&AckedRecordsAreNeverLost, &CommittedReadsAreRepeatable, &LastRecordsOfKeysSurvive}) {
    HistoryBuilder run = Written();
    run.CompactedInTheEnd(3, {{0, 1}, {2, 3}});  // the only record of key 2 is gone
    EXPECT_FALSE(Holds(check, run));
    HistoryBuilder newer = Written();
    newer.CompactedInTheEnd(3, {{0, 1}, {1, 2}});  // and so is the newest of key 1
    EXPECT_FALSE(Holds(check, newer));
  }
}

TEST(CompactedTopics, WithoutCompactionNothingIsExcused) {
  HistoryBuilder run = Written();
  run.history().compaction_rules.clear();
  run.CompactedInTheEnd(3, {{1, 2}, {2, 3}});
  EXPECT_FALSE(Holds(&AckedRecordsAreNeverLost, run));
  EXPECT_FALSE(Holds(&CommittedReadsAreRepeatable, run));
  EXPECT_FALSE(Holds(&ProducerOrderIsKept, run));
}

TEST(CompactedTopics, ProducersOrderHasNoOtherGaps) {
  HistoryBuilder run = Written();
  run.CompactedInTheEnd(3, {{1, 2}, {2, 3}});
  EXPECT_TRUE(Holds(&ProducerOrderIsKept, run));
  HistoryBuilder gap = Written();
  gap.CompactedInTheEnd(3, {{0, 1}, {2, 3}});
  EXPECT_FALSE(Holds(&ProducerOrderIsKept, gap));
}

TEST(LastRecordsOfKeysSurvive, AcceptsWhatATombstoneDeletedOrALossTook) {
  HistoryBuilder run = Written();
  run.AckedTombstone(4, 2, 3, 50);
  run.CompactedInTheEnd(4, {{2, 3}});
  EXPECT_TRUE(Holds(&LastRecordsOfKeysSurvive, run));
  HistoryBuilder uncertain = Written();
  history::Send& send = uncertain.Sent(4, 50, Outcome::kUnknown);
  send.key = 2;
  send.is_tombstone = true;
  uncertain.CompactedInTheEnd(4, {{2, 3}});
  EXPECT_TRUE(Holds(&LastRecordsOfKeysSurvive, uncertain));
  HistoryBuilder lost = Written();
  lost.Lost(1, 1, 50);
  lost.CompactedInTheEnd(1, {{0, 1}});
  EXPECT_TRUE(Holds(&LastRecordsOfKeysSurvive, lost));
}

TEST(LastRecordsOfKeysSurvive, RejectsATombstoneThatWasLostAsAReason) {
  HistoryBuilder run = Written();
  run.AckedTombstone(4, 2, 3, 50);
  run.Lost(3, 3, 60);
  run.CompactedInTheEnd(3, {{2, 3}});
  EXPECT_FALSE(Holds(&LastRecordsOfKeysSurvive, run));
}

TEST(DeletedKeysStayDeleted, RejectsAnOlderRecordWithoutItsTombstone) {
  HistoryBuilder run = Written();
  run.AckedTombstone(4, 2, 3, 50);
  HistoryBuilder with_tombstone = run;
  with_tombstone.CompactedInTheEnd(4, {{1, 2}, {2, 3}, {3, 4}});
  EXPECT_TRUE(Holds(&DeletedKeysStayDeleted, with_tombstone));
  HistoryBuilder lost = run;
  lost.Lost(3, 3, 60);
  lost.CompactedInTheEnd(3, {{1, 2}, {2, 3}});
  EXPECT_TRUE(Holds(&DeletedKeysStayDeleted, lost));
  run.CompactedInTheEnd(4, {{1, 2}, {2, 3}});
  EXPECT_FALSE(Holds(&DeletedKeysStayDeleted, run));
}

TEST(TombstonesAreSeenInTime, RejectsOneThatWasPassedOverTooEarly) {
  const auto polled_over = [](int64_t at_ns) {
    HistoryBuilder run = Written();
    run.AckedTombstone(4, 2, 3, 50);
    run.AckedKey(5, 1, 4, 60);
    history::Poll& poll = run.Polled(4, {5}, at_ns);
    poll.position_before = Offset(2);
    return run;
  };
  HistoryBuilder early = polled_over(3 * kSecond);
  EXPECT_FALSE(Holds(&TombstonesAreSeenInTime, early));
  HistoryBuilder late = polled_over(6 * kSecond);
  EXPECT_TRUE(Holds(&TombstonesAreSeenInTime, late));
  HistoryBuilder superseded = polled_over(3 * kSecond);
  superseded.AckedKey(6, 2, 5, 70);
  EXPECT_TRUE(Holds(&TombstonesAreSeenInTime, superseded));
  HistoryBuilder given = Written();
  given.AckedTombstone(4, 2, 3, 50);
  given.Polled(3, {4}, 3 * kSecond);
  EXPECT_TRUE(Holds(&TombstonesAreSeenInTime, given));
}

TEST(TombstonesAreSeenInTime, JudgesTheFinalReadToo) {
  HistoryBuilder run = Written();
  run.AckedTombstone(4, 2, 3, 50);
  run.CompactedInTheEnd(4, {{2, 3}});
  run.history().final_reads[0].span = {3 * kSecond, 3 * kSecond};
  EXPECT_FALSE(Holds(&TombstonesAreSeenInTime, run));
  run.history().final_reads[0].span = {6 * kSecond, 6 * kSecond};
  EXPECT_TRUE(Holds(&TombstonesAreSeenInTime, run));
}

TEST(CompactedTopicsTakeNoKeylessRecords, RejectsAnAcknowledgedAndAReadOne) {
  HistoryBuilder run = Written();
  run.Sent(4, 50, Outcome::kFail);
  EXPECT_TRUE(Holds(&CompactedTopicsTakeNoKeylessRecords, run));
  HistoryBuilder read = run;
  read.Polled(3, {4}, 60);
  EXPECT_FALSE(Holds(&CompactedTopicsTakeNoKeylessRecords, read));
  run.history().sends.back().outcome = Outcome::kOk;
  EXPECT_FALSE(Holds(&CompactedTopicsTakeNoKeylessRecords, run));
}

TEST(PollsAdvance, LetsAPositionPassOverWhatCompactionTook) {
  HistoryBuilder run = Written();
  run.Polled(5, {4}, 50);
  EXPECT_TRUE(Holds(&PollsAdvance, run));
  run.history().compaction_rules.clear();
  EXPECT_FALSE(Holds(&PollsAdvance, run));
  HistoryBuilder back = Written();
  back.Polled(2, {3}, 50);
  EXPECT_FALSE(Holds(&PollsAdvance, back));
}

TEST(PollsSkipNothing, JudgesWhatLayBetweenTwoPolls) {
  HistoryBuilder run = Written();
  run.AckedKey(4, 3, 3, 50);
  run.AckedKey(5, 4, 4, 60);
  run.Polled(4, {5}, 70);
  HistoryBuilder compacted = run;
  compacted.CompactedInTheEnd(5, {{1, 2}, {2, 3}, {4, 5}});
  EXPECT_TRUE(Holds(&PollsSkipNothing, compacted));
  run.CompactedInTheEnd(5, {{1, 2}, {2, 3}, {3, 4}, {4, 5}});
  EXPECT_FALSE(Holds(&PollsSkipNothing, run));
}

static SegmentCompaction Compaction() {
  return {.base_offset = Offset(0),
          .next_offset = Offset(6),
          .replaced_end = Offset(6),
          .last_stable_offset = Offset(9),
          .active_base_offset = Offset(6),
          .flushed_end = Offset(6)};
}

TEST(CompactionTakesOnlyWhatIsSettled, RejectsWhatIsActiveInvisibleOrNotDurable) {
  EXPECT_TRUE(CompactionTakesOnlyWhatIsSettled(Compaction()).holds());
  for (Offset SegmentCompaction::*bound : {&SegmentCompaction::last_stable_offset,
                                           &SegmentCompaction::active_base_offset, &SegmentCompaction::flushed_end}) {
    SegmentCompaction compaction = Compaction();
    compaction.*bound = Offset(5);
    EXPECT_FALSE(CompactionTakesOnlyWhatIsSettled(compaction).holds());
  }
}

TEST(CompactionKeepsTheEnds, RejectsACopyThatEndsEarlier) {
  EXPECT_TRUE(CompactionKeepsTheEnds(Compaction()).holds());
  SegmentCompaction compaction = Compaction();
  compaction.next_offset = Offset(5);
  EXPECT_FALSE(CompactionKeepsTheEnds(compaction).holds());
}

TEST(ProducerStateIsTheFoldOfTheLog, LetsCompactionTakeTheRecordThatHadTheLastTimestamp) {
  const WrittenLog log = ThreeBatches();
  ReplicaState state;
  state.log_end_offset = Offset(6);
  state.files = &log;
  state.producers = {{.id = ProducerId(7),
                      .epoch = ProducerEpoch(0),
                      .last_timestamp = Timestamp(1006),
                      .window = {{.last_sequence = 5, .last_offset = Offset(5), .offset_delta = 0}}}};
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(state).holds());
  state.gaps = Gaps::kByCompaction;
  EXPECT_TRUE(ProducerStateIsTheFoldOfTheLog(state).holds());
  state.producers[0].last_timestamp = Timestamp(1004);
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(state).holds());
}

TEST(AppendedBatchesNeverChange, LetsCompactionTakeRecordsButMoveNothing) {
  WrittenLog log = ThreeBatches();
  ReplicaState state;
  state.log_end_offset = Offset(6);
  state.files = &log;
  AppendedBatches appended;
  for (const WrittenBatch& batch : log.batches) {
    appended[batch.base_offset] = {batch.next_offset(), batch.leader_epoch, batch.crc};
  }
  state.appended = &appended;
  state.gaps = Gaps::kByCompaction;
  log.batches[1].crc = 12345;
  EXPECT_TRUE(AppendedBatchesNeverChange(state).holds());
  log.batches[1].base_offset = Offset(3);
  EXPECT_FALSE(AppendedBatchesNeverChange(state).holds());
  log.batches[1].base_offset = Offset(2);
  log.batches[1].last_offset = Offset(3);
  EXPECT_FALSE(AppendedBatchesNeverChange(state).holds());
}

}  // namespace compaction_canary_test
}  // namespace odradek::properties
