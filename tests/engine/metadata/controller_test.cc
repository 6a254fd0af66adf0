#include "engine/metadata/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::vector<std::string> Names(const std::vector<Record>& records) {
  std::vector<std::string> names;
  for (const Record& record : records) names.emplace_back(RecordName(record));
  return names;
}

TEST(Activate, NewClusterGetsItsLevelsInOneTransaction) {
  base::NullContext context;
  ControllerOptions options;
  options.bootstrap_features = {{"transaction.version", 2}, {"group.version", 1}, {"share.version", 0}};
  const Controller controller(options, Fold(), context);
  const std::vector<Record> records = controller.Activate();
  EXPECT_THAT(Names(records), ElementsAre("BeginTransactionRecord", "FeatureLevelRecord", "FeatureLevelRecord",
                                          "FeatureLevelRecord", "EndTransactionRecord"));
  EXPECT_EQ(std::get<protocol::BeginTransactionRecord>(records[0]).name, "Bootstrap records");
  EXPECT_EQ(std::get<protocol::FeatureLevelRecord>(records[1]).name, "metadata.version");
  EXPECT_EQ(std::get<protocol::FeatureLevelRecord>(records[1]).feature_level, 30);
  EXPECT_EQ(std::get<protocol::FeatureLevelRecord>(records[2]).name, "group.version");
}

TEST(Activate, EligibleLeaderReplicasBringTheirMinimumIntoTheLog) {
  base::NullContext context;
  ControllerOptions options;
  options.bootstrap_features = {{"eligible.leader.replicas.version", 1}};
  options.static_properties = {{"min.insync.replicas", "2"}};
  const std::vector<Record> records = Controller(options, Fold(), context).Activate();
  EXPECT_THAT(Names(records), ElementsAre("BeginTransactionRecord", "FeatureLevelRecord", "FeatureLevelRecord",
                                          "ConfigRecord", "EndTransactionRecord"));
  const auto& minimum = std::get<protocol::ConfigRecord>(records[3]);
  EXPECT_EQ(minimum.name, "min.insync.replicas");
  EXPECT_EQ(minimum.value, "2");
  EXPECT_EQ(minimum.resource_name, "");
}

TEST(Activate, SecondControllerWritesNothing) {
  Cluster cluster(0);
  EXPECT_THAT(cluster.image().features(), ElementsAre(Pair("metadata.version", 30)));
  EXPECT_THAT(cluster.controller().Activate(), IsEmpty());
}

TEST(Activate, AbortsATransactionThatWasLeftOpen) {
  base::NullContext context;
  Fold fold;
  ASSERT_TRUE(fold.Apply(protocol::BeginTransactionRecord()).ok());
  protocol::FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 30;
  ASSERT_TRUE(fold.Apply(level).ok());
  Controller controller(ControllerOptions(), fold, context);
  const std::vector<Record> records = controller.Activate();
  EXPECT_THAT(Names(records), ElementsAre("AbortTransactionRecord", "BeginTransactionRecord", "FeatureLevelRecord",
                                          "EndTransactionRecord"));
  for (const Record& record : records) EXPECT_TRUE(controller.Replay(record).ok());
  EXPECT_FALSE(controller.state().in_transaction());
  EXPECT_EQ(controller.image().metadata_version(), MetadataVersion(30));
}

TEST(RegisterBroker, EpochIsTheOffsetOfTheNextRecord) {
  Cluster cluster(0);
  const Offset next = cluster.end();
  const auto outcome = cluster.Register(NodeId(4), Session::kExpired);
  EXPECT_EQ(outcome.response.epoch, BrokerEpoch(next.value()));
  EXPECT_EQ(cluster.image().FindBroker(NodeId(4))->epoch, outcome.response.epoch);
  EXPECT_TRUE(cluster.image().FindBroker(NodeId(4))->fenced);
}

