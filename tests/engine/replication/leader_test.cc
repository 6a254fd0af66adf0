// Transcripts of a leader: what it is told, and word for word what it does. Each cites what it shows.
#include <gtest/gtest.h>

#include "tests/engine/replication/script.h"

namespace odradek::replication {
namespace {

// KAFKA-7415 (BUG_ZOO RP11): the epoch begins in the cache before anything is appended.
TEST(ReplicationLeader, BeginsItsEpochAtOnce) {
  Script script;
  EXPECT_EQ(script.Is(Script::Led(1, 5, 7, {1, 2, 3})),
            "epoch 5 begins at 5\nleader in epoch 5, led by 1\nisr [1 2 3] in 7\n");
  EXPECT_EQ(script.replica().log().latest_epoch(), LeaderEpoch(5));
  EXPECT_EQ(script.replica().AnswerTo(EpochEndQuestion{LeaderEpoch(5), LeaderEpoch(4)}).end,
            (EpochEndOffset{LeaderEpoch(2), Offset(5)}));
}

// R1: by what all of the ISR has fetched past, and nothing before all of it has fetched in this epoch.
TEST(ReplicationLeader, CommitsWhatTheWholeIsrHas) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  EXPECT_EQ(script.Append(8), "");
  EXPECT_EQ(script.Fetch(2, 8, 5), "fetch 9: [8, 8) high watermark 3 start 0\n");
  EXPECT_EQ(script.Fetch(3, 5), "high watermark 5\nfetch 9: [5, 8) high watermark 5 start 0\n");
  EXPECT_EQ(script.Fetch(3, 7, 5), "high watermark 7\nfetch 9: [7, 8) high watermark 7 start 0\n");
}

TEST(ReplicationLeader, ItsHighWatermarkDoesNotFallWithAnOldFetch) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(8);
  script.Fetch(2, 8, 5);
  EXPECT_EQ(script.Fetch(2, 6, 5), "fetch 9: [6, 8) high watermark 8 start 0\n");
  EXPECT_EQ(script.Append(9), "");
}

TEST(ReplicationLeader, AloneInItsIsrCommitsWhatItAppends) {
  Script script;
  EXPECT_EQ(script.Is(Script::Led(1, 5, 7, {1})),
            "epoch 5 begins at 5\nleader in epoch 5, led by 1\nisr [1] in 7\nhigh watermark 5\n");
  EXPECT_EQ(script.Append(6), "high watermark 6\n");
}

// flush.messages = 1: nothing is visible that a crash could take away.
TEST(ReplicationLeader, CountsItselfWhereItIsFlushedIfItIsToldTo) {
  Options options;
  options.own_end = OwnEnd::kFlushed;
  Script script(options);
  script.Is(Script::Led(1, 5, 7, {1}));
  EXPECT_EQ(script.Append(6), "");
  EXPECT_EQ(script.Do(Flushed{Offset(6)}), "high watermark 6\n");
}

// KIP-966 (KAFKA-15583, RP07): below min.insync.replicas nothing is committed, also not by acks=1.
TEST(ReplicationLeader, CommitsNothingBelowMinIsr) {
  Script script(Script::MinIsr(2));
  script.Is(Script::Led(1, 5, 7, {1}));
  EXPECT_EQ(script.Append(6), "");
  EXPECT_EQ(script.replica().high_watermark(), Offset(3));
}

// KIP-966: nor by a member that is only proposed.
TEST(ReplicationLeader, AProposedMemberDoesNotMakeTheIsrLargeEnough) {
  Script script(Script::MinIsr(2));
  script.Is(Script::Led(1, 5, 7, {1}));
  EXPECT_EQ(script.Fetch(2, 5), "alter 1 epoch 5 on 7 to 1@11 2@12\nfetch 9: [5, 5) high watermark 3 start 0\n");
  EXPECT_EQ(script.Accept(1, 8, {1, 2}), "isr [1 2] in 8\nhigh watermark 5\n");
}

