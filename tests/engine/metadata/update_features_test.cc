#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/metadata/controller.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int8_t kUp = 1;
constexpr int8_t kSafelyDown = 2;
constexpr int8_t kUnsafelyDown = 3;
const std::string kElrName = "eligible.leader.replicas.version";

struct Wanted {
  std::string feature;
  int16_t level;
  int8_t type = kUp;
};

protocol::UpdateFeaturesRequest UpdateOf(const std::vector<Wanted>& wanted) {
  protocol::UpdateFeaturesRequest request;
  for (const Wanted& w : wanted) {
    auto& update = request.feature_updates.emplace_back();
    update.feature = w.feature;
    update.max_version_level = w.level;
    update.upgrade_type = w.type;
  }
  return request;
}

ErrorCode Update(Cluster& cluster, const std::vector<Wanted>& wanted) {
  return static_cast<ErrorCode>(cluster.Do(cluster.controller().UpdateFeatures(UpdateOf(wanted), 2)).error_code);
}

int16_t LevelOfFeature(const Cluster& cluster, const std::string& feature) {
  const auto at = cluster.image().features().find(feature);
  return at == cluster.image().features().end() ? int16_t{0} : at->second;
}

void SetLevel(Cluster& cluster, int16_t level) {
  protocol::FeatureLevelRecord record;
  record.name = "metadata.version";
  record.feature_level = level;
  cluster.Write({record});
}

TEST(UpdateFeatures, LevelGoesUp) {  // KIP-584
  Cluster cluster(1);
  SetLevel(cluster, 20);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 30}}), ErrorCode::kNone);
  EXPECT_EQ(LevelOfFeature(cluster, "metadata.version"), 30);
  EXPECT_THAT(cluster.controller().UpdateFeatures(UpdateOf({{"metadata.version", 30}}), 2).records, IsEmpty());
}

TEST(UpdateFeatures, LevelGoesDownOnlyWhenAsked) {  // KIP-584
  Cluster cluster(1);
  SetLevel(cluster, 29);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 28}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 28, kSafelyDown}}), ErrorCode::kNone);
  EXPECT_EQ(LevelOfFeature(cluster, "metadata.version"), 28);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 29, kSafelyDown}}), ErrorCode::kInvalidUpdateVersion);
}

TEST(UpdateFeatures, DowngradeThatLosesMetadataIsRefused) {  // KIP-778
  Cluster cluster(1);
  for (const int16_t lossy : {8, 11, 13, 14, 15, 17, 23, 30}) {
    SetLevel(cluster, lossy);
    const int16_t below = static_cast<int16_t>(lossy - 1);
    EXPECT_EQ(Update(cluster, {{"metadata.version", below, kSafelyDown}}), ErrorCode::kInvalidUpdateVersion) << lossy;
    EXPECT_EQ(Update(cluster, {{"metadata.version", below, kUnsafelyDown}}), ErrorCode::kInvalidUpdateVersion);
  }
  for (const int16_t free : {9, 10, 12, 16, 18, 22, 24, 29}) {
    SetLevel(cluster, free);
    const int16_t below = static_cast<int16_t>(free - 1);
    EXPECT_EQ(Update(cluster, {{"metadata.version", below, kSafelyDown}}), ErrorCode::kNone) << free;
  }
}

