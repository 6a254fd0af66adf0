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

using Replicas = std::optional<std::vector<int32_t>>;  // nullopt calls the reassignment off

protocol::AlterPartitionReassignmentsRequest MoveRequest(Replicas replicas) {
  protocol::AlterPartitionReassignmentsRequest request;
  request.topics.push_back({"t", {{0, std::move(replicas)}}});
  return request;
}

ErrorCode MoveTo(Cluster& cluster, Replicas replicas) {
  const auto response = cluster.Do(cluster.controller().AlterPartitionReassignments(MoveRequest(std::move(replicas))));
  const auto& answer = response.responses.at(0).partitions.at(0);
  EXPECT_EQ(answer.error_code == 0, !answer.error_message.has_value());
  return static_cast<ErrorCode>(answer.error_code);
}

// The leader takes these as its ISR.
void TakeIsr(Cluster& cluster, std::vector<int32_t> isr) {
  const PartitionState& partition = cluster.Partition("t");
  protocol::AlterPartitionRequest request;
  request.broker_id = partition.leader.value();
  request.broker_epoch = cluster.EpochOf(partition.leader).value();
  auto& topic = request.topics.emplace_back();
  topic.topic_id = cluster.image().FindTopic("t")->id;
  auto& p = topic.partitions.emplace_back();
  p.leader_epoch = partition.leader_epoch.value();
  p.partition_epoch = partition.partition_epoch.value();
  p.new_isr = std::move(isr);
  const auto response = cluster.Do(cluster.controller().AlterPartition(request, 2));
  const auto code = static_cast<ErrorCode>(response.topics[0].partitions[0].error_code);
  ASSERT_TRUE(code == ErrorCode::kNone || code == ErrorCode::kNewLeaderElected);
}

TEST(Reassignment, AddsThenWaitsThenRemoves) {  // KIP-455, PROPERTIES.md R16
  Cluster cluster(4);
  cluster.Assigned("t", {1, 2});
  EXPECT_EQ(MoveTo(cluster, {{3, 4}}), ErrorCode::kNone);
  const PartitionState moving = cluster.Partition("t");
  EXPECT_EQ(moving.replicas, Ids({3, 4, 1, 2}));
  EXPECT_EQ(moving.adding_replicas, Ids({3, 4}));
  EXPECT_EQ(moving.removing_replicas, Ids({1, 2}));
  EXPECT_EQ(moving.isr, Ids({1, 2}));
  EXPECT_EQ(moving.leader, NodeId(1));
  EXPECT_EQ(moving.leader_epoch, LeaderEpoch(0));
  EXPECT_THAT(moving.directories, ElementsAre(Uuid(9, 3), Uuid(9, 4), Uuid(9, 1), Uuid(9, 2)));
  TakeIsr(cluster, {1, 2, 3});
  EXPECT_THAT(cluster.Partition("t").replicas, SizeIs(4));  // BUG_ZOO.md RP39
  TakeIsr(cluster, {1, 2, 3, 4});
  const PartitionState moved = cluster.Partition("t");
  EXPECT_EQ(moved.replicas, Ids({3, 4}));
  EXPECT_EQ(moved.isr, Ids({3, 4}));
  EXPECT_EQ(moved.leader, NodeId(3));
  EXPECT_THAT(moved.adding_replicas, IsEmpty());
  EXPECT_THAT(moved.removing_replicas, IsEmpty());
  EXPECT_EQ(StructureProblem(moved, 1), std::nullopt);
}

