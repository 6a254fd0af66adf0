#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/metadata/controller.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A cluster whose brokers beat, with the tracker that its controller's owner keeps.
class BeatingCluster {
 public:
  explicit BeatingCluster(int broker_count, ControllerOptions options = {}) : cluster_(broker_count, options) {
    heartbeats_.Begin(cluster_.image(), MonoTime());
  }
  Cluster& cluster() { return cluster_; }
  Heartbeats& heartbeats() { return heartbeats_; }
  const Image& image() const { return cluster_.image(); }

  protocol::BrokerHeartbeatRequest Request(int32_t id) const {
    protocol::BrokerHeartbeatRequest request;
    request.broker_id = id;
    request.broker_epoch = cluster_.EpochOf(NodeId(id)).value();
    request.current_metadata_offset = cluster_.end().value() - 1;
    return request;
  }
  HeartbeatResult Beat(const protocol::BrokerHeartbeatRequest& request) {
    const BrokerIdentity broker{NodeId(request.broker_id), BrokerEpoch(request.broker_epoch)};
    heartbeats_.Received(broker, Offset(request.current_metadata_offset), MonoTime());
    const HeartbeatResult result = cluster_.Do(cluster_.controller().Heartbeat(request, heartbeats_));
    if (!result.failure) heartbeats_.Decided(broker, result.control, cluster_.end() - 1);
    return result;
  }
  HeartbeatResult Beat(int32_t id) { return Beat(Request(id)); }
  HeartbeatResult Stop(int32_t id) {
    auto request = Request(id);
    request.want_shut_down = true;
    return Beat(request);
  }

 private:
  Cluster cluster_;
  Heartbeats heartbeats_{Duration::Seconds(9)};
};

const BrokerState& BrokerOf(const BeatingCluster& c, int32_t id) {
  return *c.image().FindBroker(NodeId(id));
}

TEST(Heartbeat, StaleOrUnknownBrokerIsRefused) {
  BeatingCluster c(1);
  auto request = c.Request(1);
  request.broker_epoch += 1;
  EXPECT_EQ(c.Beat(request).failure->code, ErrorCode::kStaleBrokerEpoch);
  request.broker_id = 7;
  EXPECT_EQ(c.Beat(request).failure->code, ErrorCode::kStaleBrokerEpoch);
}

TEST(Heartbeat, UnfencedOnceItHasSeenItsRegistration) {  // KAFKA-13959, BUG_ZOO.md CT17
  BeatingCluster c(1);
  const BrokerEpoch epoch = c.cluster().Register(NodeId(2), Session::kExpired).response.epoch;
  c.heartbeats().Registered({NodeId(2), epoch}, MonoTime());
  c.cluster().Topic("later");
  auto request = c.Request(2);
  request.current_metadata_offset = epoch.value() - 1;
  HeartbeatResult result = c.Beat(request);
  EXPECT_FALSE(result.is_caught_up);
  EXPECT_TRUE(result.is_fenced());
  request.current_metadata_offset = epoch.value();
  ASSERT_LT(request.current_metadata_offset, c.cluster().end().value() - 1);
  result = c.Beat(request);
  EXPECT_TRUE(result.is_caught_up);
  EXPECT_FALSE(result.is_fenced());
  EXPECT_FALSE(BrokerOf(c, 2).fenced);
}

TEST(Heartbeat, StaysFencedWhileItWants) {
  BeatingCluster c(1);
  auto request = c.Request(1);
  request.want_fence = true;
  EXPECT_TRUE(c.Beat(request).is_fenced());
  EXPECT_TRUE(BrokerOf(c, 1).fenced);
  const Offset end = c.cluster().end();
  EXPECT_TRUE(c.Beat(request).is_fenced());
  EXPECT_EQ(c.cluster().end(), end);
  EXPECT_FALSE(c.Beat(1).is_fenced());
}

TEST(Heartbeat, OfAnActiveBrokerWritesNothing) {
  BeatingCluster c(2);
  const Offset end = c.cluster().end();
  const HeartbeatResult result = c.Beat(1);
  EXPECT_FALSE(result.is_fenced());
  EXPECT_FALSE(result.should_shut_down());
  EXPECT_EQ(c.cluster().end(), end);
}

TEST(Heartbeat, IsAnsweredByWhatWasDecided) {
  HeartbeatResult result;
  result.control = {Control::kUnfenced, Control::kShuttingDown};
  result.is_caught_up = true;
  EXPECT_FALSE(ToResponse(result).is_fenced);
  EXPECT_TRUE(ToResponse(result).is_caught_up);
  EXPECT_FALSE(ToResponse(result).should_shut_down);
  result.control.to = Control::kShutDownNow;
  EXPECT_TRUE(ToResponse(result).is_fenced);
  EXPECT_TRUE(ToResponse(result).should_shut_down);
  result.failure = Failure{ErrorCode::kStaleBrokerEpoch, ""};
  EXPECT_EQ(ToResponse(result).error_code, protocol::ToWire(ErrorCode::kStaleBrokerEpoch));
  EXPECT_FALSE(ToResponse(result).should_shut_down);
}

