// A canary for each monitor: a state that it must reject, and one that it must accept.
#include "properties/monitors.h"

#include <gtest/gtest.h>

namespace odradek::properties {
namespace {

ReplicaState GoodState() {
  return {.node = "b1",
          .partition = {"t", PartitionIndex(0)},
          .log_start_offset = Offset(2),
          .last_stable_offset = Offset(8),
          .high_watermark = Offset(9),
          .log_end_offset = Offset(10),
          .recovery_point = Offset(5),
          .flushed_end = Offset(5),
          .epochs = {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(2), Offset(6)}},
          .producer_fingerprint = 7};
}
ReplicaFold GoodFold() {
  return {.log_end_offset = Offset(10),
          .epochs = {{LeaderEpoch(0), Offset(2)}, {LeaderEpoch(2), Offset(6)}},
          .producer_fingerprint = 7};
}

TEST(Monitors, AcceptAGoodState) {
  EXPECT_TRUE(MonitorState(GoodState()).empty());
  EXPECT_TRUE(MonitorFold(GoodState(), GoodFold()).empty());
}

TEST(WatermarksAreOrdered, RejectsEachInversion) {
  ReplicaState state = GoodState();
  state.high_watermark = Offset(11);
  EXPECT_FALSE(WatermarksAreOrdered(state).empty());
  state = GoodState();
  state.last_stable_offset = Offset(10);
  EXPECT_FALSE(WatermarksAreOrdered(state).empty());
  state = GoodState();
  state.log_start_offset = Offset(9);
  EXPECT_FALSE(WatermarksAreOrdered(state).empty());
}

TEST(LeaderEpochsIncrease, RejectsARepeatedEpochAndAStartThatGoesBack) {
  ReplicaState state = GoodState();
  state.epochs[1].epoch = LeaderEpoch(0);
  EXPECT_FALSE(LeaderEpochsIncrease(state).empty());
  state = GoodState();
  state.epochs[0].start_offset = Offset(7);
  EXPECT_FALSE(LeaderEpochsIncrease(state).empty());
  state = GoodState();
  state.epochs[1].start_offset = Offset(11);
  EXPECT_FALSE(LeaderEpochsIncrease(state).empty());
}

TEST(LeaderEpochsAreThoseOfTheLog, RejectsABatchOfAnotherEpoch) {
  ReplicaFold fold = GoodFold();
  fold.epochs[1].epoch = LeaderEpoch(1);
  EXPECT_FALSE(LeaderEpochsAreThoseOfTheLog(GoodState(), fold).empty());
  ReplicaState state = GoodState();
  state.epochs.clear();
  EXPECT_FALSE(LeaderEpochsAreThoseOfTheLog(state, GoodFold()).empty());
}

TEST(LeaderEpochsAreThoseOfTheLog, AcceptsAnEpochWithoutBatches) {
  ReplicaState state = GoodState();
  state.epochs.push_back({LeaderEpoch(5), Offset(10)});
  EXPECT_TRUE(LeaderEpochsAreThoseOfTheLog(state, GoodFold()).empty());
}

TEST(ProducerStateIsTheFoldOfTheLog, RejectsAnotherStateAndAnotherEnd) {
  ReplicaFold fold = GoodFold();
  fold.producer_fingerprint = 8;
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(GoodState(), fold).empty());
  fold = GoodFold();
  fold.log_end_offset = Offset(9);
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(GoodState(), fold).empty());
}

TEST(RecoveryPointsAreDurable, RejectsOneAboveTheLastSync) {
  ReplicaState state = GoodState();
  state.recovery_point = Offset(6);
  EXPECT_FALSE(RecoveryPointsAreDurable(state).empty());
  state.log_start_offset = Offset(6);  // what is below is deleted
  EXPECT_TRUE(RecoveryPointsAreDurable(state).empty());
}

}  // namespace
}  // namespace odradek::properties
