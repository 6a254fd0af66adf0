#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/metadata/controller.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A topic "t" of brokers 1, 2, 3, led by 1, and the request of its leader. Broker 4 has no replica.
class AlterPartition : public ::testing::Test {
 protected:
  AlterPartition() { cluster_.Assigned("t", {1, 2, 3}); }

  protocol::AlterPartitionRequest Request(std::initializer_list<int32_t> isr) const {
    const PartitionState& partition = cluster_.Partition("t");
    protocol::AlterPartitionRequest request;
    request.broker_id = 1;
    request.broker_epoch = cluster_.EpochOf(NodeId(1)).value();
    auto& topic = request.topics.emplace_back();
    topic.topic_id = cluster_.image().FindTopic("t")->id;
    auto& p = topic.partitions.emplace_back();
    p.leader_epoch = partition.leader_epoch.value();
    p.partition_epoch = partition.partition_epoch.value();
    for (const int32_t id : isr) {
      const BrokerState* const broker = cluster_.image().FindBroker(NodeId(id));
      p.new_isr_with_epochs.push_back({id, broker == nullptr ? -1 : broker->epoch.value()});
    }
    return request;
  }
  static auto& PartitionOf(protocol::AlterPartitionRequest& request) { return request.topics[0].partitions[0]; }
  Outcome<protocol::AlterPartitionResponse> Decide(const protocol::AlterPartitionRequest& request) const {
    return cluster_.controller().AlterPartition(request, 3);
  }
  // Of a request that must lead to nothing.
  ErrorCode Refusal(const protocol::AlterPartitionRequest& request) const {
    const auto outcome = Decide(request);
    EXPECT_THAT(outcome.records, IsEmpty());
    return static_cast<ErrorCode>(outcome.response.topics.at(0).partitions.at(0).error_code);
  }
  auto Alter(const protocol::AlterPartitionRequest& request) {
    return cluster_.Do(Decide(request)).topics.at(0).partitions.at(0);
  }

  Cluster cluster_{4};
};

TEST_F(AlterPartition, AnswersWhatThePartitionIsNow) {
  const auto answer = Alter(Request({1, 2}));
  EXPECT_EQ(answer.error_code, 0);
  EXPECT_EQ(answer.leader_id, 1);
  EXPECT_EQ(answer.leader_epoch, 0);
  EXPECT_EQ(answer.partition_epoch, 1);
  EXPECT_THAT(answer.isr, ElementsAre(1, 2));
  EXPECT_THAT(cluster_.Partition("t").isr, ElementsAre(NodeId(1), NodeId(2)));
  EXPECT_EQ(cluster_.Partition("t").partition_epoch, PartitionEpoch(1));
}

TEST_F(AlterPartition, SameIsrIsAnsweredWithoutARecord) {
  const auto outcome = Decide(Request({1, 2, 3}));
  EXPECT_THAT(outcome.records, IsEmpty());
  EXPECT_EQ(outcome.response.topics.at(0).partitions.at(0).error_code, 0);
  EXPECT_EQ(outcome.response.topics.at(0).partitions.at(0).partition_epoch, 0);
}

TEST_F(AlterPartition, StaleBrokerEpochRefusesTheWholeRequest) {  // SEMANTICS.md 30
  auto request = Request({1, 2});
  request.broker_epoch -= 1;
  const auto outcome = Decide(request);
  EXPECT_EQ(outcome.response.error_code, protocol::ToWire(ErrorCode::kStaleBrokerEpoch));
  EXPECT_THAT(outcome.response.topics, IsEmpty());
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST_F(AlterPartition, UnknownTopicOrPartition) {
  auto request = Request({1, 2});
  request.topics[0].topic_id = {5, 5};
  EXPECT_EQ(Refusal(request), ErrorCode::kUnknownTopicId);
  request = Request({1, 2});
  PartitionOf(request).partition_index = 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(AlterPartition, NewerEpochsMeanAnotherController) {  // SEMANTICS.md 30
  auto request = Request({1, 2});
  PartitionOf(request).leader_epoch += 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kNotController);
  request = Request({1, 2});
  PartitionOf(request).partition_epoch += 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kNotController);
}

