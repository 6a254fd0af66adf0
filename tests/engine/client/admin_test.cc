// Admin against scripted answers: what is tried again, what is not, and what an unclear attempt leaves behind.
#include "engine/client/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/describe_topic_partitions.h"
#include "tests/engine/client/fake_broker.h"

namespace odradek::client::testing {
namespace {

using protocol::ApiKey;
using ::testing::ElementsAre;

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    cluster_.StartNode(1);
    config_.common.bootstrap_servers = {FakeCluster::AddressOf(1)};
  }
  void RunAdmin(std::function<void(fiber::Fiber&, Admin&)> body) {
    bool finished = false;
    world_.scheduler.Spawn("user", [&](fiber::Fiber& self) {
      Admin admin(world_.env, config_);
      body(self, admin);
      finished = true;
    });
    world_.RunFor(Duration::Seconds(1000));
    EXPECT_TRUE(finished);
  }
  // CreateTopics is answered with these, one after the other; the last one stays.
  void AnswerCreateTopics(std::vector<ErrorCode> errors) {
    cluster_.answer = [this, errors](const Request& request) -> std::optional<net::OutParts> {
      if (request.key() != ApiKey::kCreateTopics) return std::nullopt;
      protocol::CreateTopicsResponse response;
      auto& topic = response.topics.emplace_back();
      topic.name = request.Body<protocol::CreateTopicsRequest>().topics.at(0).name;
      topic.error_code = protocol::ToWire(errors.at(std::min(created_count_++, errors.size() - 1)));
      return cluster_.AnswerTo(request, response);
    };
  }

  net::testing::FakeWorld world_;
  FakeCluster cluster_{world_};
  AdminConfig config_;
  size_t created_count_ = 0;
};

TEST_F(AdminTest, SaysAtOnceThatTheClusterHasNoSuchBroker) {
  RunAdmin([this](fiber::Fiber& self, Admin& admin) {
    const MonoTime start = self.Now();
    const ConfigResource broker{ConfigKind::kBroker, "77"};
    const AdminStatus described = admin.DescribeConfigs(self, {broker}).at(broker).status;
    EXPECT_EQ(described.what, "the cluster has no broker 77");
    EXPECT_EQ(described.error, ErrorCode::kBrokerNotAvailable);
    EXPECT_EQ(described.outcome, Outcome::kFail);
    EXPECT_EQ(admin.IncrementalAlterConfigs(self, {{broker, {}}}).at(broker).what, "the cluster has no broker 77");
    EXPECT_EQ(admin.DescribeLogDirs(self, NodeId(77)).status.what, "the cluster has no broker 77");
    EXPECT_LT(self.Now() - start, Duration::Seconds(2));
    EXPECT_LE(cluster_.counts[ApiKey::kMetadata], 4);
  });
}

TEST_F(AdminTest, AsksAgainWhenTheControllerIsElsewhere) {
  AnswerCreateTopics({ErrorCode::kNotController, ErrorCode::kNotController, ErrorCode::kNone});
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const AdminStatus status = admin.CreateTopics(self, {{.name = "t"}}).at("t");
    EXPECT_TRUE(status.ok()) << status.what;
  });
  EXPECT_EQ(created_count_, 3u);
}

TEST_F(AdminTest, ADefiniteErrorIsNotTriedAgain) {
  AnswerCreateTopics({ErrorCode::kTopicAlreadyExists});
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const AdminStatus status = admin.CreateTopics(self, {{.name = "t"}}).at("t");
    EXPECT_EQ(status.error, ErrorCode::kTopicAlreadyExists);
    EXPECT_EQ(status.outcome, Outcome::kFail);
  });
  EXPECT_EQ(created_count_, 1u);
}

TEST_F(AdminTest, AfterAnUnclearAttemptAnErrorIsUnknown) {
  AnswerCreateTopics({ErrorCode::kTopicAlreadyExists});
  int lost = 0;
  cluster_.request_fault = [&](fiber::Fiber&, const Request& request) {
    return request.key() == ApiKey::kCreateTopics && ++lost == 1 ? RequestFault::kDisconnect : RequestFault::kNone;
  };
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const AdminStatus status = admin.CreateTopics(self, {{.name = "t"}}).at("t");
    EXPECT_EQ(status.error, ErrorCode::kTopicAlreadyExists);
    EXPECT_EQ(status.outcome, Outcome::kUnknown) << "the first attempt may have made it";
  });
}

