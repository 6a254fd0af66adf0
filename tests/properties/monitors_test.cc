// A canary for each monitor: a state that it must reject, and one that it must accept.
#include "properties/monitors.h"

#include <gtest/gtest.h>

#include "tests/properties/log_builder.h"

namespace odradek::properties {
namespace {

// A log [0, 6) in memory and in its files, all of it durable.
struct GoodLog {
  WrittenLog files = ThreeBatches();
  WrittenLog durable = ThreeBatches();
  AppendedBatches appended;
  ReplicaState state;

  GoodLog() {
    for (const WrittenBatch& batch : files.batches) {
      appended[batch.base_offset] = {batch.next_offset(), batch.leader_epoch, batch.crc};
    }
    state.node = "b1";
    state.partition = {"t", PartitionIndex(0)};
    state.last_stable_offset = Offset(5);
    state.high_watermark = Offset(6);
    state.log_end_offset = Offset(6);
    state.recovery_point = Offset(6);
    state.flushed_end = Offset(6);
    state.epochs = {{LeaderEpoch(0), Offset(0)}};
    state.producers = {{.id = ProducerId(7),
                        .epoch = ProducerEpoch(0),
                        .last_timestamp = Timestamp(1005),
                        .window = {{1, Offset(1), 1}, {4, Offset(4), 2}, {5, Offset(5), 0}}}};
    state.files = &files;
    state.durable = &durable;
    state.appended = &appended;
  }
  GoodLog(const GoodLog&) = delete;
  GoodLog& operator=(const GoodLog&) = delete;

  bool Holds(Findings (*check)(const ReplicaState&)) const { return check(state).holds(); }
};

TEST(Monitors, AcceptAGoodLog) {
  GoodLog log;
  Verdicts verdicts;
  log.state.moment = ReplicaState::Moment::kAtRest;
  MonitorAll(log.state, verdicts);
  for (const auto& violation : verdicts.violations) ADD_FAILURE() << violation.property << violation.what;
  log.state.too_large_since_ns = 0;
  MonitorAll(log.state, verdicts);
  for (const auto& [id, fact_count] : verdicts.fact_counts) EXPECT_GT(fact_count, 0) << id;
}

TEST(WatermarksAreOrdered, RejectsEachInversion) {
  GoodLog log;
  log.state.high_watermark = Offset(7);
  EXPECT_FALSE(log.Holds(&WatermarksAreOrdered));
  log.state.high_watermark = Offset(4);
  EXPECT_FALSE(log.Holds(&WatermarksAreOrdered));
  log.state.high_watermark = Offset(6);
  log.state.log_start_offset = Offset(6);
  EXPECT_FALSE(log.Holds(&WatermarksAreOrdered));
}

TEST(LeaderEpochsIncrease, RejectsARepeatedEpochAndAStartThatGoesBack) {
  GoodLog log;
  log.state.epochs = {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(0), Offset(5)}};
  EXPECT_FALSE(log.Holds(&LeaderEpochsIncrease));
  log.state.epochs = {{LeaderEpoch(0), Offset(5)}, {LeaderEpoch(1), Offset(4)}};
  EXPECT_FALSE(log.Holds(&LeaderEpochsIncrease));
  log.state.epochs = {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(1), Offset(7)}};
  EXPECT_FALSE(log.Holds(&LeaderEpochsIncrease));
  // A follower is about to append what begins it.
  log.state.replicas = ReplicaState::Replicas::kSeveral;
  EXPECT_TRUE(log.Holds(&LeaderEpochsIncrease));
  log.state.moment = ReplicaState::Moment::kAtRest;
  EXPECT_FALSE(log.Holds(&LeaderEpochsIncrease));
}

TEST(LeaderEpochsAreThoseOfTheLog, RejectsABatchOfAnotherEpoch) {
  GoodLog log;
  log.files.batches[2].leader_epoch = LeaderEpoch(1);
  EXPECT_FALSE(log.Holds(&LeaderEpochsAreThoseOfTheLog));
  log.state.epochs.push_back({LeaderEpoch(1), Offset(5)});
  EXPECT_TRUE(log.Holds(&LeaderEpochsAreThoseOfTheLog));
  log.state.epochs.clear();
  EXPECT_FALSE(log.Holds(&LeaderEpochsAreThoseOfTheLog));
}