// SEMANTICS 9: as many as there are is enough.
TEST(ReplicationLeader, MinIsrIsAtMostTheNumberOfReplicas) {
  Script script(Script::MinIsr(3));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  EXPECT_EQ(script.replica().effective_min_isr(), 2U);
  EXPECT_EQ(script.replica().MayAppend(Acks::kAll).error, ErrorCode::kNone);
}

TEST(ReplicationLeader, AdmitsByTheCommittedIsr) {
  Script script(Script::MinIsr(2));
  script.Is(Script::Led(1, 5, 7, {1}));
  EXPECT_EQ(script.replica().MayAppend(Acks::kAll).error, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(script.replica().MayAppend(Acks::kLeader).error, ErrorCode::kNone);
  script.Fetch(2, 5);
  EXPECT_EQ(script.replica().MayAppend(Acks::kAll).error, ErrorCode::kNotEnoughReplicas);
  script.Accept(1, 8, {1, 2});
  const Admission admission = script.replica().MayAppend(Acks::kAll);
  EXPECT_EQ(admission.error, ErrorCode::kNone);
  EXPECT_EQ(admission.leader_epoch, LeaderEpoch(5));
}

TEST(ReplicationLeader, AcknowledgesWhenTheHighWatermarkPasses) {
  Script script(Script::MinIsr(2));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(6);
  script.Append(7);
  EXPECT_EQ(script.Await(1, 6), "");
  EXPECT_EQ(script.Await(2, 7), "");
  EXPECT_EQ(script.Fetch(2, 6, 5), "high watermark 6\ncommit 1: NONE\nfetch 9: [6, 7) high watermark 6 start 0\n");
  EXPECT_EQ(script.Fetch(2, 7, 5), "high watermark 7\ncommit 2: NONE\nfetch 9: [7, 7) high watermark 7 start 0\n");
}

// SEMANTICS 8: the record stays, and is committed.
TEST(ReplicationLeader, SaysNotEnoughReplicasAfterAppendBelowMinIsr) {
  Script script(Script::MinIsr(2));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(6);
  script.Fetch(2, 6, 5);
  script.Is(Script::Led(1, 5, 8, {1}, {1, 2}));
  EXPECT_EQ(script.Await(1, 6), "commit 1: NOT_ENOUGH_REPLICAS_AFTER_APPEND\n");
}

TEST(ReplicationLeader, TellsWhoWaitsThatTimeIsUp) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.brokers()[NodeId(2)].fenced = true;
  script.Append(6);
  script.Do(AwaitCommit{Token(1), LeaderEpoch(5), Offset(6), script.now() + Duration::Millis(10)});
  EXPECT_EQ(script.replica().next_deadline(), script.now() + Duration::Millis(10));
  EXPECT_EQ(script.At(1010).Tick(), "commit 1: REQUEST_TIMED_OUT\n");
}

TEST(ReplicationLeader, TellsWhoWaitsThatItLeadsNoMore) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  script.Append(6);
  script.Await(1, 6);
  script.Do(DeleteRecords{Token(2), Offset(3), script.now() + Duration::Seconds(1)});
  EXPECT_EQ(script.Is(Script::Led(2, 6, 8, {2, 3})),
            "commit 1: NOT_LEADER_OR_FOLLOWER\ndelete 2: NOT_LEADER_OR_FOLLOWER -1\n"
            "none in epoch 6, led by -1\nfollower in epoch 6, led by 2\n");
  EXPECT_EQ(script.Do(AwaitCommit{Token(3), LeaderEpoch(5), Offset(6), script.now()}),
            "commit 3: NOT_LEADER_OR_FOLLOWER\n");
}

// Elected again: what waits is still in the log, but what the followers have is not known any more (RP20).
TEST(ReplicationLeader, ForgetsTheFollowersInANewEpoch) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(6);
  script.Await(1, 6);
  script.Fetch(2, 5);
  EXPECT_EQ(script.Is(Script::Led(1, 7, 9, {1, 2}, {1, 2})),
            "epoch 7 begins at 6\nleader in epoch 7, led by 1\nisr [1 2] in 9\n");
  EXPECT_FALSE(std::get<Leader>(script.replica().state()).followers.Find(NodeId(2))->end.has_value());
  EXPECT_EQ(script.Fetch(2, 6, 5), "high watermark 6\ncommit 1: NONE\nfetch 9: [6, 6) high watermark 6 start 0\n");
}