TEST(Reassignment, ToReplicasInSyncEndsAtOnce) {
  Cluster cluster(3);
  cluster.Assigned("t", {1, 2, 3});
  EXPECT_EQ(MoveTo(cluster, {{3, 1}}), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").replicas, Ids({3, 1}));
  EXPECT_EQ(cluster.Partition("t").isr, Ids({1, 3}));
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(1));
  EXPECT_EQ(cluster.Partition("t").leader_epoch, LeaderEpoch(1));  // a replica is gone
  EXPECT_EQ(MoveTo(cluster, {{1, 3}}), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").replicas, Ids({1, 3}));
  EXPECT_EQ(cluster.Partition("t").leader_epoch, LeaderEpoch(1));
}

TEST(Reassignment, OfTheSameReplicasIsNothing) {
  Cluster cluster(2);
  cluster.Assigned("t", {1, 2});
  EXPECT_THAT(cluster.controller().AlterPartitionReassignments(MoveRequest({{1, 2}})).records, IsEmpty());
}

TEST(Reassignment, RepeatedBeforeItsEndIsNotItsEnd) {  // KAFKA-15665, BUG_ZOO.md RP39
  Cluster cluster(2);
  cluster.Assigned("t", {1});
  EXPECT_EQ(MoveTo(cluster, {{1, 2}}), ErrorCode::kNone);
  EXPECT_EQ(MoveTo(cluster, {{1, 2}}), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").adding_replicas, Ids({2}));
  EXPECT_EQ(MoveTo(cluster, {{2}}), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").adding_replicas, Ids({2}));
  EXPECT_EQ(cluster.Partition("t").removing_replicas, Ids({1}));
  EXPECT_EQ(cluster.Partition("t").isr, Ids({1}));
}

TEST(Reassignment, BadTargetsAreRefused) {
  Cluster cluster(2);
  EXPECT_EQ(MoveTo(cluster, {{1}}), ErrorCode::kUnknownTopicOrPartition);
  cluster.Assigned("t", {1, 2});
  EXPECT_EQ(MoveTo(cluster, {std::vector<int32_t>()}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(MoveTo(cluster, {{1, 1}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(MoveTo(cluster, {{1, 9}}), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(MoveTo(cluster, {{-1, 1}}), ErrorCode::kInvalidReplicaAssignment);
  auto request = MoveRequest({{1}});
  request.topics[0].partitions[0].partition_index = 3;
  EXPECT_EQ(cluster.controller().AlterPartitionReassignments(request).response.responses[0].partitions[0].error_code,
            protocol::ToWire(ErrorCode::kUnknownTopicOrPartition));
}

TEST(Reassignment, ReplicationFactorMayBeHeld) {  // KIP-860
  Cluster cluster(4);
  cluster.Assigned("t", {1, 2});
  const auto code = [&](Replicas replicas) {
    auto request = MoveRequest(std::move(replicas));
    request.allow_replication_factor_change = false;
    const auto outcome = cluster.controller().AlterPartitionReassignments(request);
    EXPECT_FALSE(outcome.response.allow_replication_factor_change);
    return static_cast<ErrorCode>(outcome.response.responses[0].partitions[0].error_code);
  };
  EXPECT_EQ(code({{1}}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code({{1, 2, 3}}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code({{3, 4}}), ErrorCode::kNone);
  MoveTo(cluster, {{3, 4}});
  EXPECT_EQ(code({{1, 3}}), ErrorCode::kNone);  // two when it ends, though there are four now
}

TEST(Reassignment, PartitionThatIsNamedTwiceIsMovedOnce) {
  Cluster cluster(3);
  cluster.Assigned("t", {1, 2});
  auto request = MoveRequest({{1, 3}});
  request.topics[0].partitions.push_back({0, std::vector<int32_t>{2, 3}});
  const auto outcome = cluster.controller().AlterPartitionReassignments(request);
  EXPECT_THAT(outcome.records, SizeIs(1));
  EXPECT_EQ(outcome.response.responses[0].partitions[1].error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
}

TEST(Reassignment, MoreRecordsThanARequestMayHaveAreNone) {
  ControllerOptions options;
  options.records_per_request_max = 1;
  Cluster cluster(2, options);
  protocol::AlterPartitionReassignmentsRequest request;
  for (const std::string name : {"t", "u"}) {
    cluster.Assigned(name, {1});
    request.topics.push_back({name, {{0, std::vector<int32_t>{2}}}});
  }
  const auto outcome = cluster.controller().AlterPartitionReassignments(request);
  EXPECT_EQ(outcome.response.error_code, protocol::ToWire(ErrorCode::kPolicyViolation));
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(CancelReassignment, BringsTheOldReplicasBack) {  // KIP-455
  Cluster cluster(3);
  cluster.Assigned("t", {1, 2});
  EXPECT_EQ(MoveTo(cluster, std::nullopt), ErrorCode::kNoReassignmentInProgress);
  MoveTo(cluster, {{3, 1}});
  TakeIsr(cluster, {1, 2});
  EXPECT_EQ(MoveTo(cluster, std::nullopt), ErrorCode::kNone);
  const PartitionState& back = cluster.Partition("t");
  EXPECT_EQ(back.replicas, Ids({1, 2}));
  EXPECT_EQ(back.isr, Ids({1, 2}));
  EXPECT_THAT(back.adding_replicas, IsEmpty());
  EXPECT_THAT(back.removing_replicas, IsEmpty());
  EXPECT_EQ(back.leader, NodeId(1));
  EXPECT_EQ(back.leader_epoch, LeaderEpoch(1));  // the replica that was added must know
}

TEST(CancelReassignment, ThatWouldNeedAnUncleanLeaderIsRefused) {  // KIP-455
  Cluster cluster(4);
  cluster.Assigned("t", {1, 2});
  MoveTo(cluster, {{3, 4}});
  TakeIsr(cluster, {1, 3});
  cluster.Fence(NodeId(1));
  ASSERT_EQ(cluster.Partition("t").isr, Ids({3}));
  EXPECT_EQ(MoveTo(cluster, std::nullopt), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(3));
  cluster.SetTopicConfig("t", "unclean.leader.election.enable", "true");
  EXPECT_EQ(MoveTo(cluster, std::nullopt), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").replicas, Ids({1, 2}));
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(2));
  EXPECT_EQ(cluster.Partition("t").isr, Ids({2}));
  EXPECT_EQ(cluster.Partition("t").recovery, LeaderRecovery::kRecovering);
}

TEST(ListReassignments, ShowsWhatGoesOn) {  // KIP-455
  Cluster cluster(3);
  cluster.Assigned("quiet", {1, 2});
  cluster.Assigned("t", {1, 2});
  MoveTo(cluster, {{1, 3}});
  protocol::ListPartitionReassignmentsRequest request;
  request.topics = std::nullopt;
  const auto all = cluster.controller().ListPartitionReassignments(request);
  ASSERT_THAT(all.topics, SizeIs(1));
  EXPECT_EQ(all.topics[0].name, "t");
  ASSERT_THAT(all.topics[0].partitions, SizeIs(1));
  EXPECT_THAT(all.topics[0].partitions[0].replicas, ElementsAre(1, 3, 2));
  EXPECT_THAT(all.topics[0].partitions[0].adding_replicas, ElementsAre(3));
  EXPECT_THAT(all.topics[0].partitions[0].removing_replicas, ElementsAre(2));
  request.topics.emplace();
  request.topics->push_back({"quiet", {0}});
  request.topics->push_back({"none", {0}});
  request.topics->push_back({"t", {5}});
  EXPECT_THAT(cluster.controller().ListPartitionReassignments(request).topics, IsEmpty());
  request.topics->push_back({"t", {0}});
  EXPECT_THAT(cluster.controller().ListPartitionReassignments(request).topics, SizeIs(1));
}

}  // namespace
}  // namespace odradek::metadata