TEST(LeaderEpochsAreThoseOfTheLog, AcceptsAnEpochWithoutBatches) {
  GoodLog log;
  log.state.epochs.push_back({LeaderEpoch(5), Offset(6)});
  EXPECT_TRUE(log.Holds(&LeaderEpochsAreThoseOfTheLog));
}

TEST(ProducerStateIsTheFoldOfTheLog, RejectsAnotherState) {
  for (int what = 0; what < 4; ++what) {
    GoodLog log;
    ReplicaProducer& producer = log.state.producers[0];
    if (what == 0) producer.epoch = ProducerEpoch(1);
    if (what == 1) producer.window.pop_back();
    if (what == 2) log.state.producers.clear();
    if (what == 3) log.state.producers.push_back({.id = ProducerId(8)});
    EXPECT_FALSE(log.Holds(&ProducerStateIsTheFoldOfTheLog)) << what;
  }
}

TEST(ProducerStateIsTheFoldOfTheLog, RejectsAWindowThatIsTooLongOrOutOfOrder) {
  GoodLog log;
  std::swap(log.state.producers[0].window[0], log.state.producers[0].window[1]);
  EXPECT_FALSE(log.Holds(&ProducerStateIsTheFoldOfTheLog));
}

TEST(ProducerStateIsTheFoldOfTheLog, AcceptsThatAnExpiredProducerIsGone) {
  GoodLog log;
  log.state.producers.clear();
  log.state.producers_expired_before = Timestamp(1006);
  EXPECT_TRUE(log.Holds(&ProducerStateIsTheFoldOfTheLog));
}

TEST(ProducerStateIsTheFoldOfTheLog, BeginsAtTheOldestSnapshotThatLeadsToTheEnd) {
  GoodLog log;
  log.files.snapshots[Offset(2)].producers = {{ProducerId(9), ProducerEpoch(3), 4, Offset(1), 0, Timestamp(1)}};
  EXPECT_FALSE(log.Holds(&ProducerStateIsTheFoldOfTheLog));
  log.state.producers.push_back({ProducerId(9), ProducerEpoch(3), Timestamp(1), {{4, Offset(1), 0}}});
  EXPECT_TRUE(log.Holds(&ProducerStateIsTheFoldOfTheLog));
  log.files.snapshots[Offset(2)].problem = "torn";
  EXPECT_FALSE(log.Holds(&ProducerStateIsTheFoldOfTheLog));
}

TEST(RecoveryPointsAreDurable, RejectsOneAboveTheLastSync) {
  GoodLog log;
  log.state.flushed_end = Offset(5);
  EXPECT_FALSE(log.Holds(&RecoveryPointsAreDurable));
  log.state.log_start_offset = Offset(6);  // what is below is deleted
  EXPECT_TRUE(log.Holds(&RecoveryPointsAreDurable));
}

TEST(RecoveryPointsAreDurable, RejectsASyncThatLeftABatchBehind) {
  GoodLog log;
  log.durable.batches.pop_back();
  EXPECT_FALSE(log.Holds(&RecoveryPointsAreDurable));
  log.state.recovery_point = Offset(5);
  log.state.flushed_end = Offset(5);
  EXPECT_TRUE(log.Holds(&RecoveryPointsAreDurable));
}

TEST(LogOffsetsIncrease, RejectsGapsOverlapsAndAnotherEnd) {
  for (int what = 0; what < 5; ++what) {
    GoodLog log;
    if (what == 0) log.files.batches[1] = BatchAt(3, 2);
    if (what == 1) log.files.batches[1] = BatchAt(1, 4);
    if (what == 2) log.files.batches[1].record_count = 2;
    if (what == 3) log.state.log_end_offset = Offset(7);
    if (what == 4) log.files.segments[0].base_offset = Offset(1);
    EXPECT_FALSE(log.Holds(&LogOffsetsIncrease)) << what;
  }
}

TEST(LogOffsetsIncrease, AcceptsWhatIsOutsideOfTheLogAndGapsOfCompaction) {
  GoodLog log;
  log.state.log_start_offset = Offset(2);
  log.files.batches[0] = BatchAt(1, 1);
  EXPECT_TRUE(log.Holds(&LogOffsetsIncrease));
  log.files.batches[1] = BatchAt(3, 2);
  EXPECT_FALSE(log.Holds(&LogOffsetsIncrease));
  log.state.gaps = Gaps::kByCompaction;
  EXPECT_TRUE(log.Holds(&LogOffsetsIncrease));
}

