#include "engine/metadata/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/base/absl_compat.h"
#include "engine/metadata/placement.h"
#include "engine/metadata/snapshot.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using ::testing::HasSubstr;

std::string WhyNot(Image& image, const Record& record) {
  const Image before = image;
  const absl::Status status = image.Apply(record);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(image, before);
  return std::string(base::SV(status.message()));
}

protocol::TopicRecord TopicOf(std::string name, Uuid id) {
  protocol::TopicRecord r;
  r.name = std::move(name);
  r.topic_id = id;
  return r;
}

TEST(Image, RecordsThatContradictItAreRefusedAndChangeNothing) {
  Image image;
  ASSERT_TRUE(image.Apply(TopicOf("t", {1, 1})).ok());
  EXPECT_THAT(WhyNot(image, TopicOf("t", {2, 2})), HasSubstr("a topic t already"));
  EXPECT_THAT(WhyNot(image, TopicOf("u", {1, 1})), HasSubstr("id"));
  protocol::PartitionRecord partition;
  partition.topic_id = {3, 3};
  partition.partition_id = 0;
  EXPECT_THAT(WhyNot(image, partition), HasSubstr("PartitionRecord: no topic"));
  partition.topic_id = {1, 1};
  partition.partition_id = -1;
  EXPECT_THAT(WhyNot(image, partition), HasSubstr("partition -1"));
  partition.partition_id = 0;
  partition.replicas = {1, 2};
  partition.directories = {Uuid{9, 9}};
  EXPECT_THAT(WhyNot(image, partition), HasSubstr("1 directories of 2 replicas"));
  protocol::PartitionChangeRecord change;
  change.topic_id = {1, 1};
  change.partition_id = 4;
  EXPECT_THAT(WhyNot(image, change), HasSubstr("no partition 4"));
  EXPECT_THAT(WhyNot(image, protocol::RemoveTopicRecord()), HasSubstr("no topic"));
  EXPECT_THAT(WhyNot(image, protocol::UnfenceBrokerRecord()), HasSubstr("no broker 0"));
  EXPECT_THAT(WhyNot(image, protocol::UnregisterBrokerRecord()), HasSubstr("no broker 0"));
  protocol::FeatureLevelRecord level;
  level.name = "metadata.version";
  level.feature_level = 31;
  EXPECT_THAT(WhyNot(image, level), HasSubstr("this version knows 7 to 30"));
  protocol::ConfigRecord config;
  config.resource_type = 2;
  config.resource_name = "u";
  config.value = "1";
  EXPECT_THAT(WhyNot(image, config), HasSubstr("no topic u"));
}

TEST(Image, ProducerIdsNeverGoBack) {
  Image image;
  protocol::ProducerIdsRecord ids;
  ids.next_producer_id = 1000;
  ASSERT_TRUE(image.Apply(ids).ok());
  ids.next_producer_id = 999;
  EXPECT_THAT(WhyNot(image, ids), HasSubstr("below 1000"));
}

TEST(Image, CopiesShareTopicsUntilOneChangesThem) {
  Cluster cluster(1);
  cluster.Topic("a");
  cluster.Topic("b");
  const Image before = cluster.image();
  cluster.Fence(NodeId(1));
  EXPECT_EQ(before.FindPartition("a", PartitionIndex(0))->leader, NodeId(1));
  EXPECT_EQ(cluster.image().FindPartition("a", PartitionIndex(0))->leader, kNoNode);
  Image changed = before;
  ASSERT_TRUE(changed.Apply(TopicOf("c", {5, 5})).ok());
  EXPECT_EQ(changed.FindTopic("a"), before.FindTopic("a"));
  EXPECT_EQ(before.FindTopic("c"), nullptr);
}

