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

constexpr int8_t kPreferredType = 0;
constexpr int8_t kUncleanType = 1;

protocol::ElectLeadersResponse Elect(Cluster& cluster, int8_t type, std::vector<int32_t> partitions = {0}) {
  protocol::ElectLeadersRequest request;
  request.election_type = type;
  request.topic_partitions.emplace();
  request.topic_partitions->push_back({"t", std::move(partitions)});
  return cluster.Do(cluster.controller().ElectLeaders(request, 2));
}

ErrorCode ElectionError(Cluster& cluster, int8_t type) {
  const auto response = Elect(cluster, type);
  const auto& result = response.replica_election_results.at(0).partition_result.at(0);
  EXPECT_EQ(result.error_code == 0, !result.error_message.has_value());
  return static_cast<ErrorCode>(result.error_code);
}

// The replica `id` joins the ISR again.
void Rejoin(Cluster& cluster, const std::string& topic, int32_t id) {
  const PartitionState& partition = cluster.Partition(topic);
  protocol::AlterPartitionRequest request;
  request.broker_id = partition.leader.value();
  request.broker_epoch = cluster.EpochOf(partition.leader).value();
  auto& t = request.topics.emplace_back();
  t.topic_id = cluster.image().FindTopic(topic)->id;
  auto& p = t.partitions.emplace_back();
  p.leader_epoch = partition.leader_epoch.value();
  p.partition_epoch = partition.partition_epoch.value();
  for (const NodeId member : partition.isr) p.new_isr.push_back(member.value());
  p.new_isr.push_back(id);
  ASSERT_EQ(cluster.Do(cluster.controller().AlterPartition(request, 2)).topics[0].partitions[0].error_code, 0);
}

TEST(ElectLeaders, PreferredReplicaOfTheIsrLeadsAgain) {  // KIP-460
  Cluster cluster(3);
  cluster.Assigned("t", {1, 2, 3});
  EXPECT_EQ(ElectionError(cluster, kPreferredType), ErrorCode::kElectionNotNeeded);
  cluster.Fence(NodeId(1));
  EXPECT_EQ(ElectionError(cluster, kPreferredType), ErrorCode::kPreferredLeaderNotAvailable);
  cluster.Start(NodeId(1));
  // Alive, but not in sync yet (SEMANTICS.md 35, BUG_ZOO.md CT20).
  EXPECT_EQ(ElectionError(cluster, kPreferredType), ErrorCode::kPreferredLeaderNotAvailable);
  Rejoin(cluster, "t", 1);
  EXPECT_EQ(ElectionError(cluster, kPreferredType), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(1));
}

TEST(ElectLeaders, UncleanElectionIsForPartitionsWithoutALeader) {  // KIP-460
  Cluster cluster(2);
  cluster.Assigned("t", {1, 2});
  EXPECT_EQ(ElectionError(cluster, kUncleanType), ErrorCode::kElectionNotNeeded);
  cluster.Fence(NodeId(2));
  cluster.Fence(NodeId(1));
  EXPECT_EQ(ElectionError(cluster, kUncleanType), ErrorCode::kEligibleLeadersNotAvailable);
  cluster.Start(NodeId(2));
  EXPECT_EQ(cluster.Partition("t").leader, kNoNode);
  EXPECT_EQ(ElectionError(cluster, kUncleanType), ErrorCode::kNone);
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(2));
  EXPECT_THAT(cluster.Partition("t").isr, ElementsAre(NodeId(2)));
  EXPECT_EQ(cluster.Partition("t").recovery, LeaderRecovery::kRecovering);
}

TEST(ElectLeaders, UnknownTopicPartitionAndTypeAreRefused) {
  Cluster cluster(1);
  EXPECT_EQ(ElectionError(cluster, kPreferredType), ErrorCode::kUnknownTopicOrPartition);
  cluster.Assigned("t", {1});
  const auto response = Elect(cluster, kPreferredType, {1});
  EXPECT_EQ(response.replica_election_results[0].partition_result[0].error_code,
            protocol::ToWire(ErrorCode::kUnknownTopicOrPartition));
  EXPECT_EQ(Elect(cluster, 2).error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
}

TEST(ElectLeaders, PartitionThatIsNamedTwiceIsElectedForOnce) {
  Cluster cluster(2);
  cluster.Assigned("t", {1, 2});
  cluster.Fence(NodeId(1));
  cluster.Start(NodeId(1));
  Rejoin(cluster, "t", 1);
  const auto response = Elect(cluster, kPreferredType, {0, 0});
  EXPECT_EQ(response.replica_election_results[0].partition_result[0].error_code, 0);
  EXPECT_EQ(response.replica_election_results[0].partition_result[1].error_code,
            protocol::ToWire(ErrorCode::kElectionNotNeeded));
  EXPECT_EQ(cluster.Partition("t").leader_epoch, LeaderEpoch(2));
}

TEST(ElectLeaders, WithoutPartitionsItIsForAllAndSilentAboutTheOthers) {
  Cluster cluster(2);
  cluster.Assigned("a", {2, 1});
  cluster.Assigned("t", {1, 2});
  cluster.Fence(NodeId(1));
  cluster.Start(NodeId(1));
  Rejoin(cluster, "t", 1);
  protocol::ElectLeadersRequest request;
  request.topic_partitions = std::nullopt;
  const auto response = cluster.Do(cluster.controller().ElectLeaders(request, 0));
  ASSERT_THAT(response.replica_election_results, SizeIs(2));
  EXPECT_THAT(response.replica_election_results[0].partition_result, IsEmpty());
  EXPECT_THAT(response.replica_election_results[1].partition_result, SizeIs(1));
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(1));
}