// --- fetches that are refused (SEMANTICS 23, 24) ---

TEST(ReplicationLeader, ChecksTheEpochBeforeTheReplica) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  FollowerFetch fetch = script.FetchOf(4, 14, 5, 2);
  EXPECT_EQ(ToText(script.replica().AnswerTo(fetch, script.around())), "UNKNOWN_LEADER_EPOCH");
  fetch.position.current_leader_epoch = LeaderEpoch(4);
  EXPECT_EQ(ToText(script.replica().AnswerTo(fetch, script.around())), "FENCED_LEADER_EPOCH, leader 1 in 5");
  fetch.position.current_leader_epoch = LeaderEpoch(6);
  EXPECT_EQ(ToText(script.replica().AnswerTo(fetch, script.around())), "UNKNOWN_LEADER_EPOCH");
  fetch.position.current_leader_epoch = kNoLeaderEpoch;
  EXPECT_EQ(ToText(script.replica().AnswerTo(fetch, script.around())), "NOT_LEADER_OR_FOLLOWER, leader 1 in 5");
}

// KIP-951: whoever asks the wrong one learns who it is.
TEST(ReplicationLeader, AFollowerNamesTheLeader) {
  Script script;
  script.Is(Script::Led(2, 5, 7, {1, 2, 3}));
  EXPECT_EQ(ToText(script.replica().AnswerTo(script.FetchOf(3, 13, 5, 2), script.around())),
            "NOT_LEADER_OR_FOLLOWER, leader 2 in 5");
  EXPECT_EQ(script.replica().MayAppend(Acks::kLeader).hint, (LeaderHint{NodeId(2), LeaderEpoch(5)}));
}

TEST(ReplicationLeader, TellsAFollowerWhereTheirLogsPart) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  EXPECT_EQ(script.Fetch(2, 7, 4), "fetch 9: diverging, epoch 2 ends at 5\n");
  EXPECT_EQ(script.Fetch(2, 4, 1), "fetch 9: diverging, epoch 1 ends at 3\n");
  // It counts for nothing.
  EXPECT_FALSE(std::get<Leader>(script.replica().state()).followers.Find(NodeId(2))->end.has_value());
}

TEST(ReplicationLeader, RefusesWhatIsOutsideItsLog) {
  Script script({}, Script::Log(2, 5, 5, {{1, 2}, {2, 3}}));
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  EXPECT_EQ(script.Fetch(2, 1, 1), "fetch 9: OFFSET_OUT_OF_RANGE\n");
  EXPECT_EQ(script.Fetch(2, 6, -1), "fetch 9: OFFSET_OUT_OF_RANGE\n");
  EXPECT_EQ(script.Fetch(2, 5, 6), "fetch 9: OFFSET_OUT_OF_RANGE\n");
  // KAFKA-12996 (RP48): also if it diverges as well.
  EXPECT_EQ(script.Fetch(2, 1, 4), "fetch 9: OFFSET_OUT_OF_RANGE\n");
}

// KIP-903 (KAFKA-15221): a fetch of an incarnation that is gone counts for nothing.
TEST(ReplicationLeader, RefusesAnIncarnationThatIsReplaced) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  EXPECT_EQ(script.Do(script.FetchOf(2, 9, 5, 2)), "fetch 9: NOT_LEADER_OR_FOLLOWER, leader 1 in 5\n");
  // The replica itself has told of a later one than the metadata here knows.
  script.Do(script.FetchOf(2, 20, 4, 2));
  EXPECT_EQ(script.Do(script.FetchOf(2, 12, 5, 2)), "fetch 9: NOT_LEADER_OR_FOLLOWER, leader 1 in 5\n");
  EXPECT_EQ(script.replica().high_watermark(), Offset(4));
}

TEST(ReplicationLeader, WhatAReplacedIncarnationHadDoesNotCount) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(6);
  script.Fetch(2, 6, 5);
  script.brokers()[NodeId(2)].epoch = BrokerEpoch(22);
  EXPECT_EQ(script.Append(7), "");
  EXPECT_EQ(std::get<Leader>(script.replica().state()).followers.EndOf(NodeId(2), script.brokers()), std::nullopt);
}