TEST(ControlledShutdown, WithoutLeadershipsItIsAtOnce) {
  BeatingCluster c(2);
  const HeartbeatResult result = c.Stop(2);
  EXPECT_TRUE(result.should_shut_down());
  EXPECT_TRUE(result.is_fenced());
  EXPECT_TRUE(BrokerOf(c, 2).fenced);
}

TEST(ControlledShutdown, LeadersMoveAndTheOthersMustHaveSeenIt) {  // SEMANTICS.md 34, KIP-841
  BeatingCluster c(3);
  c.cluster().Assigned("t", {1, 2, 3});
  for (const int id : {1, 2, 3}) c.Beat(id);
  HeartbeatResult result = c.Stop(1);
  EXPECT_FALSE(result.should_shut_down());
  EXPECT_TRUE(result.is_shutting_down());
  EXPECT_FALSE(result.is_fenced());
  EXPECT_TRUE(BrokerOf(c, 1).in_controlled_shutdown);
  EXPECT_EQ(c.cluster().Partition("t").leader, NodeId(2));
  EXPECT_THAT(c.cluster().Partition("t").isr, ElementsAre(NodeId(2), NodeId(3)));
  const int64_t end_of_shutdown = c.cluster().end().value() - 1;
  c.Beat(2);
  c.cluster().Topic("later");
  EXPECT_FALSE(c.Stop(1).should_shut_down());
  auto request = c.Request(3);
  request.current_metadata_offset = end_of_shutdown;
  c.Beat(request);
  result = c.Stop(1);
  EXPECT_TRUE(result.should_shut_down());
  EXPECT_TRUE(BrokerOf(c, 1).fenced);
}

TEST(ControlledShutdown, PartitionThatNobodyElseCanLeadDoesNotHoldItUp) {
  BeatingCluster c(2);
  c.cluster().Assigned("t", {1});
  c.Beat(2);
  EXPECT_TRUE(c.Stop(1).is_shutting_down());
  EXPECT_EQ(c.cluster().Partition("t").leader, kNoNode);
  EXPECT_THAT(c.cluster().Partition("t").isr, ElementsAre(NodeId(1)));
  c.Beat(2);
  EXPECT_TRUE(c.Stop(1).should_shut_down());
}

TEST(ControlledShutdown, NewControllerAsksForTheOffsetAnew) {
  BeatingCluster c(2);
  c.cluster().Assigned("t", {1, 2});
  for (const int id : {1, 2}) c.Beat(id);
  c.Stop(1);
  c.heartbeats().Begin(c.image(), MonoTime());
  // It leads nothing any more: there is nothing to wait for.
  EXPECT_TRUE(c.Stop(1).should_shut_down());
}

TEST(ControlledShutdown, BrokerIsNotElectedMeanwhile) {  // PROPERTIES.md M3
  BeatingCluster c(2);
  c.cluster().Assigned("t", {1, 2});
  for (const int id : {1, 2}) c.Beat(id);
  c.Stop(1);
  c.cluster().Fence(NodeId(2));
  EXPECT_EQ(c.cluster().Partition("t").leader, kNoNode);
  c.Beat(1);
  EXPECT_EQ(c.cluster().Partition("t").leader, kNoNode);
}

TEST(ControlledShutdown, SuccessorNeedNotWaitForTheSession) {
  BeatingCluster c(2);
  c.cluster().Assigned("t", {1, 2});
  c.Beat(2);
  c.Stop(1);
  ASSERT_EQ(c.heartbeats().SessionOf({NodeId(1), c.cluster().EpochOf(NodeId(1))}, MonoTime()), Session::kLive);
  EXPECT_EQ(c.cluster().Register(NodeId(1), Session::kLive).response.failure, std::nullopt);
}