TEST(Image, PassiveRecordsAndQuotasAreKeptReplacedAndRemoved) {
  Image image;
  protocol::UserScramCredentialRecord user;
  user.name = "u";
  user.mechanism = 1;
  ASSERT_TRUE(image.Apply(user).ok());
  user.iterations = 4096;
  ASSERT_TRUE(image.Apply(user).ok());
  EXPECT_EQ(image.passive_record_count(), 1);
  protocol::ClientQuotaRecord quota;
  quota.entity = {{"user", "u"}, {"client-id", std::nullopt}};
  quota.key = "producer_byte_rate";
  ASSERT_TRUE(image.Apply(quota).ok());
  EXPECT_EQ(image.client_quotas().size(), 1U);
  quota.entity = {{"client-id", std::nullopt}, {"user", "u"}};
  quota.remove = true;
  ASSERT_TRUE(image.Apply(quota).ok());
  protocol::RemoveUserScramCredentialRecord removed;
  removed.name = "u";
  removed.mechanism = 1;
  ASSERT_TRUE(image.Apply(removed).ok());
  EXPECT_EQ(image, Image());
}

TEST(Image, LeaderInAChangeIsANewLeaderEpoch) {
  Image image;
  ASSERT_TRUE(image.Apply(TopicOf("t", {1, 1})).ok());
  protocol::PartitionRecord partition;
  partition.topic_id = {1, 1};
  partition.partition_id = 0;
  partition.replicas = {1, 2};
  partition.isr = {1, 2};
  partition.leader = 1;
  partition.leader_epoch = 4;
  partition.partition_epoch = 6;
  ASSERT_TRUE(image.Apply(partition).ok());
  protocol::PartitionChangeRecord change;
  change.topic_id = {1, 1};
  change.partition_id = 0;
  change.isr = std::vector<int32_t>{1};
  ASSERT_TRUE(image.Apply(change).ok());
  EXPECT_EQ(image.FindPartition("t", PartitionIndex(0))->leader_epoch, LeaderEpoch(4));
  EXPECT_EQ(image.FindPartition("t", PartitionIndex(0))->partition_epoch, PartitionEpoch(7));
  change.leader = 1;
  ASSERT_TRUE(image.Apply(change).ok());
  EXPECT_EQ(image.FindPartition("t", PartitionIndex(0))->leader_epoch, LeaderEpoch(5));
}

TEST(Image, ClearElrIsForOneTopicOrForAll) {
  Image image;
  for (const uint64_t n : {1, 2}) {
    ASSERT_TRUE(image.Apply(TopicOf("t" + std::to_string(n), {n, n})).ok());
    protocol::PartitionRecord partition;
    partition.topic_id = {n, n};
    partition.partition_id = 0;
    partition.replicas = {1, 2};
    partition.eligible_leader_replicas = std::vector<int32_t>{2};
    ASSERT_TRUE(image.Apply(partition).ok());
  }
  protocol::ClearElrRecord clear;
  clear.topic_name = "t1";
  ASSERT_TRUE(image.Apply(clear).ok());
  EXPECT_TRUE(image.FindPartition("t1", PartitionIndex(0))->eligible_leader_replicas.empty());
  EXPECT_FALSE(image.FindPartition("t2", PartitionIndex(0))->eligible_leader_replicas.empty());
  clear.topic_name = "";
  ASSERT_TRUE(image.Apply(clear).ok());
  EXPECT_TRUE(image.FindPartition("t2", PartitionIndex(0))->eligible_leader_replicas.empty());
}

TEST(Fold, OpenTransactionIsNotVisible) {
  Fold fold;
  ASSERT_TRUE(fold.Apply(TopicOf("a", {1, 1})).ok());
  ASSERT_TRUE(fold.Apply(protocol::BeginTransactionRecord()).ok());
  ASSERT_TRUE(fold.Apply(TopicOf("b", {2, 2})).ok());
  EXPECT_NE(fold.image().FindTopic("b"), nullptr);
  EXPECT_EQ(fold.visible().FindTopic("b"), nullptr);
  EXPECT_FALSE(fold.Apply(protocol::BeginTransactionRecord()).ok());
  Fold aborted = fold;
  ASSERT_TRUE(fold.Apply(protocol::EndTransactionRecord()).ok());
  EXPECT_NE(fold.visible().FindTopic("b"), nullptr);
  ASSERT_TRUE(aborted.Apply(protocol::AbortTransactionRecord()).ok());
  EXPECT_EQ(aborted.image().FindTopic("b"), nullptr);
  EXPECT_FALSE(aborted.Apply(protocol::EndTransactionRecord()).ok());
}