TEST(AppendedBatchesNeverChange, RejectsOtherBytesAndAnotherShape) {
  GoodLog log;
  log.files.batches[1].crc = 99;
  EXPECT_FALSE(log.Holds(&AppendedBatchesNeverChange));
  log.files.batches[1] = BatchAt(3, 2);
  EXPECT_FALSE(log.Holds(&AppendedBatchesNeverChange));
  log.appended.erase(Offset(2));  // nobody was told of it
  EXPECT_TRUE(log.Holds(&AppendedBatchesNeverChange));
}

TEST(SequencesContinue, RejectsGapsAndRepetitions) {
  GoodLog log;
  log.files.batches[1].base_sequence = 3;
  EXPECT_FALSE(log.Holds(&SequencesContinue));
  log.files.batches[1].base_sequence = 1;
  EXPECT_FALSE(log.Holds(&SequencesContinue));
  log.files.batches[1].producer_epoch = ProducerEpoch(1);
  log.files.batches[1].base_sequence = 2;
  EXPECT_FALSE(log.Holds(&SequencesContinue));
}

TEST(SequencesContinue, AcceptsAFirstBatchAnywhereAndTheWrap) {
  GoodLog log;
  log.files.batches[0].base_sequence = INT32_MAX;
  log.files.batches[1].base_sequence = 1;
  log.files.batches[2].base_sequence = 4;
  EXPECT_TRUE(log.Holds(&SequencesContinue));
}

TEST(ProducerEpochsNeverGoBack, RejectsAnOlderOne) {
  GoodLog log;
  log.files.batches[1].producer_epoch = ProducerEpoch(1);
  EXPECT_FALSE(log.Holds(&ProducerEpochsNeverGoBack));
  log.files.batches[2].producer_epoch = ProducerEpoch(1);
  EXPECT_TRUE(log.Holds(&ProducerEpochsNeverGoBack));
}

TEST(HighWatermarksReachTheEnd, RejectsOneThatStaysBehind) {
  GoodLog log;
  log.state.high_watermark = Offset(5);
  EXPECT_TRUE(log.Holds(&HighWatermarksReachTheEnd));
  log.state.moment = ReplicaState::Moment::kAtRest;
  EXPECT_FALSE(log.Holds(&HighWatermarksReachTheEnd));
}

TEST(RetentionMakesProgress, RejectsALogThatStaysTooLarge) {
  GoodLog log;
  log.state.at_ns = 10'000'000'000;
  log.state.retention_check_ns = 1'000'000'000;
  EXPECT_TRUE(log.Holds(&RetentionMakesProgress));
  log.state.too_large_since_ns = 2'000'000'000;
  EXPECT_TRUE(log.Holds(&RetentionMakesProgress));
  log.state.too_large_since_ns = 1'000'000'000;
  EXPECT_FALSE(log.Holds(&RetentionMakesProgress));
}

TEST(RecoveredLogsAreWhole, RejectsATornTailAndAHole) {
  GoodLog good;
  RecoveredLog log{.partition = {"t", PartitionIndex(0)}, .log_end_offset = Offset(6), .files = &good.files};
  EXPECT_TRUE(RecoveredLogsAreWhole(log).holds());
  good.files.segments[0].problem = "17 bytes are no batch";
  EXPECT_FALSE(RecoveredLogsAreWhole(log).holds());
  good.files.segments[0].problem = "";
  log.log_end_offset = Offset(5);
  EXPECT_FALSE(RecoveredLogsAreWhole(log).holds());
  log.log_end_offset = Offset(6);
  good.files.batches[1].crc_check = Crc::kWrong;
  EXPECT_FALSE(RecoveredLogsAreWhole(log).holds());
}