TEST(RegisterBroker, SameProcessKeepsItsEpoch) {
  Cluster cluster(0);
  const BrokerRegistration request = Cluster::Registration(NodeId(1), 5);
  const auto first = cluster.controller().RegisterBroker(request, cluster.end(), Session::kExpired);
  cluster.Write(first.records);
  cluster.Write(cluster.controller().UnfenceBroker(NodeId(1), first.response.epoch).records);
  const auto again = cluster.controller().RegisterBroker(request, cluster.end(), Session::kLive);
  EXPECT_FALSE(again.response.failure.has_value());
  EXPECT_EQ(again.response.epoch, first.response.epoch);
  cluster.Write(again.records);
  EXPECT_FALSE(cluster.image().FindBroker(NodeId(1))->fenced);
}

TEST(RegisterBroker, OtherProcessWaitsForTheSessionToEnd) {
  Cluster cluster(1);
  const auto refused = cluster.Register(NodeId(1), Session::kLive);
  EXPECT_EQ(refused.response.failure->code, ErrorCode::kDuplicateBrokerRegistration);
  EXPECT_THAT(refused.records, IsEmpty());
  const BrokerEpoch old_epoch = cluster.image().FindBroker(NodeId(1))->epoch;
  EXPECT_GT(cluster.Register(NodeId(1), Session::kExpired).response.epoch, old_epoch);
}

TEST(RegisterBroker, ForeignOrBrokenRegistrationsAreRefused) {
  Cluster cluster(1);
  const auto code = [&](const BrokerRegistration& r) {
    return cluster.controller().RegisterBroker(r, cluster.end(), Session::kExpired).response.failure->code;
  };
  BrokerRegistration r = Cluster::Registration(NodeId(2), 50);
  r.cluster_id = "other";
  EXPECT_EQ(code(r), ErrorCode::kInconsistentClusterId);
  r = Cluster::Registration(NodeId(2), 50);
  r.listeners.clear();
  EXPECT_EQ(code(r), ErrorCode::kInvalidRegistration);
  r = Cluster::Registration(NodeId(2), 50);
  r.log_dirs = {Uuid{9, 9}, Uuid{9, 9}};
  EXPECT_EQ(code(r), ErrorCode::kInvalidRegistration);
  r.log_dirs = {kLostDirectory};
  EXPECT_EQ(code(r), ErrorCode::kInvalidRegistration);
  r = Cluster::Registration(NodeId(2), 50);
  r.features["metadata.version"] = {7, 29};
  EXPECT_EQ(code(r), ErrorCode::kUnsupportedVersion);
}

TEST(FenceBroker, LastIsrMemberStaysAndThePartitionHasNoLeader) {
  Cluster cluster(1);
  cluster.Topic("t");
  cluster.Fence(NodeId(1));
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(0));
  EXPECT_EQ(partition.leader, kNoNode);
  EXPECT_THAT(partition.isr, ElementsAre(NodeId(1)));
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch(1));
}

TEST(FenceBroker, LeadershipMovesWithinTheIsr) {
  Cluster cluster(3);
  cluster.Topic("t", 1, 3);
  const NodeId leader = cluster.image().FindPartition("t", PartitionIndex(0))->leader;
  cluster.Fence(leader);
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(0));
  EXPECT_NE(partition.leader, leader);
  EXPECT_NE(partition.leader, kNoNode);
  EXPECT_THAT(partition.isr, SizeIs(2));
  EXPECT_EQ(StructureProblem(partition, 1), std::nullopt);
}

TEST(FenceBroker, FollowerLeavesTheIsrWithoutANewLeaderEpoch) {
  Cluster cluster(2);
  cluster.Topic("t", 1, 2);
  const NodeId leader = cluster.image().FindPartition("t", PartitionIndex(0))->leader;
  cluster.Fence(leader == NodeId(1) ? NodeId(2) : NodeId(1));
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(0));
  EXPECT_EQ(partition.leader, leader);
  EXPECT_THAT(partition.isr, ElementsAre(leader));
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch(0));
  EXPECT_EQ(partition.partition_epoch, PartitionEpoch(1));
}

TEST(FenceBroker, StaleEpochIsRefused) {
  Cluster cluster(1);
  const auto outcome = cluster.controller().FenceBroker(NodeId(1), BrokerEpoch(12345));
  EXPECT_EQ(outcome.response->code, ErrorCode::kStaleBrokerEpoch);
  EXPECT_THAT(outcome.records, IsEmpty());
  EXPECT_EQ(cluster.controller().FenceBroker(NodeId(8), BrokerEpoch(1)).response->code, ErrorCode::kStaleBrokerEpoch);
}