TEST(OfflineDirectory, PartitionsInItChangeAndOthersStay) {  // KIP-858
  BeatingCluster c(2);
  BrokerRegistration registration = Cluster::Registration(NodeId(3), 77);
  registration.log_dirs = {Uuid{8, 1}, Uuid{8, 2}};
  const auto registered =
      c.cluster().Do(c.cluster().controller().RegisterBroker(registration, c.cluster().end(), Session::kExpired));
  c.heartbeats().Registered({NodeId(3), registered.epoch}, MonoTime());
  ASSERT_FALSE(c.Beat(3).is_fenced());
  const TopicId first = c.cluster().Assigned("a", {3, 1}).id;
  const TopicId second = c.cluster().Assigned("b", {3, 1}).id;
  const std::vector<DirectoryAssignment> places = {{first, PartitionIndex(0), Uuid{8, 1}},
                                                   {second, PartitionIndex(0), Uuid{8, 2}}};
  c.cluster().Do(c.cluster().controller().AssignDirectories(NodeId(3), registered.epoch, places));
  auto request = c.Request(3);
  request.offline_log_dirs = {Uuid{8, 1}};
  EXPECT_FALSE(c.Beat(request).is_fenced());
  EXPECT_EQ(c.cluster().Partition("a").leader, NodeId(1));
  EXPECT_THAT(c.cluster().Partition("a").isr, ElementsAre(NodeId(1)));
  EXPECT_EQ(c.cluster().Partition("b").leader, NodeId(3));
  EXPECT_THAT(BrokerOf(c, 3).log_dirs, ElementsAre(Uuid(8, 2)));
  const Offset end = c.cluster().end();
  c.Beat(request);
  EXPECT_EQ(c.cluster().end(), end);
}

TEST(OfflineDirectory, ReplicaInItIsNotEligibleEither) {  // KIP-858, KIP-966
  BeatingCluster c(2, WithElr());
  BrokerRegistration registration = Cluster::Registration(NodeId(3), 77);
  registration.log_dirs = {Uuid{8, 1}, Uuid{8, 2}};
  const auto registered =
      c.cluster().Do(c.cluster().controller().RegisterBroker(registration, c.cluster().end(), Session::kExpired));
  c.heartbeats().Registered({NodeId(3), registered.epoch}, MonoTime());
  c.Beat(3);
  const TopicId topic = c.cluster().Assigned("t", {3, 1}).id;
  const std::vector<DirectoryAssignment> places = {{topic, PartitionIndex(0), Uuid{8, 1}}};
  c.cluster().Do(c.cluster().controller().AssignDirectories(NodeId(3), registered.epoch, places));
  auto request = c.Request(3);
  request.offline_log_dirs = {Uuid{8, 1}};
  c.Beat(request);
  EXPECT_THAT(c.cluster().Partition("t").isr, ElementsAre(NodeId(1)));
  EXPECT_THAT(c.cluster().Partition("t").eligible_leader_replicas, IsEmpty());
}

TEST(OfflineDirectory, BrokerWithoutAnyIsFenced) {
  BeatingCluster c(2);
  c.cluster().Assigned("t", {1, 2});
  auto request = c.Request(1);
  request.offline_log_dirs = {Uuid{9, 1}};
  EXPECT_TRUE(c.Beat(request).is_fenced());
  EXPECT_EQ(c.cluster().Partition("t").leader, NodeId(2));
  EXPECT_TRUE(c.Beat(request).is_fenced());
}

TEST(CordonedDirectory, IsKeptAndTakesNoNewReplicas) {  // KIP-1066
  BeatingCluster c(2);
  auto request = c.Request(1);
  request.cordoned_log_dirs = std::vector<Uuid>{Uuid{9, 1}};
  c.Beat(request);
  EXPECT_THAT(BrokerOf(c, 1).cordoned_log_dirs, ElementsAre(Uuid(9, 1)));
  EXPECT_EQ(c.cluster().Topic("t").partitions.at(PartitionIndex(0)).leader, NodeId(2));
  request.cordoned_log_dirs = std::vector<Uuid>{};
  c.Beat(request);
  EXPECT_THAT(BrokerOf(c, 1).cordoned_log_dirs, IsEmpty());
}

TEST(RegisterAgain, WithoutProofLeavesIsrAndElr) {  // SEMANTICS.md 33, KIP-966, PROPERTIES.md R15
  Cluster cluster(3, WithElr());
  cluster.Assigned("in-isr", {1, 2, 3});
  cluster.Assigned("in-elr", {2, 1});
  cluster.Fence(NodeId(1));
  ASSERT_THAT(cluster.Partition("in-elr").eligible_leader_replicas, ElementsAre(NodeId(1)));
  cluster.Register(NodeId(1), Session::kExpired);
  EXPECT_THAT(cluster.Partition("in-elr").eligible_leader_replicas, IsEmpty());
  cluster.Register(NodeId(3), Session::kExpired);
  EXPECT_THAT(cluster.Partition("in-isr").isr, ElementsAre(NodeId(2)));
  EXPECT_THAT(cluster.Partition("in-isr").eligible_leader_replicas, IsEmpty());
}

TEST(RegisterAgain, WithProofStaysEligible) {  // SEMANTICS.md 33, KIP-966
  Cluster cluster(2, WithElr());
  cluster.Assigned("t", {2, 1});
  const BrokerEpoch epoch = cluster.EpochOf(NodeId(1));
  cluster.Fence(NodeId(1));
  cluster.Register(NodeId(1), Session::kExpired, epoch);
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, ElementsAre(NodeId(1)));
  cluster.Register(NodeId(1), Session::kExpired, epoch);  // that is the epoch before the last
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, IsEmpty());
}

