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

using DeleteState = protocol::DeleteTopicsRequest::DeleteTopicState;

std::vector<int16_t> Delete(Cluster& cluster, const std::vector<DeleteState>& topics, int16_t version = 6) {
  protocol::DeleteTopicsRequest request;
  request.topics = topics;
  std::vector<int16_t> codes;
  for (const auto& r : cluster.Do(cluster.controller().DeleteTopics(request, version)).responses) {
    codes.push_back(r.error_code);
  }
  return codes;
}

TEST(DeleteTopics, RemovesTopicAndItsConfigs) {
  Cluster cluster(1);
  const TopicId id = cluster.Topic("t").id;
  protocol::IncrementalAlterConfigsRequest alter;
  alter.resources.push_back({2, "t", {{"retention.ms", 0, "5"}}});
  cluster.Do(cluster.controller().IncrementalAlterConfigs(alter));
  EXPECT_NE(cluster.image().FindConfigs({ResourceType::kTopic, "t"}), nullptr);
  EXPECT_THAT(Delete(cluster, {{"t", Uuid()}}), ElementsAre(0));
  EXPECT_EQ(cluster.image().FindTopic("t"), nullptr);
  EXPECT_EQ(cluster.image().FindTopicById(id), nullptr);
  EXPECT_EQ(cluster.image().FindConfigs({ResourceType::kTopic, "t"}), nullptr);
}

TEST(DeleteTopics, AnswersNameAndIdWhicheverWasGiven) {
  Cluster cluster(1);
  const TopicId id = cluster.Topic("t").id;
  protocol::DeleteTopicsRequest request;
  request.topics = {{std::nullopt, id}};
  const auto response = cluster.Do(cluster.controller().DeleteTopics(request, 6));
  EXPECT_EQ(response.responses.at(0).name, "t");
  EXPECT_EQ(response.responses.at(0).topic_id, id);
}

TEST(DeleteTopics, OldVersionsGiveNames) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::DeleteTopicsRequest request;
  request.topic_names = {"t", "u"};
  const auto response = cluster.Do(cluster.controller().DeleteTopics(request, 5));
  EXPECT_EQ(response.responses.at(0).error_code, 0);
  EXPECT_EQ(response.responses.at(1).error_code, protocol::ToWire(ErrorCode::kUnknownTopicOrPartition));
}

TEST(DeleteTopics, UnknownNameAndUnknownIdHaveTheirOwnErrors) {
  Cluster cluster(1);
  EXPECT_THAT(
      Delete(cluster, {{"t", Uuid()}, {std::nullopt, Uuid{1, 2}}}),
      ElementsAre(protocol::ToWire(ErrorCode::kUnknownTopicOrPartition), protocol::ToWire(ErrorCode::kUnknownTopicId)));
}

TEST(DeleteTopics, TopicThatIsMeantTwiceIsNotDeleted) {
  Cluster cluster(1);
  const TopicId id = cluster.Topic("t").id;
  const int16_t bad = protocol::ToWire(ErrorCode::kInvalidRequest);
  EXPECT_THAT(Delete(cluster, {{"t", Uuid()}, {std::nullopt, id}}), ElementsAre(bad));
  EXPECT_THAT(Delete(cluster, {{"x", Uuid()}, {"x", Uuid()}}), ElementsAre(bad));
  EXPECT_THAT(Delete(cluster, {{"t", id}}), ElementsAre(bad));
  EXPECT_THAT(Delete(cluster, {{std::nullopt, Uuid()}}), ElementsAre(bad));
  EXPECT_NE(cluster.image().FindTopic("t"), nullptr);
}

TEST(DeleteTopics, DisabledDeletionHasItsOwnErrorFromVersion3) {
  ControllerOptions options;
  options.topic_deletion = ControllerOptions::TopicDeletion::kDisabled;
  Cluster cluster(1, options);
  cluster.Topic("t");
  EXPECT_THAT(Delete(cluster, {{"t", Uuid()}}), ElementsAre(protocol::ToWire(ErrorCode::kTopicDeletionDisabled)));
  EXPECT_THAT(Delete(cluster, {{"t", Uuid()}}, 2), ElementsAre(protocol::ToWire(ErrorCode::kInvalidRequest)));
}