TEST(CleanStartsHaveAMarker, RejectsAClaimWithoutOne) {
  using Shutdown = RecoveredLog::Shutdown;
  RecoveredLog log{.claimed = Shutdown::kClean, .marked = Shutdown::kClean};
  EXPECT_TRUE(CleanStartsHaveAMarker(log).holds());
  log.marked = Shutdown::kUnclean;
  EXPECT_FALSE(CleanStartsHaveAMarker(log).holds());
  log.claimed = Shutdown::kUnclean;
  EXPECT_TRUE(CleanStartsHaveAMarker(log).holds());
}

TEST(MarksAreGoneBeforeLogsAreLoaded, RejectsAMarkThatStayed) {
  RecoveredLog log;
  EXPECT_TRUE(MarksAreGoneBeforeLogsAreLoaded(log).holds());
  log.mark_now = RecoveredLog::Mark::kThere;
  EXPECT_FALSE(MarksAreGoneBeforeLogsAreLoaded(log).holds());
}

// A directory that was shut down cleanly.
DirectoryState GoodDirectory() {
  DirectoryState state;
  state.directory = "data";
  state.clean_marker = DirectoryState::Marker::kThere;
  const TopicPartition name{"t", PartitionIndex(0)};
  state.recovery_points.offsets[name] = Offset(6);
  state.high_watermarks.offsets[name] = Offset(6);
  state.log_starts.offsets[name] = Offset(2);
  state.logs.push_back({.partition = name, .files = ThreeBatches(), .durable = ThreeBatches()});
  state.logs[0].durable.snapshots[Offset(6)] = {};
  return state;
}

TEST(CheckpointsDescribeTheirLogs, RejectsDamageAndOffsetsBehindTheEnd) {
  EXPECT_TRUE(CheckpointsDescribeTheirLogs(GoodDirectory()).holds());
  for (int what = 0; what < 3; ++what) {
    DirectoryState state = GoodDirectory();
    state.moment = DirectoryState::Moment::kServing;
    if (what == 0) state.log_starts.problem = "torn";
    if (what == 1) state.high_watermarks.offsets.begin()->second = Offset(7);
    if (what == 2) state.logs[0].durable.batches.pop_back();  // below the recovery point
    EXPECT_FALSE(CheckpointsDescribeTheirLogs(state).holds()) << what;
  }
}

TEST(CheckpointsDescribeTheirLogs, AcceptsAHighWatermarkOfBeforeALoss) {
  DirectoryState state = GoodDirectory();
  state.moment = DirectoryState::Moment::kServing;
  state.high_watermarks.offsets.begin()->second = Offset(7);
  state.logs[0].past = DirectoryLog::Past::kShortened;
  EXPECT_TRUE(CheckpointsDescribeTheirLogs(state).holds());
}

TEST(CheckpointsDescribeTheirLogs, AcceptsAFolderThatIsBeingDeleted) {
  DirectoryState state = GoodDirectory();
  state.moment = DirectoryState::Moment::kServing;
  state.logs[0].files = {};
  EXPECT_FALSE(CheckpointsDescribeTheirLogs(state).holds());
  state.logs[0].folder = DirectoryLog::Folder::kGone;
  EXPECT_TRUE(CheckpointsDescribeTheirLogs(state).holds());
}

TEST(CleanShutdownsAreComplete, RejectsAMarkBesideAnUnfinishedLog) {
  EXPECT_TRUE(CleanShutdownsAreComplete(GoodDirectory()).holds());
  for (int what = 0; what < 4; ++what) {
    DirectoryState state = GoodDirectory();
    if (what == 0) state.logs[0].files.segments[0].problem = "torn";
    if (what == 1) state.logs[0].durable.batches.pop_back();
    if (what == 2) state.recovery_points.offsets.clear();
    if (what == 3) state.logs[0].durable.snapshots.clear();
    EXPECT_FALSE(CleanShutdownsAreComplete(state).holds()) << what;
    state.clean_marker = DirectoryState::Marker::kNone;
    EXPECT_TRUE(CleanShutdownsAreComplete(state).holds()) << what;
  }
}

TEST(CleanShutdownsAreComplete, RejectsAMarkOfARunningNode) {
  DirectoryState state = GoodDirectory();
  state.moment = DirectoryState::Moment::kServing;
  EXPECT_FALSE(CleanShutdownsAreComplete(state).holds());
  state.clean_marker = DirectoryState::Marker::kNone;
  EXPECT_TRUE(CleanShutdownsAreComplete(state).holds());
  state.durable_clean_marker = DirectoryState::Marker::kThere;
  EXPECT_FALSE(CleanShutdownsAreComplete(state).holds());
}

