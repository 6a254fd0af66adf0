#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/metadata/controller.h"
#include "engine/metadata/topic_name.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using NewTopic = protocol::CreateTopicsRequest::CreatableTopic;

NewTopic Named(std::string name) {
  NewTopic topic;
  topic.name = std::move(name);
  topic.num_partitions = -1;
  topic.replication_factor = -1;
  return topic;
}

NewTopic Assigned(std::string name, std::vector<std::vector<int32_t>> assignments) {
  NewTopic topic = Named(std::move(name));
  for (size_t i = 0; i < assignments.size(); ++i) {
    topic.assignments.push_back({static_cast<int32_t>(i), assignments[i]});
  }
  return topic;
}

protocol::CreateTopicsResponse::CreatableTopicResult Create(Cluster& cluster, const NewTopic& topic) {
  protocol::CreateTopicsRequest request;
  request.topics.push_back(topic);
  const auto response = cluster.Do(cluster.controller().CreateTopics(request, cluster.draws()));
  EXPECT_THAT(response.topics, SizeIs(1));
  return response.topics.at(0);
}

ErrorCode ErrorOf(Cluster& cluster, const NewTopic& topic) {
  const auto result = Create(cluster, topic);
  EXPECT_EQ(result.error_code == 0, !result.error_message.has_value());
  return static_cast<ErrorCode>(result.error_code);
}

TEST(CreateTopics, MakesTopicConfigsAndPartitions) {
  Cluster cluster(1);
  NewTopic topic = Named("orders");
  topic.num_partitions = 3;
  topic.configs.push_back({"retention.ms", "1000"});
  const auto result = Create(cluster, topic);
  ASSERT_EQ(result.error_code, 0);
  const TopicState* const made = cluster.image().FindTopic("orders");
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->id, result.topic_id);
  EXPECT_EQ(result.num_partitions, 3);
  EXPECT_EQ(result.replication_factor, 1);
  ASSERT_THAT(made->partitions, SizeIs(3));
  const PartitionState& partition = made->partitions.at(PartitionIndex(2));
  EXPECT_EQ(partition.leader, NodeId(1));
  EXPECT_THAT(partition.isr, ElementsAre(NodeId(1)));
  EXPECT_THAT(partition.directories, ElementsAre(Uuid{9, 1}));
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch(0));
  EXPECT_EQ(cluster.image().FindConfigs({ResourceType::kTopic, "orders"})->at("retention.ms"), "1000");
}

TEST(CreateTopics, AnswersEffectiveConfigsWithSources) {
  ControllerOptions options;
  options.static_properties = {{"message.max.bytes", "7777"}};
  Cluster cluster(1, options);
  NewTopic topic = Named("t");
  topic.configs.push_back({"retention.ms", "1000"});
  const auto result = Create(cluster, topic);
  ASSERT_TRUE(result.configs.has_value());
  const auto find = [&](std::string_view name) {
    for (const auto& c : *result.configs) {
      if (c.name == name) return c;
    }
    return protocol::CreateTopicsResponse::CreatableTopicConfigs{};
  };
  EXPECT_EQ(find("retention.ms").config_source, 1);
  EXPECT_EQ(find("retention.ms").value, "1000");
  EXPECT_EQ(find("max.message.bytes").config_source, 4);
  EXPECT_EQ(find("max.message.bytes").value, "7777");
  EXPECT_EQ(find("segment.bytes").config_source, 5);
}

TEST(CreateTopics, UsesDefaultsForMinusOne) {
  ControllerOptions options;
  options.default_partition_count = 4;
  options.default_replication_factor = 2;
  Cluster cluster(3, options);
  const auto result = Create(cluster, Named("t"));
  EXPECT_EQ(result.num_partitions, 4);
  EXPECT_EQ(result.replication_factor, 2);
}

TEST(CreateTopics, RefusesBadNames) {
  Cluster cluster(1);
  for (const std::string& name : {std::string(""), std::string("."), std::string(".."), std::string("a b"),
                                  std::string("a/b"), std::string("\xc3\xa9"), std::string(250, 'a')}) {
    EXPECT_EQ(ErrorOf(cluster, Named(name)), ErrorCode::kInvalidTopicException) << name;
  }
  EXPECT_EQ(ErrorOf(cluster, Named(std::string(249, 'a'))), ErrorCode::kNone);
  EXPECT_EQ(ErrorOf(cluster, Named("...")), ErrorCode::kNone);
}