TEST(UpdateFeatures, EverybodyMustSupportTheLevel) {  // KIP-584
  Cluster cluster(1);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 31}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(Update(cluster, {{"metadata.version", 6, kSafelyDown}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(Update(cluster, {{"no.such.feature", 1}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(Update(cluster, {{kElrName, -1}}), ErrorCode::kInvalidUpdateVersion);
  BrokerRegistration old = Cluster::Registration(NodeId(2), 99);
  old.features[kElrName] = {0, 0};
  cluster.Do(cluster.controller().RegisterBroker(old, cluster.end(), Session::kExpired));
  const auto outcome = cluster.controller().UpdateFeatures(UpdateOf({{kElrName, 1}}), 2);
  EXPECT_EQ(outcome.response.error_code, protocol::ToWire(ErrorCode::kInvalidUpdateVersion));
  EXPECT_THAT(*outcome.response.error_message, HasSubstr("Broker 2 only supports versions 0-0"));
}

TEST(UpdateFeatures, ControllersMustHaveRegistered) {  // KIP-919
  ControllerOptions options;
  options.other_voters = {NodeId(9)};
  Cluster cluster(1, options);
  EXPECT_EQ(Update(cluster, {{kElrName, 1}}), ErrorCode::kInvalidUpdateVersion);
  protocol::RegisterControllerRecord record;
  record.controller_id = 9;
  record.features = {{kElrName, 0, 0}};
  cluster.Write({record});
  EXPECT_EQ(Update(cluster, {{kElrName, 1}}), ErrorCode::kInvalidUpdateVersion);
  record.features = {{kElrName, 0, 1}};
  cluster.Write({record});
  EXPECT_EQ(Update(cluster, {{kElrName, 1}}), ErrorCode::kNone);
}

TEST(UpdateFeatures, OneFailureFailsAll) {
  Cluster cluster(1);
  SetLevel(cluster, 25);
  const auto outcome = cluster.controller().UpdateFeatures(UpdateOf({{"metadata.version", 26}, {kElrName, 2}}), 1);
  EXPECT_EQ(outcome.response.error_code, protocol::ToWire(ErrorCode::kInvalidUpdateVersion));
  EXPECT_THAT(outcome.response.results, IsEmpty());
  EXPECT_THAT(outcome.records, IsEmpty());
  EXPECT_EQ(Update(cluster, {{kElrName, 1}, {kElrName, 0}}), ErrorCode::kInvalidRequest);
}

TEST(UpdateFeatures, DryRunAnswersOnly) {
  Cluster cluster(1);
  SetLevel(cluster, 25);
  auto request = UpdateOf({{"metadata.version", 26}});
  request.validate_only = true;
  const auto outcome = cluster.controller().UpdateFeatures(request, 2);
  EXPECT_EQ(outcome.response.error_code, 0);
  EXPECT_THAT(outcome.records, IsEmpty());
  request.feature_updates[0].max_version_level = 40;
  EXPECT_NE(cluster.controller().UpdateFeatures(request, 2).response.error_code, 0);
}

TEST(UpdateFeatures, OlderVersionsSayItOtherwise) {
  Cluster cluster(1);
  SetLevel(cluster, 25);
  auto request = UpdateOf({{"metadata.version", 24, 0}});
  EXPECT_NE(cluster.controller().UpdateFeatures(request, 0).response.error_code, 0);
  request.feature_updates[0].allow_downgrade = true;
  const auto outcome = cluster.controller().UpdateFeatures(request, 0);
  EXPECT_EQ(outcome.response.error_code, 0);
  ASSERT_THAT(outcome.response.results, SizeIs(1));
  EXPECT_EQ(outcome.response.results[0].feature, "metadata.version");
  EXPECT_NE(cluster.controller().UpdateFeatures(request, 1).response.error_code, 0);  // type 0 is none
}

TEST(UpdateFeatures, ElrNeedsItsRecords) {  // KIP-966
  Cluster cluster(1);
  SetLevel(cluster, 22);
  EXPECT_EQ(Update(cluster, {{kElrName, 1}}), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(Update(cluster, {{kElrName, 1}, {"metadata.version", 23}}), ErrorCode::kNone);
}

TEST(UpdateFeatures, ElrBringsItsMinimumIntoTheLog) {  // KIP-966
  ControllerOptions options;
  options.static_properties = {{"min.insync.replicas", "2"}};
  Cluster cluster(1, options);
  protocol::ConfigRecord of_one;
  of_one.resource_type = static_cast<int8_t>(ResourceType::kBroker);
  of_one.resource_name = "1";
  of_one.name = "min.insync.replicas";
  of_one.value = "1";
  cluster.Write({of_one});
  EXPECT_EQ(Update(cluster, {{kElrName, 1}}), ErrorCode::kNone);
  EXPECT_EQ(cluster.image().FindConfigs({ResourceType::kBroker, "1"}), nullptr);
  EXPECT_EQ(cluster.image().FindConfigs({ResourceType::kBroker, ""})->at("min.insync.replicas"), "2");
}

TEST(UpdateFeatures, EndOfElrLeavesNobodyEligibleAndNoIsrEmpty) {  // KIP-966
  Cluster cluster(3, WithElr());
  cluster.Assigned("some", {1, 2, 3});
  cluster.Assigned("none", {2, 3});
  cluster.Fence(NodeId(3));
  cluster.Fence(NodeId(2));
  ASSERT_THAT(cluster.Partition("none").isr, IsEmpty());
  ASSERT_THAT(cluster.Partition("some").eligible_leader_replicas, SizeIs(1));
  EXPECT_EQ(Update(cluster, {{kElrName, 0, kSafelyDown}}), ErrorCode::kNone);
  EXPECT_THAT(cluster.Partition("some").eligible_leader_replicas, IsEmpty());
  EXPECT_EQ(cluster.Partition("some").isr, Ids({1}));
  EXPECT_THAT(cluster.Partition("none").eligible_leader_replicas, IsEmpty());
  EXPECT_THAT(cluster.Partition("none").last_known_elr, IsEmpty());
  EXPECT_EQ(cluster.Partition("none").isr, Ids({3, 2}));
  cluster.Do(cluster.controller().UnfenceBroker(NodeId(3), cluster.EpochOf(NodeId(3))));
  EXPECT_EQ(cluster.Partition("none").leader, NodeId(3));
}

protocol::IncrementalAlterConfigsRequest MinimumRequest(ResourceType type, const std::string& name,
                                                        std::optional<std::string> value) {
  protocol::IncrementalAlterConfigsRequest request;
  const int8_t operation = value ? 0 : 1;
  request.resources.push_back(
      {static_cast<int8_t>(type), name, {{"min.insync.replicas", operation, std::move(value)}}});
  return request;
}

TEST(MinimumIsr, WithElrThereIsOneForTheCluster) {  // FEATURES.md 5.2, KIP-966
  Cluster cluster(1, WithElr());
  const auto code = [&](ResourceType type, const std::string& name, std::optional<std::string> value) {
    const auto outcome = cluster.controller().IncrementalAlterConfigs(MinimumRequest(type, name, std::move(value)));
    return static_cast<ErrorCode>(outcome.response.responses.at(0).error_code);
  };
  EXPECT_EQ(code(ResourceType::kBroker, "1", "1"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code(ResourceType::kBroker, "", std::nullopt), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code(ResourceType::kBroker, "", "3"), ErrorCode::kNone);
  protocol::AlterConfigsRequest all;
  all.resources.push_back({static_cast<int8_t>(ResourceType::kBroker), "", {}});
  EXPECT_EQ(cluster.controller().AlterConfigs(all).response.responses.at(0).error_code,
            protocol::ToWire(ErrorCode::kInvalidConfig));
}

TEST(MinimumIsr, SmallerOneEndsTheElrOfIsrsThatAreLargeEnoughNow) {  // SEMANTICS.md 32, PROPERTIES.md R8
  Cluster cluster(3, WithElr("3"));
  cluster.Assigned("t", {1, 2, 3});
  cluster.Assigned("empty", {3});
  cluster.Fence(NodeId(3));
  ASSERT_EQ(cluster.Partition("t").eligible_leader_replicas, Ids({3}));
  cluster.Do(cluster.controller().IncrementalAlterConfigs(MinimumRequest(ResourceType::kTopic, "t", "2")));
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, IsEmpty());
  cluster.Do(cluster.controller().IncrementalAlterConfigs(MinimumRequest(ResourceType::kBroker, "", "1")));
  EXPECT_EQ(cluster.Partition("empty").eligible_leader_replicas, Ids({3}));
}

}  // namespace
}  // namespace odradek::metadata