// KIP-73: only who is not in sync is throttled.
TEST(ReplicationLeader, ThrottlesWhoIsNotInSync) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}));
  FollowerFetch fetch = script.FetchOf(3, 13, 3, 1);
  fetch.throttle = Throttle::kYes;
  EXPECT_EQ(script.Do(fetch), "fetch 9: [3, 3) high watermark 3 start 0\n");
  fetch = script.FetchOf(2, 12, 3, 1);
  fetch.throttle = Throttle::kYes;
  EXPECT_EQ(script.Do(fetch), "fetch 9: [3, 5) high watermark 3 start 0\n");
}

// --- deletion (SEMANTICS 39) ---

TEST(ReplicationLeader, DeletesRecordsOnAllLiveReplicas) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  script.brokers()[NodeId(3)].fenced = true;
  EXPECT_EQ(script.Do(DeleteRecords{Token(1), Offset(-1), script.now() + Duration::Seconds(1)}), "log start 3\n");
  FollowerFetch fetch = script.FetchOf(2, 12, 5, 2);
  fetch.position.log_start = Offset(2);
  EXPECT_EQ(script.Do(fetch), "fetch 9: [5, 5) high watermark 3 start 3\n");
  fetch.position.log_start = Offset(3);
  EXPECT_EQ(script.Do(fetch), "delete 1: NONE 3\nfetch 9: [5, 5) high watermark 3 start 3\n");
}

TEST(ReplicationLeader, DeletesNothingAboveTheHighWatermark) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  EXPECT_EQ(script.Do(DeleteRecords{Token(1), Offset(4), script.now()}), "delete 1: OFFSET_OUT_OF_RANGE -1\n");
  EXPECT_EQ(script.Do(DeleteRecords{Token(1), Offset(-2), script.now()}), "delete 1: OFFSET_OUT_OF_RANGE -1\n");
  EXPECT_EQ(script.Do(DeleteRecords{Token(1), Offset(3), script.now()}),
            "log start 3\ndelete 1: REQUEST_TIMED_OUT -1\n");
}

TEST(ReplicationLeader, KnowsWhenItMayTellTheLatestOffset) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  EXPECT_EQ(script.replica().MayTellLatest(script.replica().high_watermark()), ErrorCode::kOffsetNotAvailable);
  script.Fetch(2, 5);
  EXPECT_EQ(script.replica().MayTellLatest(script.replica().high_watermark()), ErrorCode::kNone);
}

TEST(ReplicationLeader, ComesBackAfterItHasResignedOnlyInALaterEpoch) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  script.Append(6);
  script.Await(1, 6);
  EXPECT_EQ(script.Do(Resign{}), "commit 1: NOT_LEADER_OR_FOLLOWER\nnone in epoch 5, led by -1\n");
  EXPECT_EQ(script.Is(Script::Led(1, 5, 8, {1, 2})), "");
  EXPECT_EQ(script.replica().role(), Role::kNone);
  EXPECT_EQ(script.Is(Script::Led(2, 6, 9, {2})), "follower in epoch 6, led by 2\n");
}

TEST(ReplicationLeader, ItsDiskGoneItIsGoneForGood) {
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2, 3}));
  script.Do(Resign{ErrorCode::kKafkaStorageError});
  EXPECT_EQ(script.Is(Script::Led(1, 6, 8, {1, 2, 3})), "");
  EXPECT_EQ(script.replica().MayAppend(Acks::kLeader).error, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(ToText(script.replica().AnswerTo(script.FetchOf(2, 12, 5, 2), script.around())), "KAFKA_STORAGE_ERROR");
}

TEST(ReplicationLeader, DoesNotLeadAnEpochThatItsLogHasAlready) {
  Script script;
  EXPECT_EQ(script.Is(Script::Led(1, 2, 7, {1, 2, 3})), "trouble: contradictory metadata\n");
  EXPECT_EQ(script.replica().role(), Role::kNone);
}

}  // namespace
}  // namespace odradek::replication