TEST(CreateTopics, RefusesNamesThatCollideInMetrics) {
  Cluster cluster(1);
  cluster.Topic("a.b");
  EXPECT_EQ(ErrorOf(cluster, Named("a_b")), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(ErrorOf(cluster, Named("a-b")), ErrorCode::kNone);
}

TEST(CreateTopics, RefusesTwoCollidingNamesInOneRequest) {
  Cluster cluster(1);
  protocol::CreateTopicsRequest request;
  request.topics = {Named("x.y"), Named("x_y")};
  const auto response = cluster.Do(cluster.controller().CreateTopics(request, cluster.draws()));
  EXPECT_EQ(response.topics.at(0).error_code, 0);
  EXPECT_EQ(response.topics.at(1).error_code, protocol::ToWire(ErrorCode::kInvalidTopicException));
}

TEST(CreateTopics, RefusesTheMetadataTopic) {
  Cluster cluster(1);
  EXPECT_EQ(ErrorOf(cluster, Named("__cluster_metadata")), ErrorCode::kInvalidRequest);
}

TEST(CreateTopics, RefusesExistingTopic) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(ErrorOf(cluster, Named("t")), ErrorCode::kTopicAlreadyExists);
}

TEST(CreateTopics, RefusesNameThatIsThereTwiceWithOneAnswer) {
  Cluster cluster(1);
  protocol::CreateTopicsRequest request;
  request.topics = {Named("a"), Named("b"), Named("a")};
  const auto response = cluster.Do(cluster.controller().CreateTopics(request, cluster.draws()));
  ASSERT_THAT(response.topics, SizeIs(2));
  EXPECT_EQ(response.topics[0].error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(response.topics[1].error_code, 0);
}

TEST(CreateTopics, RefusesBadCounts) {
  Cluster cluster(2);
  NewTopic topic = Named("t");
  topic.num_partitions = 0;
  EXPECT_EQ(ErrorOf(cluster, topic), ErrorCode::kInvalidPartitions);
  topic.num_partitions = 1;
  topic.replication_factor = 0;
  EXPECT_EQ(ErrorOf(cluster, topic), ErrorCode::kInvalidReplicationFactor);
  topic.replication_factor = 3;
  const auto result = Create(cluster, topic);
  EXPECT_EQ(static_cast<ErrorCode>(result.error_code), ErrorCode::kInvalidReplicationFactor);
  EXPECT_THAT(*result.error_message, HasSubstr("only 2 broker(s)"));
}

TEST(CreateTopics, RefusesWhenAllBrokersAreFenced) {
  Cluster cluster(1);
  cluster.Fence(NodeId(1));
  EXPECT_EQ(ErrorOf(cluster, Named("t")), ErrorCode::kInvalidReplicationFactor);
}

TEST(CreateTopics, RefusesMoreThanARequestMayCreate) {
  ControllerOptions options;
  options.partitions_per_request_max = 5;
  Cluster cluster(1, options);
  NewTopic topic = Named("t");
  topic.num_partitions = 6;
  EXPECT_EQ(ErrorOf(cluster, topic), ErrorCode::kPolicyViolation);
  topic.num_partitions = 5;
  EXPECT_EQ(ErrorOf(cluster, topic), ErrorCode::kNone);
}

TEST(CreateTopics, ChecksManualAssignments) {
  Cluster cluster(3);
  EXPECT_EQ(ErrorOf(cluster, Assigned("ok", {{2, 1}, {3, 2}})), ErrorCode::kNone);
  EXPECT_EQ(cluster.image().FindPartition("ok", PartitionIndex(1))->leader, NodeId(3));
  EXPECT_EQ(ErrorOf(cluster, Assigned("t", {{1, 1}})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(ErrorOf(cluster, Assigned("t", {{}})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(ErrorOf(cluster, Assigned("t", {{9}})), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(ErrorOf(cluster, Assigned("t", {{1, 2}, {3}})), ErrorCode::kInvalidReplicaAssignment);
  NewTopic gap = Assigned("t", {{1}, {2}});
  gap.assignments[1].partition_index = 2;
  EXPECT_EQ(ErrorOf(cluster, gap), ErrorCode::kInvalidReplicaAssignment);
  gap.assignments[1].partition_index = 0;
  EXPECT_EQ(ErrorOf(cluster, gap), ErrorCode::kInvalidReplicaAssignment);
  NewTopic both = Assigned("t", {{1}});
  both.num_partitions = 1;
  EXPECT_EQ(ErrorOf(cluster, both), ErrorCode::kInvalidRequest);
  both.num_partitions = -1;
  both.replication_factor = 1;
  EXPECT_EQ(ErrorOf(cluster, both), ErrorCode::kInvalidRequest);
}

TEST(CreateTopics, LeavesFencedReplicasOutOfTheIsr) {
  Cluster cluster(3);
  cluster.Fence(NodeId(2));
  EXPECT_EQ(ErrorOf(cluster, Assigned("t", {{2, 1}})), ErrorCode::kNone);
  const PartitionState& partition = *cluster.image().FindPartition("t", PartitionIndex(0));
  EXPECT_EQ(partition.leader, NodeId(1));
  EXPECT_THAT(partition.isr, ElementsAre(NodeId(1)));
  EXPECT_EQ(ErrorOf(cluster, Assigned("u", {{2}})), ErrorCode::kInvalidReplicaAssignment);
}

TEST(CreateTopics, RefusesBadConfigsWithTheReason) {
  Cluster cluster(1);
  const auto with = [](std::string name, std::optional<std::string> value) {
    NewTopic topic = Named("t");
    topic.configs.push_back({std::move(name), std::move(value)});
    return topic;
  };
  EXPECT_EQ(ErrorOf(cluster, with("no.such", "1")), ErrorCode::kInvalidConfig);
  EXPECT_EQ(ErrorOf(cluster, with("retention.ms", std::nullopt)), ErrorCode::kInvalidConfig);
  EXPECT_EQ(ErrorOf(cluster, with("cleanup.policy", "shred")), ErrorCode::kInvalidConfig);
  EXPECT_THAT(*Create(cluster, with("segment.bytes", "5")).error_message, HasSubstr("segment.bytes"));
  EXPECT_EQ(cluster.image().FindTopic("t"), nullptr);
}

TEST(CreateTopics, ValidateOnlyAnswersWithoutRecords) {
  Cluster cluster(1);
  protocol::CreateTopicsRequest request;
  request.topics = {Named("a"), Named("a b")};
  request.validate_only = true;
  const auto outcome = cluster.controller().CreateTopics(request, cluster.draws());
  EXPECT_THAT(outcome.records, SizeIs(0));
  EXPECT_EQ(outcome.response.topics.at(0).error_code, 0);
  EXPECT_NE(outcome.response.topics.at(1).error_code, 0);
}

TEST(CreateTopics, OneBadTopicDoesNotStopTheOthers) {
  Cluster cluster(1);
  protocol::CreateTopicsRequest request;
  request.topics = {Named("a b"), Named("good")};
  cluster.Do(cluster.controller().CreateTopics(request, cluster.draws()));
  EXPECT_NE(cluster.image().FindTopic("good"), nullptr);
}

TEST(CreateTopics, RequestWithoutTopicsIsAnsweredEmpty) {
  Cluster cluster(1);
  const auto outcome = cluster.controller().CreateTopics({}, cluster.draws());
  EXPECT_THAT(outcome.response.topics, SizeIs(0));
  EXPECT_THAT(outcome.records, SizeIs(0));
}

RC_GTEST_PROP(TopicNameProperty, AllowedNamesAreFileNamesWithoutSurprises, (std::string name)) {
  if (TopicNameProblem(name)) return;
  RC_ASSERT(!name.empty());
  RC_ASSERT(name.size() <= 249u);
  RC_ASSERT(name != "." && name != "..");
  for (const char c : name) RC_ASSERT(std::isalnum(static_cast<unsigned char>(c)) || std::strchr("._-", c) != nullptr);
}

RC_GTEST_PROP(TopicNameProperty, NamesOfAllowedCharactersAreAllowed, ()) {
  const std::string alphabet = "abcXYZ019._-";
  const auto name = *rc::gen::container<std::string>(rc::gen::elementOf(alphabet));
  RC_PRE(!name.empty() && name.size() <= 249 && name != "." && name != "..");
  RC_ASSERT(!TopicNameProblem(name).has_value());
  RC_ASSERT(CollisionKey(name).find('.') == std::string::npos);
  RC_ASSERT(CollisionKey(CollisionKey(name)) == CollisionKey(name));
}

}  // namespace
}  // namespace odradek::metadata
