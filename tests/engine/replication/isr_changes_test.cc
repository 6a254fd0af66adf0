// Transcripts of how a leader changes its ISR: who joins, who leaves, and what it makes of the controller's answers.
#include <gtest/gtest.h>

#include "tests/engine/replication/script.h"

namespace odradek::replication {
namespace {

// Led by us with followers 2 and 3, of which 3 is not in sync; all is committed up to 6.
Script WithOneOutside() {
  Script script(Script::MinIsr(1));
  script.Is(Script::Led(1, 5, 7, {1, 2}));
  script.Append(6);
  script.Fetch(2, 6, 5);
  return script;
}

// --- who may join: KIP-966's checks c, d, e; KIP-841 ---

TEST(ReplicationIsr, NobodyJoinsBelowTheEpochStart) {
  // The high watermark is lower than what an earlier leader may have committed.
  Script script;
  script.Is(Script::Led(1, 5, 7, {1, 2}));
  EXPECT_EQ(script.Fetch(3, 4), "fetch 9: [4, 5) high watermark 3 start 0\n");
  EXPECT_EQ(script.Fetch(3, 5), "alter 1 epoch 5 on 7 to 1@11 2@-1 3@13\nfetch 9: [5, 5) high watermark 3 start 0\n");
}

TEST(ReplicationIsr, NobodyJoinsBelowTheHighWatermark) {
  Script script = WithOneOutside();
  EXPECT_EQ(script.Fetch(3, 5), "fetch 9: [5, 6) high watermark 6 start 0\n");
  EXPECT_EQ(script.Fetch(3, 6, 5),
            "alter 1 epoch 5 on 7 to 1@11 2@12 3@13\nfetch 9: [6, 6) high watermark 6 start 0\n");
}

// What is below the leader's log start was never compared.
TEST(ReplicationIsr, NobodyJoinsWhoseLogStartsEarlier) {
  Script script = WithOneOutside();
  script.Do(DeleteRecords{Token(1), Offset(4), script.now() + Duration::Seconds(1)});
  EXPECT_EQ(script.Fetch(3, 6, 5), "fetch 9: [6, 6) high watermark 6 start 4\n");
  FollowerFetch fetch = script.FetchOf(3, 13, 6, 5);
  fetch.position.log_start = Offset(4);
  EXPECT_EQ(script.Do(fetch), "alter 1 epoch 5 on 7 to 1@11 2@12 3@13\nfetch 9: [6, 6) high watermark 6 start 4\n");
}

TEST(ReplicationIsr, NobodyJoinsWhoIsFencedOrShutsDown) {
  Script script = WithOneOutside();
  script.brokers()[NodeId(3)].fenced = true;
  EXPECT_EQ(script.Fetch(3, 6, 5), "fetch 9: [6, 6) high watermark 6 start 0\n");
  script.brokers()[NodeId(3)].fenced = false;
  script.brokers()[NodeId(3)].in_controlled_shutdown = true;
  EXPECT_EQ(script.Fetch(3, 6, 5), "fetch 9: [6, 6) high watermark 6 start 0\n");
  script.brokers()[NodeId(3)].in_controlled_shutdown = false;
  EXPECT_EQ(script.Fetch(3, 6, 5),
            "alter 1 epoch 5 on 7 to 1@11 2@12 3@13\nfetch 9: [6, 6) high watermark 6 start 0\n");
}

// The metadata here has not heard of the incarnation that fetches.
TEST(ReplicationIsr, NobodyJoinsWhoseIncarnationIsNotKnown) {
  Script script = WithOneOutside();
  EXPECT_EQ(script.Do(script.FetchOf(3, 23, 6, 5)), "fetch 9: [6, 6) high watermark 6 start 0\n");
  script.brokers()[NodeId(3)].epoch = BrokerEpoch(23);
  EXPECT_EQ(script.Do(script.FetchOf(3, 23, 6, 5)),
            "alter 1 epoch 5 on 7 to 1@11 2@12 3@23\nfetch 9: [6, 6) high watermark 6 start 0\n");
}

// --- the maximal ISR ---

// KIP-497: an addition counts from its proposal on.
TEST(ReplicationIsr, AProposedMemberHoldsTheHighWatermark) {
  Script script = WithOneOutside();
  script.Fetch(3, 6, 5);
  script.Append(7);
  EXPECT_EQ(script.At(5000).Fetch(2, 7, 5), "fetch 9: [7, 7) high watermark 6 start 0\n");
  EXPECT_EQ(script.Fetch(3, 7, 5), "high watermark 7\nfetch 9: [7, 7) high watermark 7 start 0\n");
}

// RP04: a removal counts when it is committed. RP23: and then the high watermark moves by itself.
TEST(ReplicationIsr, AProposedRemovalDoesNotCountYet) {
  Script script(Script::MinIsr(1));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Append(6);
  script.Await(1, 6);
  EXPECT_EQ(script.replica().next_deadline(), script.now() + Duration::Millis(100) + Duration::Nanos(1));
  EXPECT_EQ(script.At(1100).Tick(), "");
  EXPECT_EQ(script.At(1101).Tick(), "alter 1 epoch 5 on 7 to 1@11\n");
  EXPECT_EQ(script.Append(7), "");
  EXPECT_EQ(script.Accept(1, 8, {1}), "isr [1] in 8\nhigh watermark 7\ncommit 1: NONE\n");
}

// SEMANTICS 29: whoever has all that there is stays, however long it has not fetched.
TEST(ReplicationIsr, WhoHasEverythingIsNotRemoved) {
  Script script(Script::MinIsr(1));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  script.Fetch(2, 5);
  EXPECT_EQ(script.At(9000).Tick(), "");
  EXPECT_EQ(script.replica().next_deadline(), MonoTime::Never());
  EXPECT_EQ(script.Append(6), "alter 1 epoch 5 on 7 to 1@11\n");
}

// KIP-16: it now has what we had when it last fetched, so it was not behind then.
TEST(ReplicationIsr, AFollowerMayAlwaysBeALittleBehind) {
  Script script(Script::MinIsr(1));
  script.Is(Script::Led(1, 5, 7, {1, 2}, {1, 2}));
  for (int64_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(script.At(1000 + i * 40).Append(5 + i), "");
    EXPECT_EQ(script.Fetch(2, 4 + i, i == 1 ? 2 : 5).find("alter"), std::string::npos);
  }
}

// RP22 (KAFKA-15021): who is about to join holds the high watermark back, unless it cannot join.
TEST(ReplicationIsr, WaitsForWhoIsAboutToJoin) {
  Script script = WithOneOutside();
  script.Fetch(3, 6, 5);
  script.Answer(1, ErrorCode::kIneligibleReplica);
  script.Append(7);
  EXPECT_EQ(script.Fetch(2, 7, 5), "fetch 9: [7, 7) high watermark 6 start 0\n");
  script.brokers()[NodeId(3)].fenced = true;
  EXPECT_EQ(script.Do(BrokersChanged{}), "high watermark 7\n");
}

// --- the controller's answers ---

TEST(ReplicationIsr, OneChangeAtATime) {
  Script script(Script::MinIsr(1));
  script.Is(Script::Led(1, 5, 7, {1}));
  EXPECT_NE(script.Fetch(2, 5).find("alter 1"), std::string::npos);
  EXPECT_EQ(script.Fetch(3, 5).find("alter"), std::string::npos);
  script.Accept(1, 8, {1, 2});
  EXPECT_NE(script.Fetch(3, 5).find("alter 2 epoch 5 on 8 to 1@11 2@12 3@13"), std::string::npos);
}

// Only these two prove that nothing was applied.
TEST(ReplicationIsr, RevertsWhatIsProvenNotToBeApplied) {
  for (const ErrorCode error : {ErrorCode::kIneligibleReplica, ErrorCode::kOperationNotAttempted}) {
    Script script = WithOneOutside();
    script.Fetch(3, 6, 5);
    EXPECT_EQ(script.Answer(1, error), "");
    EXPECT_FALSE(std::get<Leader>(script.replica().state()).isr.is_changing());
    // Not again at once, but with a later fetch.
    EXPECT_EQ(script.Fetch(3, 6, 5).find("alter"), std::string::npos);
    EXPECT_NE(script.At(1050).Fetch(3, 6, 5).find("alter 2"), std::string::npos);
  }
}

// RP05: after an answer that does not say what became of it the addition goes on counting, and it is sent again.
TEST(ReplicationIsr, RetriesWhatMayHaveBeenApplied) {
  for (const ErrorCode error : {ErrorCode::kRequestTimedOut, ErrorCode::kNetworkException, ErrorCode::kNotController,
                                ErrorCode::kUnknownServerError, ErrorCode::kStaleBrokerEpoch}) {
    Script script = WithOneOutside();
    script.Fetch(3, 6, 5);
    EXPECT_EQ(script.Answer(1, error), "");
    script.Append(7);
    EXPECT_EQ(script.Fetch(2, 7, 5), "fetch 9: [7, 7) high watermark 6 start 0\n");
    EXPECT_EQ(script.replica().next_deadline(), script.now() + Duration::Millis(50));
    EXPECT_EQ(script.At(1050).Tick(), "alter 2 epoch 5 on 7 to 1@11 2@12 3@13\n");
    // The first attempt's answer comes late and is not the last one's.
    EXPECT_EQ(script.Answer(1, ErrorCode::kIneligibleReplica), "");
    EXPECT_TRUE(std::get<Leader>(script.replica().state()).isr.MaximalHas(NodeId(3)));
    EXPECT_EQ(script.Accept(2, 8, {1, 2, 3}), "isr [1 2 3] in 8\n");
  }
}

// The controller knows more: the addition counts until the metadata says what it is.
TEST(ReplicationIsr, WaitsForTheMetadataIfTheControllerKnowsMore) {
  for (const ErrorCode error :
       {ErrorCode::kFencedLeaderEpoch, ErrorCode::kInvalidUpdateVersion, ErrorCode::kInvalidRequest,
        ErrorCode::kUnknownTopicOrPartition, ErrorCode::kUnknownTopicId, ErrorCode::kNewLeaderElected}) {
    Script script = WithOneOutside();
    script.Fetch(3, 6, 5);
    EXPECT_EQ(script.Answer(1, error), "");
    script.Append(7);
    EXPECT_EQ(script.At(9000).Fetch(2, 7, 5), "fetch 9: [7, 7) high watermark 6 start 0\n");
    EXPECT_EQ(script.Is(Script::Led(1, 5, 8, {1, 2})), "isr [1 2] in 8\nhigh watermark 7\n");
  }
}

// RP06 (KAFKA-12686): an answer to a change that is over changes nothing.
TEST(ReplicationIsr, IgnoresAnswersToAnEarlierChange) {
  Script script = WithOneOutside();
  script.Fetch(3, 6, 5);
  script.Is(Script::Led(1, 5, 8, {1, 2}));
  script.Fetch(3, 6, 5);
  EXPECT_EQ(script.Answer(1, ErrorCode::kIneligibleReplica), "");
  EXPECT_EQ(script.Accept(1, 7, {1}), "");
  EXPECT_TRUE(std::get<Leader>(script.replica().state()).isr.MaximalHas(NodeId(3)));
}

// The metadata that told of our partition epoch, again: it says nothing of the change that we have proposed on it.
TEST(ReplicationIsr, TheSameMetadataAgainDoesNotEndAChange) {
  Script script = WithOneOutside();
  script.Fetch(3, 6, 5);
  EXPECT_EQ(script.Is(Script::Led(1, 5, 7, {1, 2})), "");
  EXPECT_EQ(script.Is(Script::Led(1, 5, 6, {1})), "");
  EXPECT_TRUE(std::get<Leader>(script.replica().state()).isr.MaximalHas(NodeId(3)));
}

// An answer of a leader epoch that is not ours: the metadata will tell.
TEST(ReplicationIsr, WaitsForTheMetadataIfTheAnswerIsOfAnotherLeader) {
  Script script = WithOneOutside();
  script.Fetch(3, 6, 5);
  const CommittedIsr committed{NodeId(2), LeaderEpoch(6), PartitionEpoch(8), Script::Ids({2, 3})};
  EXPECT_EQ(script.Do(AlterPartitionAnswered{AttemptId(1), ErrorCode::kNone, committed}), "");
  EXPECT_TRUE(std::get<Leader>(script.replica().state()).isr.MaximalHas(NodeId(3)));
  EXPECT_EQ(script.replica().partition_epoch(), PartitionEpoch(7));
}

// R14: what cannot be is reported and ignored.
TEST(ReplicationIsr, ReportsMetadataThatContradictsItself) {
  Script script = WithOneOutside();
  EXPECT_EQ(script.Is(Script::Led(2, 5, 8, {2})), "trouble: contradictory metadata\n");
  EXPECT_EQ(script.Is(Script::Led(2, 6, 7, {2})), "trouble: contradictory metadata\n");
  EXPECT_EQ(script.replica().role(), Role::kLeader);
}

// An answer was faster than the metadata, and did not say that the reassignment is over.
TEST(ReplicationIsr, TheSameMetadataAgainTellsOfTheReplicas) {
  Script script = WithOneOutside();
  Registration growing = Script::Led(1, 5, 8, {1, 2}, {1, 2, 3});
  growing.adding_replicas = Script::Ids({3});
  script.Is(growing);
  script.Fetch(3, 6, 5);
  script.Accept(1, 9, {1, 2, 3});
  EXPECT_EQ(std::get<Leader>(script.replica().state()).adding_replicas, Script::Ids({3}));
  script.Is(Script::Led(1, 5, 9, {1, 2, 3}));
  EXPECT_TRUE(std::get<Leader>(script.replica().state()).adding_replicas.empty());
}

// KIP-704: after an unclean election the leader says that it has recovered.
TEST(ReplicationIsr, ReportsThatItHasRecovered) {
  Script script;
  Registration unclean = Script::Led(1, 5, 7, {1});
  unclean.recovery = LeaderRecoveryState::kRecovering;
  EXPECT_EQ(script.Is(unclean),
            "epoch 5 begins at 5\nleader in epoch 5, led by 1\nisr [1] in 7\nhigh watermark 5\n"
            "alter 1 epoch 5 on 7 to 1@11\n");
  EXPECT_EQ(script.Accept(1, 8, {1}), "isr [1] in 8\n");
  EXPECT_EQ(script.Append(6), "high watermark 6\n");
}

// A reassignment: an added replica is fetched for, joins, and the removed one is forgotten.
TEST(ReplicationIsr, FollowsAReassignment) {
  Script script = WithOneOutside();
  EXPECT_EQ(script.Fetch(4, 5), "fetch 9: UNKNOWN_LEADER_EPOCH\n");
  Registration growing = Script::Led(1, 5, 8, {1, 2}, {1, 2, 3, 4});
  growing.adding_replicas = Script::Ids({4});
  growing.removing_replicas = Script::Ids({3});
  EXPECT_EQ(script.Is(growing), "isr [1 2] in 8\n");
  EXPECT_EQ(script.Fetch(4, 6, 5),
            "alter 1 epoch 5 on 8 to 1@11 2@12 4@14\nfetch 9: [6, 6) high watermark 6 start 0\n");
  EXPECT_EQ(script.Accept(1, 9, {1, 2, 4}), "isr [1 2 4] in 9\n");
  script.Is(Script::Led(1, 6, 10, {1, 2, 4}, {1, 2, 4}));
  EXPECT_FALSE(std::get<Leader>(script.replica().state()).followers.Has(NodeId(3)));
}

// --- reading from followers (KIP-392) ---

class PreferredReadReplica : public testing::Test {
 protected:
  PreferredReadReplica() {
    script_.brokers()[NodeId(1)].rack = "a";
    script_.brokers()[NodeId(2)].rack = "b";
    script_.brokers()[NodeId(3)].rack = "b";
    script_.Is(Script::Led(1, 5, 7, {1, 2, 3}));
    script_.Append(7);
    script_.Fetch(2, 6, 5);
    script_.Fetch(3, 7, 5);
  }
  NodeId Of(std::string_view rack, int64_t offset) const {
    ConsumerFetch fetch;
    fetch.position.fetch_offset = Offset(offset);
    fetch.rack = rack;
    return script_.replica().AnswerTo(fetch, script_.around()).preferred_read_replica;
  }
  Script script_;
};

TEST_F(PreferredReadReplica, IsTheOneInTheRackThatHasMost) {
  EXPECT_EQ(Of("b", 3), NodeId(3));
  EXPECT_EQ(Of("b", 7), NodeId(3));
}

TEST_F(PreferredReadReplica, IsTheLeaderInItsRackAndWhereThereIsNobody) {
  EXPECT_EQ(Of("a", 3), kNoNode);
  EXPECT_EQ(Of("c", 3), kNoNode);
  EXPECT_EQ(Of("", 3), kNoNode);
}

// RP43 (KAFKA-14372, KAFKA-15390).
TEST_F(PreferredReadReplica, IsInTheIsrAndAlive) {
  script_.Is(Script::Led(1, 5, 8, {1, 2}));
  EXPECT_EQ(Of("b", 3), NodeId(2));
  script_.brokers()[NodeId(2)].fenced = true;
  EXPECT_EQ(Of("b", 3), kNoNode);
}

TEST_F(PreferredReadReplica, HasTheOffset) {
  FollowerFetch fetch = script_.FetchOf(3, 13, 7, 5);
  fetch.position.log_start = Offset(4);
  script_.Do(fetch);
  EXPECT_EQ(Of("b", 3), NodeId(2));
  EXPECT_EQ(Of("b", 5), NodeId(3));
}

}  // namespace
}  // namespace odradek::replication