TEST_F(AdminTest, EndsAtTheDefaultApiTimeout) {
  config_.common.default_api_timeout = Duration::Seconds(7);
  cluster_.request_fault = [](fiber::Fiber&, const Request& request) {
    return request.key() == ApiKey::kCreateTopics ? RequestFault::kSilence : RequestFault::kNone;
  };
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const MonoTime start = self.Now();
    EXPECT_EQ(admin.CreateTopics(self, {{.name = "t"}}).at("t").outcome, Outcome::kUnknown);
    EXPECT_EQ(self.Now() - start, Duration::Seconds(7));
  });
}

TEST_F(AdminTest, WhatNeverLeftHasFailed) {
  config_.common.default_api_timeout = Duration::Seconds(7);
  config_.common.bootstrap_servers = {FakeCluster::AddressOf(9)};
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const AdminStatus status = admin.CreateTopics(self, {{.name = "t"}}).at("t");
    EXPECT_EQ(status.outcome, Outcome::kFail);
    EXPECT_FALSE(status.what.empty());
  });
}

TEST_F(AdminTest, OldBrokersGetTheNamesOfTopicsWhereTheyLookForThem) {
  for (const int16_t version : {int16_t{5}, int16_t{6}}) {
    cluster_.versions[static_cast<int16_t>(ApiKey::kDeleteTopics)] = {1, version};
    std::vector<std::string> deleted;
    cluster_.answer = [&](const Request& request) -> std::optional<net::OutParts> {
      if (request.key() != ApiKey::kDeleteTopics) return std::nullopt;
      const auto body = request.Body<protocol::DeleteTopicsRequest>();
      deleted = body.topic_names;
      for (const auto& topic : body.topics) deleted.push_back(topic.name.value_or("by id"));
      protocol::DeleteTopicsResponse response;
      for (const std::string& name : deleted) {
        response.responses.emplace_back();
        response.responses.back().name = name;
      }
      return cluster_.AnswerTo(request, response);
    };
    RunAdmin([](fiber::Fiber& self, Admin& admin) {
      const TopicStatuses statuses = admin.DeleteTopics(self, {"a", "b"});
      EXPECT_TRUE(statuses.at("a").ok()) << statuses.at("a").what;
      EXPECT_TRUE(statuses.at("b").ok());
    });
    EXPECT_THAT(deleted, ElementsAre("a", "b"));
  }
}

TEST_F(AdminTest, DescribesTopicsPageByPage) {
  std::vector<std::string> cursors;
  cluster_.answer = [&](const Request& request) -> std::optional<net::OutParts> {
    if (request.key() != ApiKey::kDescribeTopicPartitions) return std::nullopt;
    const auto body = request.Body<protocol::DescribeTopicPartitionsRequest>();
    cursors.push_back(body.cursor ? body.cursor->topic_name + std::to_string(body.cursor->partition_index) : "");
    protocol::DescribeTopicPartitionsResponse response;
    auto& topic = response.topics.emplace_back();
    topic.name = "t";
    topic.partitions.emplace_back();
    topic.partitions.back().partition_index = static_cast<int32_t>(cursors.size()) - 1;
    topic.partitions.back().eligible_leader_replicas = {4};
    if (cursors.size() < 3) response.next_cursor = {"t", static_cast<int32_t>(cursors.size())};
    return cluster_.AnswerTo(request, response);
  };
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const auto described = admin.DescribeTopics(self, {"t"});
    ASSERT_TRUE(described.ok()) << described.status.what;
    const TopicInfo& topic = described.value.at("t").value;
    ASSERT_EQ(topic.partitions.size(), 3u);
    EXPECT_EQ(topic.partitions[2].partition, PartitionIndex(2));
    EXPECT_EQ(topic.partitions[2].eligible_leader_replicas, std::vector{NodeId(4)});
    EXPECT_TRUE(admin.DescribeTopics(self, {}).value.empty());
  });
  EXPECT_THAT(cursors, ElementsAre("", "t1", "t2"));
}

TEST_F(AdminTest, DescribesTopicsOfBrokersWithoutPages) {
  cluster_.AddTopic("t", 2);
  cluster_.versions[static_cast<int16_t>(ApiKey::kDescribeTopicPartitions)] = {0, -1};
  RunAdmin([](fiber::Fiber& self, Admin& admin) {
    const auto described = admin.DescribeTopics(self, {"t", "nope"});
    ASSERT_TRUE(described.ok()) << described.status.what;
    EXPECT_EQ(described.value.at("t").value.partitions.size(), 2u);
    EXPECT_EQ(described.value.at("nope").status.error, ErrorCode::kUnknownTopicOrPartition);
  });
}

}  // namespace
}  // namespace odradek::client::testing