TEST_F(AlterPartition, OlderLeaderEpochIsFenced) {  // SEMANTICS.md 30, BUG_ZOO.md CT03
  auto request = Request({1, 2});
  PartitionOf(request).leader_epoch -= 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kFencedLeaderEpoch);
}

TEST_F(AlterPartition, OlderPartitionEpochIsRefused) {  // SEMANTICS.md 30, BUG_ZOO.md RP38
  const auto late = Request({1, 2, 3});
  Alter(Request({1, 2}));
  EXPECT_EQ(Refusal(late), ErrorCode::kInvalidUpdateVersion);
}

TEST_F(AlterPartition, SecondMentionFindsTheFirst) {
  auto request = Request({1, 2});
  request.topics[0].partitions.push_back(PartitionOf(request));
  request.topics[0].partitions[1].new_isr_with_epochs.pop_back();
  const auto outcome = Decide(request);
  EXPECT_THAT(outcome.records, SizeIs(1));
  EXPECT_EQ(outcome.response.topics.at(0).partitions.at(1).error_code,
            protocol::ToWire(ErrorCode::kInvalidUpdateVersion));
}

TEST_F(AlterPartition, OnlyTheLeaderAlters) {  // SEMANTICS.md 30
  auto request = Request({1, 2});
  request.broker_id = 2;
  request.broker_epoch = cluster_.EpochOf(NodeId(2)).value();
  EXPECT_EQ(Refusal(request), ErrorCode::kInvalidRequest);
}