TEST(StructureProblem, NamesWhatIsBroken) {
  PartitionState p;
  EXPECT_EQ(StructureProblem(p, 1), "no replicas");
  p.replicas = {NodeId(1), NodeId(2)};
  p.isr = {NodeId(1)};
  p.leader = NodeId(1);
  EXPECT_EQ(StructureProblem(p, 1), std::nullopt);
  p.leader = NodeId(2);
  EXPECT_EQ(StructureProblem(p, 1), "leader 2 is not in the ISR");
  p.leader = kNoNode;
  p.eligible_leader_replicas = {NodeId(2)};
  EXPECT_EQ(StructureProblem(p, 2), std::nullopt);
  EXPECT_NE(StructureProblem(p, 1), std::nullopt);
  p.isr = {NodeId(3)};
  EXPECT_EQ(StructureProblem(p, 2), "ISR member 3 is no replica");
}

// Drives a cluster by drawn steps: every operation that the controller has, some of them nonsense.
void RandomStep(Cluster& cluster, base::Prng& draws) {
  const auto between = [&draws](int low, int high) { return static_cast<int>(draws.Between(low, high)); };
  const std::string name = "t" + std::to_string(between(0, 4));
  const NodeId node(between(1, 4));
  const BrokerState* const broker = cluster.image().FindBroker(node);
  switch (between(0, 7)) {
    case 0: {
      protocol::CreateTopicsRequest request;
      auto& topic = request.topics.emplace_back();
      topic.name = name;
      topic.num_partitions = between(-1, 5);
      topic.replication_factor = static_cast<int16_t>(between(-1, 3));
      if (between(0, 1) == 1) topic.configs.push_back({"retention.ms", "5"});
      cluster.Do(cluster.controller().CreateTopics(request, cluster.draws()));
      break;
    }
    case 1: {
      protocol::DeleteTopicsRequest request;
      request.topics = {{name, Uuid()}};
      cluster.Do(cluster.controller().DeleteTopics(request, 6));
      break;
    }
    case 2: {
      protocol::CreatePartitionsRequest request;
      request.topics = {{name, between(0, 8), std::nullopt}};
      cluster.Do(cluster.controller().CreatePartitions(request, cluster.draws()));
      break;
    }
    case 3: {
      protocol::IncrementalAlterConfigsRequest request;
      const std::string value = between(0, 1) == 1 ? "true" : "false";
      const int8_t operation = static_cast<int8_t>(between(0, 2));
      request.resources = {{2, name, {{"unclean.leader.election.enable", operation, value}}},
                           {4, "", {{"message.max.bytes", operation, "77"}}}};
      cluster.Do(cluster.controller().IncrementalAlterConfigs(request));
      break;
    }
    case 4:
      cluster.Start(node);
      break;
    case 5:
      if (broker != nullptr) cluster.Fence(node);
      break;
    case 6:
      if (broker != nullptr) cluster.Write(cluster.controller().UnfenceBroker(node, broker->epoch).records);
      break;
    default:
      if (broker != nullptr) cluster.Do(cluster.controller().AllocateProducerIds(node, broker->epoch));
  }
}