TEST(UnfenceBroker, PartitionsWithoutLeaderGetTheirIsrMemberBack) {
  Cluster cluster(1);
  cluster.Topic("t", 2);
  cluster.Start(NodeId(1));  // a new process, without a clean end of the old one
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(1));
  EXPECT_EQ(partition.leader, NodeId(1));
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch(2));
  EXPECT_EQ(partition.recovery, LeaderRecovery::kRecovered);
}

TEST(UnfenceBroker, ReplicaOutsideTheIsrLeadsOnlyWhereUncleanElectionIsAllowed) {
  Cluster cluster(2);
  cluster.Topic("t", 1, 2);
  const NodeId first = cluster.image().FindPartition("t", PartitionIndex(0))->leader;
  const NodeId second = first == NodeId(1) ? NodeId(2) : NodeId(1);
  cluster.Fence(second);
  cluster.Fence(first);
  cluster.Start(second);
  EXPECT_EQ(cluster.image().FindPartition("t", PartitionIndex(0))->leader, kNoNode);
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({2, "t", {{"unclean.leader.election.enable", 0, "true"}}});
  cluster.Do(cluster.controller().IncrementalAlterConfigs(request));
  cluster.Start(second);
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(0));
  EXPECT_EQ(partition.leader, second);
  EXPECT_THAT(partition.isr, ElementsAre(second));
  EXPECT_EQ(partition.recovery, LeaderRecovery::kRecovering);
}

TEST(AllocateProducerIds, BlocksFollowEachOther) {
  ControllerOptions options;
  options.producer_id_block_size = 10;
  Cluster cluster(1, options);
  const BrokerEpoch epoch = cluster.image().FindBroker(NodeId(1))->epoch;
  const auto first = cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), epoch));
  const auto second = cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), epoch));
  EXPECT_EQ(first.first, ProducerId(0));
  EXPECT_EQ(first.count, 10);
  EXPECT_EQ(second.first, ProducerId(10));
}

TEST(AllocateProducerIds, BlockAfterARestartIsNew) {
  Cluster cluster(1);
  cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), cluster.image().FindBroker(NodeId(1))->epoch));
  const BrokerEpoch epoch = cluster.Start(NodeId(1));
  EXPECT_EQ(cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), epoch)).first, ProducerId(1000));
}

TEST(AllocateProducerIds, StaleBrokerGetsNone) {
  Cluster cluster(1);
  const BrokerEpoch old_epoch = cluster.image().FindBroker(NodeId(1))->epoch;
  cluster.Start(NodeId(1));
  const auto outcome = cluster.controller().AllocateProducerIds(NodeId(1), old_epoch);
  EXPECT_EQ(outcome.response.failure->code, ErrorCode::kStaleBrokerEpoch);
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(AllocateProducerIds, EndOfTheIdsIsAnError) {
  Cluster cluster(1);
  protocol::ProducerIdsRecord last;
  last.next_producer_id = std::numeric_limits<int64_t>::max() - 999;
  cluster.Write({last});
  const BrokerEpoch epoch = cluster.image().FindBroker(NodeId(1))->epoch;
  EXPECT_EQ(cluster.controller().AllocateProducerIds(NodeId(1), epoch).response.failure->code,
            ErrorCode::kUnknownServerError);
}

#if defined(ODRADEK_MUTATIONS)
class Mutated final : public base::Context {
 public:
  void Reached(std::string_view) override {}
  bool Buggify(std::string_view) override { return false; }
  bool HasMutation(base::Mutation mutation) const override { return mutation == base::Mutation::kID20; }
};

TEST(AllocateProducerIds, MutationID20GivesABlockTwice) {
  Cluster cluster(1);
  cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), cluster.image().FindBroker(NodeId(1))->epoch));
  const BrokerEpoch epoch = cluster.Start(NodeId(1));
  Mutated context;
  ControllerOptions options;
  const Controller mutated(options, cluster.controller().state(), context);
  EXPECT_EQ(mutated.AllocateProducerIds(NodeId(1), epoch).response.first, ProducerId(0));
}
#endif

}  // namespace
}  // namespace odradek::metadata