TEST(ElectLeaders, MoreRecordsThanARequestMayHaveAreNone) {
  ControllerOptions options;
  options.records_per_request_max = 1;
  Cluster cluster(2, options);
  for (const std::string name : {"t", "u"}) {
    cluster.Assigned(name, {1, 2});
  }
  cluster.Fence(NodeId(1));
  cluster.Start(NodeId(1));
  for (const std::string name : {"t", "u"}) Rejoin(cluster, name, 1);
  protocol::ElectLeadersRequest request;
  request.topic_partitions = std::nullopt;
  const auto outcome = cluster.controller().ElectLeaders(request, 2);
  EXPECT_EQ(outcome.response.error_code, protocol::ToWire(ErrorCode::kPolicyViolation));
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(BalanceLeaders, MovesWhatCanBeMovedInPieces) {
  ControllerOptions options;
  options.elections_per_step_max = 2;
  Cluster cluster(3, options);
  for (const std::string name : {"a", "b", "c", "d"}) cluster.Assigned(name, {1, 2});
  cluster.Assigned("not-in-sync", {1, 3});
  cluster.Fence(NodeId(1));
  cluster.Start(NodeId(1));
  for (const std::string name : {"a", "b", "c"}) Rejoin(cluster, name, 1);
  EXPECT_EQ(cluster.Do(cluster.controller().BalanceLeaders()), Progress::kMore);
  EXPECT_EQ(cluster.Partition("a").leader, NodeId(1));
  EXPECT_EQ(cluster.Partition("c").leader, NodeId(2));
  EXPECT_EQ(cluster.Do(cluster.controller().BalanceLeaders()), Progress::kDone);
  EXPECT_EQ(cluster.Partition("c").leader, NodeId(1));
  EXPECT_EQ(cluster.Partition("d").leader, NodeId(2));
  EXPECT_EQ(cluster.Partition("not-in-sync").leader, NodeId(3));
  EXPECT_THAT(cluster.controller().BalanceLeaders().records, IsEmpty());
}

TEST(ElectUncleanLeaders, FollowsANewConfiguration) {  // unclean.leader.election.enable
  Cluster cluster(2);
  cluster.Assigned("allowed", {1, 2});
  cluster.Assigned("forbidden", {1, 2});
  cluster.Fence(NodeId(2));
  cluster.Fence(NodeId(1));
  cluster.Start(NodeId(2));
  EXPECT_THAT(cluster.controller().ElectUncleanLeaders().records, IsEmpty());
  cluster.SetTopicConfig("allowed", "unclean.leader.election.enable", "true");
  EXPECT_EQ(cluster.Do(cluster.controller().ElectUncleanLeaders()), Progress::kDone);
  EXPECT_EQ(cluster.Partition("allowed").leader, NodeId(2));
  EXPECT_EQ(cluster.Partition("forbidden").leader, kNoNode);
}

TEST(ElectUncleanLeaders, WorksInPieces) {
  ControllerOptions options;
  options.elections_per_step_max = 1;
  options.static_properties = {{"unclean.leader.election.enable", "true"}};
  Cluster cluster(2, options);
  for (const std::string name : {"a", "b"}) cluster.Assigned(name, {1, 2});
  cluster.Fence(NodeId(2));
  cluster.Fence(NodeId(1));
  // Unfenced behind the elections' back.
  protocol::UnfenceBrokerRecord record;
  record.id = 2;
  record.epoch = cluster.EpochOf(NodeId(2)).value();
  cluster.Write({record});
  EXPECT_EQ(cluster.Do(cluster.controller().ElectUncleanLeaders()), Progress::kMore);
  EXPECT_EQ(cluster.Do(cluster.controller().ElectUncleanLeaders()), Progress::kDone);
  EXPECT_EQ(cluster.Partition("b").leader, NodeId(2));
}

}  // namespace
}  // namespace odradek::metadata