FetchAnswer GoodFetch() {
  FetchAnswer answer;
  answer.fetch_offset = Offset(3);
  answer.base_offset = Offset(2);
  answer.first_batch_end = Offset(5);
  answer.next_offset = Offset(6);
  answer.high_watermark = Offset(6);
  answer.log_end_offset = Offset(6);
  return answer;
}

TEST(ReadersSeeOnlyWhatIsVisible, RejectsMoreThanThat) {
  EXPECT_TRUE(ReadersSeeOnlyWhatIsVisible(GoodFetch()).holds());
  FetchAnswer answer = GoodFetch();
  answer.high_watermark = Offset(5);
  EXPECT_FALSE(ReadersSeeOnlyWhatIsVisible(answer).holds());
  answer = GoodFetch();
  answer.log_end_offset = Offset(5);
  EXPECT_FALSE(ReadersSeeOnlyWhatIsVisible(answer).holds());
}

TEST(FetchesBeginWhereAsked, RejectsBatchesBeforeAndBehind) {
  EXPECT_TRUE(FetchesBeginWhereAsked(GoodFetch()).holds());
  FetchAnswer answer = GoodFetch();
  answer.fetch_offset = Offset(1);
  EXPECT_FALSE(FetchesBeginWhereAsked(answer).holds());
  answer.gaps = Gaps::kByCompaction;
  EXPECT_TRUE(FetchesBeginWhereAsked(answer).holds());
  answer = GoodFetch();
  answer.fetch_offset = Offset(5);
  EXPECT_FALSE(FetchesBeginWhereAsked(answer).holds());
}

TEST(RetriesAreAnsweredAlike, RejectsAnotherOffset) {
  ProduceAnswer answer{.producer_id = ProducerId(7), .base_offset = Offset(5)};
  EXPECT_TRUE(RetriesAreAnsweredAlike(answer).holds());
  answer.answered_before = Offset(5);
  EXPECT_TRUE(RetriesAreAnsweredAlike(answer).holds());
  answer.answered_before = Offset(2);
  EXPECT_FALSE(RetriesAreAnsweredAlike(answer).holds());
}

TEST(AcknowledgedBatchesAreVisible, RejectsInvisibleAndInventedOnes) {
  const AppendedBatch appended{.next_offset = Offset(6)};
  ProduceAnswer answer{.base_offset = Offset(5), .high_watermark = Offset(6), .appended = &appended};
  EXPECT_TRUE(AcknowledgedBatchesAreVisible(answer).holds());
  answer.high_watermark = Offset(5);
  EXPECT_FALSE(AcknowledgedBatchesAreVisible(answer).holds());
  answer.high_watermark = Offset(6);
  answer.appended = nullptr;
  EXPECT_FALSE(AcknowledgedBatchesAreVisible(answer).holds());
}

TEST(OnlyOldSegmentsAreDeleted, RejectsADeletionWithoutAReason) {
  SegmentDeletion deletion{.base_offset = Offset(0),
                           .next_offset = Offset(5),
                           .largest_timestamp = Timestamp(1000),
                           .deleted_below = Offset(0),
                           .high_watermark = Offset(9),
                           .bytes_left = 99,
                           .latest_wall_ms = 1500,
                           .retention_ms = 501,
                           .retention_bytes = 100};
  EXPECT_FALSE(OnlyOldSegmentsAreDeleted(deletion).holds());
  const auto holds_with = [&](auto change) {
    SegmentDeletion changed = deletion;
    change(changed);
    return OnlyOldSegmentsAreDeleted(changed).holds();
  };
  EXPECT_TRUE(holds_with([](SegmentDeletion& d) { d.retention_ms = 500; }));
  EXPECT_TRUE(holds_with([](SegmentDeletion& d) { d.bytes_left = 100; }));
  EXPECT_TRUE(holds_with([](SegmentDeletion& d) { d.deleted_below = Offset(5); }));
  EXPECT_FALSE(holds_with([](SegmentDeletion& d) {
    d.retention_ms = 500;
    d.high_watermark = Offset(4);
  }));
}

}  // namespace
}  // namespace odradek::properties