TEST_F(AlterPartition, IsrIsOfReplicasWithTheLeaderAndWithoutRepeats) {  // SEMANTICS.md 30
  EXPECT_EQ(Refusal(Request({1, 4})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Refusal(Request({2, 3})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Refusal(Request({1, 1})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Refusal(Request({})), ErrorCode::kInvalidRequest);
}

TEST_F(AlterPartition, RecoveredLeaderDoesNotBeginAnew) {  // SEMANTICS.md 30, KIP-704
  auto request = Request({1});
  PartitionOf(request).leader_recovery_state = 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kInvalidRequest);
  PartitionOf(request).leader_recovery_state = 2;
  EXPECT_EQ(Refusal(request), ErrorCode::kInvalidRequest);
}

TEST_F(AlterPartition, RecoveringLeaderIsAloneUntilItSaysThatItHasRecovered) {  // SEMANTICS.md 30, KIP-704
  cluster_.SetTopicConfig("t", "unclean.leader.election.enable", "true");
  for (const int id : {2, 3, 1}) cluster_.Fence(NodeId(id));  // 1 is the last of the ISR
  cluster_.Start(NodeId(2));
  cluster_.Start(NodeId(3));
  ASSERT_EQ(cluster_.Partition("t").leader, NodeId(2));
  ASSERT_EQ(cluster_.Partition("t").recovery, LeaderRecovery::kRecovering);
  auto request = Request({2, 3});
  request.broker_id = 2;
  request.broker_epoch = cluster_.EpochOf(NodeId(2)).value();
  PartitionOf(request).leader_recovery_state = 1;
  EXPECT_EQ(Refusal(request), ErrorCode::kInvalidRequest);
  PartitionOf(request).leader_recovery_state = 0;
  EXPECT_EQ(Alter(request).leader_recovery_state, 0);
  EXPECT_EQ(cluster_.Partition("t").recovery, LeaderRecovery::kRecovered);
  EXPECT_THAT(cluster_.Partition("t").isr, ElementsAre(NodeId(2), NodeId(3)));
}

TEST_F(AlterPartition, FencedReplicaIsIneligible) {  // SEMANTICS.md 30, KIP-841, BUG_ZOO.md RP35
  cluster_.Fence(NodeId(3));
  EXPECT_EQ(Refusal(Request({1, 2, 3})), ErrorCode::kIneligibleReplica);
}

TEST_F(AlterPartition, ReplicaThatShutsDownIsIneligible) {  // SEMANTICS.md 30, KIP-841, BUG_ZOO.md RP35
  protocol::BrokerRegistrationChangeRecord record;
  record.broker_id = 3;
  record.broker_epoch = cluster_.EpochOf(NodeId(3)).value();
  record.in_controlled_shutdown = 1;
  cluster_.Write({record});
  EXPECT_EQ(Refusal(Request({1, 2, 3})), ErrorCode::kIneligibleReplica);
}

TEST_F(AlterPartition, ReplicaWhoseBrokerIsGoneIsIneligible) {
  protocol::UnregisterBrokerRequest gone;
  gone.broker_id = 3;
  cluster_.Do(cluster_.controller().UnregisterBroker(gone));
  EXPECT_EQ(Refusal(Request({1, 2, 3})), ErrorCode::kIneligibleReplica);
}

TEST_F(AlterPartition, ReplicaThatStartedAnewSinceIsIneligible) {  // SEMANTICS.md 30, KIP-903, BUG_ZOO.md RP37
  const int64_t old_epoch = cluster_.EpochOf(NodeId(3)).value();
  cluster_.Start(NodeId(3));
  auto request = Request({1, 2, 3});
  PartitionOf(request).new_isr_with_epochs[2].broker_epoch = old_epoch;
  EXPECT_EQ(Refusal(request), ErrorCode::kIneligibleReplica);
  PartitionOf(request).new_isr_with_epochs[2].broker_epoch = -1;  // not known: not checked
  EXPECT_EQ(Alter(request).error_code, 0);
}

TEST_F(AlterPartition, Version2NamesNoEpochs) {
  auto request = Request({});
  PartitionOf(request).new_isr = {1, 3};
  const auto response = cluster_.Do(cluster_.controller().AlterPartition(request, 2));
  EXPECT_THAT(response.topics.at(0).partitions.at(0).isr, ElementsAre(1, 3));
}

TEST_F(AlterPartition, LeaderThatTheReassignmentRemovesIsToldSo) {  // KIP-455
  protocol::AlterPartitionReassignmentsRequest move;
  move.topics.push_back({"t", {{0, std::vector<int32_t>{4}}}});
  cluster_.Do(cluster_.controller().AlterPartitionReassignments(move));
  const auto answer = Alter(Request({1, 2, 3, 4}));
  EXPECT_EQ(answer.error_code, protocol::ToWire(ErrorCode::kNewLeaderElected));
  EXPECT_EQ(cluster_.Partition("t").leader, NodeId(4));
  EXPECT_THAT(cluster_.Partition("t").replicas, ElementsAre(NodeId(4)));
}

TEST(AlterPartitionElr, ShrinkBelowTheMinimumFillsIt) {  // SEMANTICS.md 32, KIP-966
  Cluster cluster(3, WithElr());
  cluster.Assigned("t", {1, 2, 3});
  const auto alter = [&](const std::vector<int32_t>& isr) {
    protocol::AlterPartitionRequest request;
    request.broker_id = 1;
    request.broker_epoch = cluster.EpochOf(NodeId(1)).value();
    auto& topic = request.topics.emplace_back();
    topic.topic_id = cluster.image().FindTopic("t")->id;
    auto& p = topic.partitions.emplace_back();
    p.partition_epoch = cluster.Partition("t").partition_epoch.value();
    p.new_isr = isr;
    EXPECT_EQ(cluster.Do(cluster.controller().AlterPartition(request, 2)).topics[0].partitions[0].error_code, 0);
  };
  alter({1});
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, ElementsAre(NodeId(2), NodeId(3)));
  alter({1, 3});
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, IsEmpty());
}

}  // namespace
}  // namespace odradek::metadata