RC_GTEST_PROP(ControllerProperty, MemoryIsTheFoldOfTheLogAndStructureHolds, (uint64_t seed)) {
  Cluster cluster(2);
  base::Prng draws(seed);
  const int64_t steps = draws.Between(0, 150);
  std::map<std::string, LeaderEpoch> epochs;
  std::map<NodeId, BrokerEpoch> broker_epochs;
  for (int64_t i = 0; i < steps; ++i) {
    RandomStep(cluster, draws);
    for (const auto& [name, topic] : cluster.image().topics()) {
      for (const auto& [index, partition] : topic->partitions) {
        RC_ASSERT(!StructureProblem(partition, 1).has_value());
        LeaderEpoch& last = epochs[topic->id.ToString() + std::to_string(index.value())];
        RC_ASSERT(last <= partition.leader_epoch);
        last = partition.leader_epoch;
        if (partition.leader == kNoNode) continue;
        RC_ASSERT(cluster.image().FindBroker(partition.leader)->is_active());
      }
    }
    for (const auto& [id, broker] : cluster.image().brokers()) {
      RC_ASSERT(broker_epochs[id] <= broker.epoch);
      broker_epochs[id] = broker.epoch;
    }
  }
  RC_CLASSIFY(cluster.log().size() > 50);
  Fold fold;
  for (const ByteBuffer& batch : EncodeBatches(cluster.log(), {})) {
    const auto decoded = DecodeBatch(batch);
    RC_ASSERT(decoded.ok());
    for (const Record& record : decoded->records) RC_ASSERT(fold.Apply(record).ok());
  }
  RC_ASSERT(fold.image() == cluster.image());
  RC_ASSERT(Fingerprint(fold.image()) == Fingerprint(cluster.image()));
  const auto snapshot = DecodeSnapshot(EncodeSnapshot(cluster.image(), SnapshotOptions()));
  RC_ASSERT(snapshot.ok());
  RC_ASSERT(snapshot->image == cluster.image());
}

RC_GTEST_PROP(PlacementProperty, ReplicasAreDistinctAndLeadersSpread, ()) {
  std::map<NodeId, BrokerState> brokers;
  const int count = *rc::gen::inRange(1, 9);
  int active = 0;
  for (int i = 0; i < count; ++i) {
    BrokerState broker;
    broker.id = NodeId(i);
    broker.fenced = i > 0 && *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) broker.rack = std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 3)));
    active += broker.is_active() ? 1 : 0;
    brokers[broker.id] = broker;
  }
  base::Prng draws(*rc::gen::arbitrary<uint64_t>());
  const PlacementOptions options{.partition_count = *rc::gen::inRange(1, 40),
                                 .replication_factor = static_cast<int16_t>(*rc::gen::inRange(1, count + 1))};
  std::map<NodeId, int> leaders;
  for (const std::vector<NodeId>& replicas : PlaceReplicas(brokers, options, draws)) {
    RC_ASSERT(replicas.size() == static_cast<size_t>(options.replication_factor));
    const std::set<NodeId> distinct(replicas.begin(), replicas.end());
    RC_ASSERT(distinct.size() == replicas.size());
    RC_ASSERT(brokers.at(replicas.front()).is_active());
    ++leaders[replicas.front()];
  }
  for (const auto& [id, times] : leaders) RC_ASSERT(times <= (options.partition_count + active - 1) / active);
}

TEST(Fingerprint, DiffersWithAnyPartOfTheImage) {
  Cluster cluster(1);
  uint64_t last = Fingerprint(cluster.image());
  const auto changed = [&] {
    const uint64_t now = Fingerprint(cluster.image());
    const bool differs = now != last;
    last = now;
    return differs;
  };
  cluster.Topic("t");
  EXPECT_TRUE(changed());
  cluster.Fence(NodeId(1));
  EXPECT_TRUE(changed());
  cluster.Start(NodeId(1));
  EXPECT_TRUE(changed());
  cluster.Do(cluster.controller().AllocateProducerIds(NodeId(1), cluster.image().FindBroker(NodeId(1))->epoch));
  EXPECT_TRUE(changed());
}

}  // namespace
}  // namespace odradek::metadata