TEST(RegisterAgain, WithProofButWithoutTheDirectoryIsNotEligible) {  // KIP-858, KIP-966
  Cluster cluster(2, WithElr());
  cluster.Assigned("t", {2, 1});
  BrokerRegistration registration = Cluster::Registration(NodeId(1), 55);
  registration.previous_epoch = cluster.EpochOf(NodeId(1));
  registration.log_dirs = {Uuid{8, 8}};
  cluster.Do(cluster.controller().RegisterBroker(registration, cluster.end(), Session::kExpired));
  EXPECT_THAT(cluster.Partition("t").isr, ElementsAre(NodeId(2)));
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, IsEmpty());
}

TEST(RegisterAgain, LastReplicaWithoutProofLeadsAndRecovers) {  // KIP-966
  Cluster cluster(1, WithElr("1"));
  cluster.Assigned("t", {1});
  cluster.Register(NodeId(1), Session::kExpired);
  EXPECT_THAT(cluster.Partition("t").isr, IsEmpty());
  EXPECT_THAT(cluster.Partition("t").last_known_elr, ElementsAre(NodeId(1)));
  cluster.Do(cluster.controller().UnfenceBroker(NodeId(1), cluster.EpochOf(NodeId(1))));
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(1));
  EXPECT_EQ(cluster.Partition("t").recovery, LeaderRecovery::kRecovering);
}

TEST(RegisterAgain, DirectoryOfAnotherBrokerIsRefused) {
  Cluster cluster(2);
  BrokerRegistration registration = Cluster::Registration(NodeId(3), 55);
  registration.log_dirs = {Uuid{9, 2}};
  const auto outcome = cluster.controller().RegisterBroker(registration, cluster.end(), Session::kExpired);
  EXPECT_EQ(outcome.response.failure->code, ErrorCode::kInvalidRegistration);
  registration.log_dirs.clear();
  EXPECT_EQ(cluster.controller().RegisterBroker(registration, cluster.end(), Session::kExpired).response.failure->code,
            ErrorCode::kInvalidRegistration);
}

TEST(RegisterAgain, RequestIsReadAsItStands) {
  protocol::BrokerRegistrationRequest request;
  request.broker_id = 4;
  request.cluster_id = "c";
  request.incarnation_id = {1, 2};
  request.listeners = {{"PLAINTEXT", "h", 9092, 0}};
  request.features = {{"metadata.version", 7, 30}};
  request.rack = "r";
  request.log_dirs = {{9, 4}};
  request.previous_broker_epoch = 17;
  const BrokerRegistration read = ToRegistration(request);
  EXPECT_EQ(read.id, NodeId(4));
  EXPECT_EQ(read.cluster_id, "c");
  EXPECT_EQ(read.incarnation_id, Uuid(1, 2));
  EXPECT_THAT(read.listeners, ElementsAre(ListenerState{"PLAINTEXT", "h", 9092, 0}));
  EXPECT_EQ(read.features.at("metadata.version"), (LevelRange{7, 30}));
  EXPECT_EQ(read.rack, "r");
  EXPECT_THAT(read.log_dirs, ElementsAre(Uuid(9, 4)));
  EXPECT_EQ(read.previous_epoch, BrokerEpoch(17));
}

protocol::UnregisterBrokerResponse Unregister(Cluster& cluster, int32_t id) {
  protocol::UnregisterBrokerRequest request;
  request.broker_id = id;
  return cluster.Do(cluster.controller().UnregisterBroker(request));
}

TEST(UnregisterBroker, LeavesEverythingAndIsGone) {
  Cluster cluster(2);
  cluster.Assigned("t", {1, 2});
  EXPECT_EQ(Unregister(cluster, 1).error_code, 0);
  EXPECT_EQ(cluster.image().FindBroker(NodeId(1)), nullptr);
  EXPECT_EQ(cluster.Partition("t").leader, NodeId(2));
  EXPECT_THAT(cluster.Partition("t").isr, ElementsAre(NodeId(2)));
  EXPECT_EQ(Unregister(cluster, 1).error_code, protocol::ToWire(ErrorCode::kBrokerIdNotRegistered));
}

TEST(UnregisterBroker, LeavesTheElrToo) {  // KIP-966
  Cluster cluster(2, WithElr());
  cluster.Assigned("t", {1, 2});
  cluster.Fence(NodeId(2));
  ASSERT_THAT(cluster.Partition("t").eligible_leader_replicas, ElementsAre(NodeId(2)));
  Unregister(cluster, 2);
  EXPECT_THAT(cluster.Partition("t").eligible_leader_replicas, IsEmpty());
}

}  // namespace
}  // namespace odradek::metadata
