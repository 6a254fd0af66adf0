#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Uuid kFirst{9, 101};
const Uuid kSecond{9, 102};

// Broker 1 registers with two directories.
struct TwoDirectories {
  TwoDirectories() {
    BrokerRegistration registration = Cluster::Registration(NodeId(1), 1);
    registration.log_dirs = {kFirst, kSecond};
    auto outcome = cluster.controller().RegisterBroker(registration, cluster.end(), Session::kExpired);
    cluster.Write(outcome.records);
    epoch = outcome.response.epoch;
    cluster.Write(cluster.controller().UnfenceBroker(NodeId(1), epoch).records);
  }
  Outcome<MaybeFailure> Assign(const DirectoryAssignment& one) {
    return cluster.controller().AssignDirectories(NodeId(1), epoch, std::span(&one, 1));
  }
  const PartitionState& Of(const std::string& topic) {
    return cluster.image().FindTopic(topic)->partitions.at(PartitionIndex(0));
  }

  Cluster cluster{0};
  BrokerEpoch epoch{-1};
};

TEST(AssignDirectories, ABrokerWithSeveralChoosesAndIsRemembered) {
  TwoDirectories t;
  const TopicId id = t.cluster.Topic("a").id;
  EXPECT_THAT(t.Of("a").directories, ElementsAre(kUnassignedDirectory));
  const LeaderEpoch leader_epoch = t.Of("a").leader_epoch;
  EXPECT_FALSE(t.cluster.Do(t.Assign({id, PartitionIndex(0), kSecond})));
  EXPECT_THAT(t.Of("a").directories, ElementsAre(kSecond));
  EXPECT_EQ(t.Of("a").leader_epoch, leader_epoch);
  EXPECT_EQ(t.Of("a").leader, NodeId(1));
  EXPECT_THAT(t.Assign({id, PartitionIndex(0), kSecond}).records, IsEmpty());
  EXPECT_THAT(t.Assign({id, PartitionIndex(0), kFirst}).records, SizeIs(1));
}

TEST(AssignDirectories, WhatIsGoneChangesNothing) {
  TwoDirectories t;
  const TopicId id = t.cluster.Topic("a").id;
  EXPECT_THAT(t.Assign({id, PartitionIndex(7), kFirst}).records, IsEmpty());
  EXPECT_THAT(t.Assign({Uuid{1, 1}, PartitionIndex(0), kFirst}).records, IsEmpty());
}

TEST(AssignDirectories, RefusesStrangersAndOldProcesses) {
  TwoDirectories t;
  const TopicId id = t.cluster.Topic("a").id;
  const auto strange = t.Assign({id, PartitionIndex(0), Uuid{5, 500}});
  ASSERT_TRUE(strange.response);
  EXPECT_EQ(strange.response->code, protocol::ErrorCode::kInvalidRequest);
  EXPECT_THAT(strange.records, IsEmpty());
  const DirectoryAssignment one{id, PartitionIndex(0), kFirst};
  const auto old = t.cluster.controller().AssignDirectories(NodeId(1), BrokerEpoch(t.epoch.value() - 1), {&one, 1});
  ASSERT_TRUE(old.response);
  EXPECT_EQ(old.response->code, protocol::ErrorCode::kStaleBrokerEpoch);
}

}  // namespace
}  // namespace odradek::metadata
