#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/metadata/controller.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Change = protocol::IncrementalAlterConfigsRequest::AlterableConfig;
constexpr int8_t kTopicType = 2;
constexpr int8_t kBrokerType = 4;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;
constexpr int8_t kSubtract = 3;

struct Target {
  int8_t type;
  std::string name;
};

ErrorCode Alter(Cluster& cluster, const Target& target, const std::vector<Change>& changes) {
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({target.type, target.name, changes});
  const auto response = cluster.Do(cluster.controller().IncrementalAlterConfigs(request));
  return static_cast<ErrorCode>(response.responses.at(0).error_code);
}

ErrorCode AlterTopic(Cluster& cluster, const std::vector<Change>& changes) {
  return Alter(cluster, {kTopicType, "t"}, changes);
}

config::PropertyMap Configs(const Cluster& cluster, ResourceType type, const std::string& name) {
  const config::PropertyMap* const found = cluster.image().FindConfigs({type, name});
  return found == nullptr ? config::PropertyMap() : *found;
}

TEST(IncrementalAlterConfigs, SetsAndDeletesTopicProperties) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kSet, "5"}, {"segment.ms", kSet, "6"}}), ErrorCode::kNone);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"),
              UnorderedElementsAre(Pair("retention.ms", "5"), Pair("segment.ms", "6")));
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kDelete, std::nullopt}}), ErrorCode::kNone);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), ElementsAre(Pair("segment.ms", "6")));
}

TEST(IncrementalAlterConfigs, ValueThatIsThereAlreadyNeedsNoRecord) {
  Cluster cluster(1);
  cluster.Topic("t");
  AlterTopic(cluster, {{"retention.ms", kSet, "5"}});
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({kTopicType, "t", {{"retention.ms", kSet, "5"}, {"segment.ms", kDelete, std::nullopt}}});
  EXPECT_THAT(cluster.controller().IncrementalAlterConfigs(request).records, IsEmpty());
}

TEST(IncrementalAlterConfigs, AppendAndSubtractWorkOnLists) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kAppend, "delete"}}), ErrorCode::kNone);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), ElementsAre(Pair("cleanup.policy", "delete")));
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kSubtract, "delete"}}), ErrorCode::kNone);
  // Nothing is deleted by age or size then, and nothing compacted (Kafka 4).
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), ElementsAre(Pair("cleanup.policy", "")));
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kAppend, "delete"}}), ErrorCode::kNone);
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kAppend, "shred"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kAppend, "5"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kAppend, "compact"}}), ErrorCode::kNone);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), ElementsAre(Pair("cleanup.policy", "delete,compact")));
  EXPECT_EQ(AlterTopic(cluster, {{"cleanup.policy", kSubtract, "compact"}}), ErrorCode::kNone);
}

