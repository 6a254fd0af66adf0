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

ReplicaState Folded(ReplicaState state, const ReplicaFold& fold) {
  state.fold = &fold;
  return state;
}

TEST(Monitors, AcceptAGoodState) {
  EXPECT_TRUE(MonitorAll(GoodState()).violations.empty());
  const ReplicaFold fold = GoodFold();
  EXPECT_TRUE(MonitorAll(Folded(GoodState(), fold)).violations.empty());
}

TEST(WatermarksAreOrdered, RejectsEachInversion) {
  ReplicaState state = GoodState();
  state.high_watermark = Offset(11);
  EXPECT_FALSE(WatermarksAreOrdered(state).holds());
  state = GoodState();
  state.last_stable_offset = Offset(10);
  EXPECT_FALSE(WatermarksAreOrdered(state).holds());
  state = GoodState();
  state.log_start_offset = Offset(9);
  EXPECT_FALSE(WatermarksAreOrdered(state).holds());
}

TEST(LeaderEpochsIncrease, RejectsARepeatedEpochAndAStartThatGoesBack) {
  ReplicaState state = GoodState();
  state.epochs[1].epoch = LeaderEpoch(0);
  EXPECT_FALSE(LeaderEpochsIncrease(state).holds());
  state = GoodState();
  state.epochs[0].start_offset = Offset(7);
  EXPECT_FALSE(LeaderEpochsIncrease(state).holds());
  state = GoodState();
  state.epochs[1].start_offset = Offset(11);
  EXPECT_FALSE(LeaderEpochsIncrease(state).holds());
}

TEST(LeaderEpochsAreThoseOfTheLog, RejectsABatchOfAnotherEpoch) {
  ReplicaFold fold = GoodFold();
  fold.epochs[1].epoch = LeaderEpoch(1);
  EXPECT_FALSE(LeaderEpochsAreThoseOfTheLog(Folded(GoodState(), fold)).holds());
  ReplicaState state = GoodState();
  state.epochs.clear();
  EXPECT_FALSE(LeaderEpochsAreThoseOfTheLog(Folded(state, GoodFold())).holds());
}

TEST(LeaderEpochsAreThoseOfTheLog, AcceptsAnEpochWithoutBatches) {
  ReplicaState state = GoodState();
  state.epochs.push_back({LeaderEpoch(5), Offset(10)});
  EXPECT_TRUE(LeaderEpochsAreThoseOfTheLog(Folded(state, GoodFold())).holds());
}

TEST(ProducerStateIsTheFoldOfTheLog, RejectsAnotherStateAndAnotherEnd) {
  ReplicaFold fold = GoodFold();
  fold.producer_fingerprint = 8;
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(Folded(GoodState(), fold)).holds());
  fold = GoodFold();
  fold.log_end_offset = Offset(9);
  EXPECT_FALSE(ProducerStateIsTheFoldOfTheLog(Folded(GoodState(), fold)).holds());
}

TEST(RecoveryPointsAreDurable, RejectsOneAboveTheLastSync) {
  ReplicaState state = GoodState();
  state.recovery_point = Offset(6);
  EXPECT_FALSE(RecoveryPointsAreDurable(state).holds());
  state.log_start_offset = Offset(6);  // what is below is deleted
  EXPECT_TRUE(RecoveryPointsAreDurable(state).holds());
}

}  // namespace
}  // namespace odradek::properties