TEST(DeleteTopics, TopicThatIsMadeAgainHasAnotherId) {
  Cluster cluster(1);
  const TopicId first = cluster.Topic("t").id;
  Delete(cluster, {{"t", Uuid()}});
  EXPECT_NE(cluster.Topic("t").id, first);
}

using Growing = protocol::CreatePartitionsRequest::Topic;

protocol::CreatePartitionsResponse::TopicResult Grow(Cluster& cluster, const Growing& topic) {
  protocol::CreatePartitionsRequest request;
  request.topics.push_back(topic);
  return cluster.Do(cluster.controller().CreatePartitions(request, cluster.draws())).results.at(0);
}

TEST(CreatePartitions, AddsPartitionsWithTheTopicsReplicationFactor) {
  Cluster cluster(3);
  cluster.Topic("t", 2, 2);
  EXPECT_EQ(Grow(cluster, {"t", 5, std::nullopt}).error_code, 0);
  ASSERT_THAT(cluster.image().FindTopic("t")->partitions, SizeIs(5));
  EXPECT_THAT(cluster.image().FindPartition("t", PartitionIndex(4))->replicas, SizeIs(2));
}

TEST(CreatePartitions, RefusesWhatIsNoIncrease) {
  Cluster cluster(1);
  cluster.Topic("t", 3);
  EXPECT_EQ(*Grow(cluster, {"t", 3, std::nullopt}).error_message, "Topic already has 3 partition(s).");
  const auto fewer = Grow(cluster, {"t", 1, std::nullopt});
  EXPECT_EQ(fewer.error_code, protocol::ToWire(ErrorCode::kInvalidPartitions));
  EXPECT_EQ(*fewer.error_message, "The topic t currently has 3 partition(s); 1 would not be an increase.");
  EXPECT_EQ(Grow(cluster, {"t", -1, std::nullopt}).error_code, protocol::ToWire(ErrorCode::kInvalidPartitions));
  EXPECT_EQ(Grow(cluster, {"u", 2, std::nullopt}).error_code, protocol::ToWire(ErrorCode::kUnknownTopicOrPartition));
}

TEST(CreatePartitions, TakesAssignmentsForTheNewOnes) {
  Cluster cluster(3);
  cluster.Topic("t", 1, 2);
  using Assignments = std::vector<protocol::CreatePartitionsRequest::Assignment>;
  const int16_t bad = protocol::ToWire(ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(Grow(cluster, {"t", 3, Assignments{{{1, 2}}}}).error_code, bad);
  EXPECT_EQ(Grow(cluster, {"t", 2, Assignments{{{1}}}}).error_code, bad);
  EXPECT_EQ(Grow(cluster, {"t", 3, Assignments{{{3, 1}}, {{2, 3}}}}).error_code, 0);
  EXPECT_THAT(cluster.image().FindPartition("t", PartitionIndex(1))->replicas, ElementsAre(NodeId(3), NodeId(1)));
}

TEST(CreatePartitions, NameThatIsThereTwiceIsRefused) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::CreatePartitionsRequest request;
  request.topics = {{"t", 2, std::nullopt}, {"t", 3, std::nullopt}};
  const auto outcome = cluster.controller().CreatePartitions(request, cluster.draws());
  ASSERT_THAT(outcome.response.results, SizeIs(1));
  EXPECT_EQ(outcome.response.results[0].error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(CreatePartitions, AbsurdCountIsRefusedBeforeAnythingIsAllocated) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(Grow(cluster, {"t", 2147483647, std::nullopt}).error_code, protocol::ToWire(ErrorCode::kPolicyViolation));
}

TEST(CreatePartitions, ValidateOnlyHasNoRecords) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::CreatePartitionsRequest request;
  request.topics = {{"t", 2, std::nullopt}};
  request.validate_only = true;
  const auto outcome = cluster.controller().CreatePartitions(request, cluster.draws());
  EXPECT_EQ(outcome.response.results.at(0).error_code, 0);
  EXPECT_THAT(outcome.records, IsEmpty());
}

}  // namespace
}  // namespace odradek::metadata