TEST(IncrementalAlterConfigs, BadRequestsAreRefused) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kSet, std::nullopt}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", 4, "1"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", -1, "1"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kSet, "1"}, {"retention.ms", kSet, "2"}}),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(AlterTopic(cluster, {{"retention.ms", kSet, "x"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(AlterTopic(cluster, {{"no.such", kSet, "x"}}), ErrorCode::kInvalidConfig);
  EXPECT_EQ(Alter(cluster, {kTopicType, "u"}, {{"retention.ms", kSet, "1"}}), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(Alter(cluster, {16, "x"}, {}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Alter(cluster, {99, "x"}, {}), ErrorCode::kInvalidRequest);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), IsEmpty());
}

TEST(IncrementalAlterConfigs, OneBadChangeKeepsTheWholeResourceAsItIs) {
  Cluster cluster(1);
  cluster.Topic("t");
  EXPECT_EQ(AlterTopic(cluster, {{"segment.ms", kSet, "6"}, {"retention.ms", kSet, "x"}}), ErrorCode::kInvalidConfig);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"), IsEmpty());
}

TEST(IncrementalAlterConfigs, ResourceThatIsThereTwiceIsRefused) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::IncrementalAlterConfigsRequest request;
  request.resources = {{kTopicType, "t", {{"segment.ms", kSet, "6"}}}, {kTopicType, "t", {}}};
  const auto outcome = cluster.controller().IncrementalAlterConfigs(request);
  ASSERT_THAT(outcome.response.responses, SizeIs(2));
  EXPECT_EQ(outcome.response.responses[0].error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
  EXPECT_EQ(outcome.response.responses[1].error_code, protocol::ToWire(ErrorCode::kInvalidRequest));
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(IncrementalAlterConfigs, NothingCannotBeAppended) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::IncrementalAlterConfigsRequest request;
  constexpr int8_t kAppend = 2;
  request.resources = {{kTopicType, "t", {{"cleanup.policy", kAppend, ""}}}};
  const auto outcome = cluster.controller().IncrementalAlterConfigs(request);
  EXPECT_EQ(outcome.response.responses.at(0).error_code, protocol::ToWire(ErrorCode::kInvalidConfig));
}

TEST(IncrementalAlterConfigs, BadTopicNameIsToldFromAMissingTopic) {
  Cluster cluster(1);
  protocol::IncrementalAlterConfigsRequest request;
  request.resources = {{kTopicType, "a/b", {}}, {kTopicType, "ab", {}}};
  const auto outcome = cluster.controller().IncrementalAlterConfigs(request);
  EXPECT_EQ(outcome.response.responses.at(0).error_code, protocol::ToWire(ErrorCode::kInvalidTopicException));
  EXPECT_EQ(outcome.response.responses.at(1).error_code, protocol::ToWire(ErrorCode::kUnknownTopicOrPartition));
}

TEST(IncrementalAlterConfigs, BrokerPropertiesAreForOneOrForAll) {
  Cluster cluster(1);
  const std::vector<Change> change = {{"message.max.bytes", kSet, "5000"}};
  EXPECT_EQ(Alter(cluster, {kBrokerType, ""}, change), ErrorCode::kNone);
  EXPECT_EQ(Alter(cluster, {kBrokerType, "1"}, change), ErrorCode::kNone);
  EXPECT_EQ(Alter(cluster, {kBrokerType, "2"}, change), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Alter(cluster, {kBrokerType, "one"}, change), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Alter(cluster, {kBrokerType, "1"}, {{"node.id", kSet, "2"}}), ErrorCode::kInvalidRequest);
  EXPECT_EQ(Alter(cluster, {kBrokerType, "1"}, {{"message.max.bytes", kSet, "x"}}), ErrorCode::kInvalidRequest);
  EXPECT_THAT(Configs(cluster, ResourceType::kBroker, ""), ElementsAre(Pair("message.max.bytes", "5000")));
}

TEST(IncrementalAlterConfigs, TopicsHaveNoDefault) {
  Cluster cluster(1);
  constexpr int8_t kTopicType = static_cast<int8_t>(ResourceType::kTopic);
  EXPECT_EQ(Alter(cluster, {kTopicType, ""}, {{"retention.ms", kSet, "1"}}), ErrorCode::kInvalidRequest);
}

TEST(IncrementalAlterConfigs, NewTopicsInheritTheClusterDefault) {
  Cluster cluster(1);
  Alter(cluster, {kBrokerType, ""}, {{"message.max.bytes", kSet, "5000"}});
  cluster.Topic("t");
  const NodeView node{NodeId(1), nullptr};
  const auto resolved =
      config::ResolveTopic(TopicLayers(cluster.image(), node, "t"), *config::FindTopicDef("max.message.bytes"));
  EXPECT_EQ(resolved.value->number, 5000);
  EXPECT_EQ(resolved.source, config::Source::kDynamicDefaultBroker);
}

TEST(IncrementalAlterConfigs, ValidateOnlyHasNoRecords) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({kTopicType, "t", {{"retention.ms", kSet, "5"}}});
  request.validate_only = true;
  const auto outcome = cluster.controller().IncrementalAlterConfigs(request);
  EXPECT_EQ(outcome.response.responses.at(0).error_code, 0);
  EXPECT_THAT(outcome.records, IsEmpty());
}

TEST(AlterConfigs, TakesAwayWhatIsNotNamed) {
  Cluster cluster(1);
  cluster.Topic("t");
  AlterTopic(cluster, {{"retention.ms", kSet, "5"}, {"segment.ms", kSet, "6"}});
  protocol::AlterConfigsRequest request;
  request.resources.push_back({kTopicType, "t", {{"segment.ms", "6"}, {"flush.ms", "7"}}});
  const auto outcome = cluster.controller().AlterConfigs(request);
  EXPECT_THAT(outcome.records, SizeIs(2));
  cluster.Write(outcome.records);
  EXPECT_THAT(Configs(cluster, ResourceType::kTopic, "t"),
              UnorderedElementsAre(Pair("segment.ms", "6"), Pair("flush.ms", "7")));
}

TEST(AlterConfigs, BadValueAnswersWithTheReason) {
  Cluster cluster(1);
  cluster.Topic("t");
  protocol::AlterConfigsRequest request;
  request.resources.push_back({kTopicType, "t", {{"segment.ms", "0"}}});
  const auto response = cluster.Do(cluster.controller().AlterConfigs(request));
  EXPECT_EQ(response.responses.at(0).error_code, protocol::ToWire(ErrorCode::kInvalidConfig));
  EXPECT_THAT(*response.responses.at(0).error_message, HasSubstr("segment.ms"));
  request.resources[0].configs = {{"segment.ms", std::nullopt}};
  EXPECT_EQ(cluster.Do(cluster.controller().AlterConfigs(request)).responses.at(0).error_code,
            protocol::ToWire(ErrorCode::kInvalidRequest));
}

}  // namespace
}  // namespace odradek::metadata
