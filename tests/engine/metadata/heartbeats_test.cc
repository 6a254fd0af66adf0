#include "engine/metadata/heartbeats.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

constexpr Duration kTimeout = Duration::Seconds(9);

MonoTime AtSecond(int64_t seconds) {
  return MonoTime() + Duration::Seconds(seconds);
}

BrokerIdentity IdentityOf(const Cluster& cluster, int32_t id) {
  return {NodeId(id), cluster.EpochOf(NodeId(id))};
}

TEST(Heartbeats, NewControllerGivesEveryBrokerAFreshSession) {
  Cluster cluster(2);
  Heartbeats heartbeats(kTimeout);
  heartbeats.Begin(cluster.image(), AtSecond(100));
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(109)), std::nullopt);
  EXPECT_EQ(heartbeats.NextCheck(cluster.image()), AtSecond(109) + Duration::Nanos(1));
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(109) + Duration::Nanos(1)), IdentityOf(cluster, 1));
}

TEST(Heartbeats, OldestOfThoseThatAreNotFencedExpiresFirst) {
  Cluster cluster(3);
  Heartbeats heartbeats(kTimeout);
  heartbeats.Begin(cluster.image(), AtSecond(0));
  heartbeats.Received(IdentityOf(cluster, 1), Offset(1), AtSecond(5));
  heartbeats.Received(IdentityOf(cluster, 2), Offset(1), AtSecond(3));
  heartbeats.Received(IdentityOf(cluster, 3), Offset(1), AtSecond(1));
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(11)), IdentityOf(cluster, 3));
  cluster.Fence(NodeId(3));
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(11)), std::nullopt);
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(13)), IdentityOf(cluster, 2));
}

TEST(Heartbeats, ContactOfAnEarlierProcessDoesNotCount) {
  Cluster cluster(1);
  const BrokerIdentity old = IdentityOf(cluster, 1);
  cluster.Start(NodeId(1));
  Heartbeats heartbeats(kTimeout);
  heartbeats.Begin(cluster.image(), AtSecond(0));
  heartbeats.Received(old, Offset(9), AtSecond(8));
  EXPECT_EQ(heartbeats.FindExpired(cluster.image(), AtSecond(10)), IdentityOf(cluster, 1));
  EXPECT_EQ(heartbeats.SessionOf(old, AtSecond(8)), Session::kExpired);
}

TEST(Heartbeats, RegistrationBeginsASessionAndEndsTheOther) {
  Heartbeats heartbeats(kTimeout);
  heartbeats.Registered({NodeId(1), BrokerEpoch(5)}, AtSecond(0));
  EXPECT_EQ(heartbeats.SessionOf({NodeId(1), BrokerEpoch(5)}, AtSecond(9)), Session::kLive);
  EXPECT_EQ(heartbeats.SessionOf({NodeId(1), BrokerEpoch(5)}, AtSecond(10)), Session::kExpired);
  heartbeats.Registered({NodeId(1), BrokerEpoch(8)}, AtSecond(1));
  EXPECT_EQ(heartbeats.SessionOf({NodeId(1), BrokerEpoch(5)}, AtSecond(1)), Session::kExpired);
  EXPECT_EQ(heartbeats.SessionOf({NodeId(1), BrokerEpoch(8)}, AtSecond(1)), Session::kLive);
}

TEST(Heartbeats, FencedBrokerHasNoSessionUntilItIsHeardOf) {
  Heartbeats heartbeats(kTimeout);
  const BrokerIdentity broker{NodeId(1), BrokerEpoch(5)};
  heartbeats.Registered(broker, AtSecond(0));
  heartbeats.Fenced(broker);
  EXPECT_EQ(heartbeats.SessionOf(broker, AtSecond(0)), Session::kExpired);
  heartbeats.Received(broker, Offset(1), AtSecond(1));
  EXPECT_EQ(heartbeats.SessionOf(broker, AtSecond(1)), Session::kLive);
}

TEST(Heartbeats, BrokerThatIsToldToStopHasNoSession) {
  Heartbeats heartbeats(kTimeout);
  const BrokerIdentity broker{NodeId(1), BrokerEpoch(5)};
  heartbeats.Registered(broker, AtSecond(0));
  heartbeats.Decided(broker, {Control::kFenced, Control::kFenced}, Offset(1));
  EXPECT_EQ(heartbeats.SessionOf(broker, AtSecond(0)), Session::kLive);
  heartbeats.Decided(broker, {Control::kFenced, Control::kShutDownNow}, Offset(1));
  EXPECT_EQ(heartbeats.SessionOf(broker, AtSecond(0)), Session::kExpired);
}

TEST(Heartbeats, TimeDoesNotTakeASessionBack) {
  Heartbeats heartbeats(kTimeout);
  const BrokerIdentity broker{NodeId(1), BrokerEpoch(5)};
  heartbeats.Registered(broker, AtSecond(10));
  heartbeats.Received(broker, Offset(1), AtSecond(4));
  EXPECT_EQ(heartbeats.SessionOf(broker, AtSecond(19)), Session::kLive);
}

TEST(Heartbeats, ShutdownOffsetIsRecordedOnce) {  // SEMANTICS.md 34, KAFKA-14292
  Heartbeats heartbeats(kTimeout);
  const BrokerIdentity broker{NodeId(1), BrokerEpoch(5)};
  heartbeats.Registered(broker, AtSecond(0));
  EXPECT_EQ(heartbeats.ShutdownOffset(broker), std::nullopt);
  const ControlChange begins{Control::kUnfenced, Control::kShuttingDown};
  const ControlChange goes_on{Control::kShuttingDown, Control::kShuttingDown};
  heartbeats.Decided(broker, begins, Offset(20));
  heartbeats.Decided(broker, goes_on, Offset(30));
  EXPECT_EQ(heartbeats.ShutdownOffset(broker), Offset(20));
  heartbeats.Fenced(broker);
  EXPECT_EQ(heartbeats.ShutdownOffset(broker), std::nullopt);
}

TEST(Heartbeats, LowestOffsetIsThatOfActiveBrokers) {
  Cluster cluster(3);
  Heartbeats heartbeats(kTimeout);
  heartbeats.Begin(cluster.image(), AtSecond(0));
  EXPECT_EQ(heartbeats.LowestActiveOffset(cluster.image()), kNoOffset);
  heartbeats.Received(IdentityOf(cluster, 1), Offset(7), AtSecond(1));
  heartbeats.Received(IdentityOf(cluster, 2), Offset(9), AtSecond(1));
  heartbeats.Received(IdentityOf(cluster, 3), Offset(5), AtSecond(1));
  EXPECT_EQ(heartbeats.LowestActiveOffset(cluster.image()), Offset(5));
  cluster.Fence(NodeId(3));
  EXPECT_EQ(heartbeats.LowestActiveOffset(cluster.image()), Offset(7));
  cluster.Fence(NodeId(1));
  cluster.Fence(NodeId(2));
  EXPECT_EQ(heartbeats.LowestActiveOffset(cluster.image()), std::nullopt);
}

// A naive model: the end of each session, per broker.
RC_GTEST_PROP(HeartbeatsProperty, WhoIsExpiredIsWhoWasSilent, ()) {
  Cluster cluster(4);
  Heartbeats heartbeats(kTimeout);
  heartbeats.Begin(cluster.image(), AtSecond(0));
  std::map<int32_t, int64_t> heard = {{1, 0}, {2, 0}, {3, 0}, {4, 0}};
  int64_t now = 0;
  const int steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    now += *rc::gen::inRange(0, 4);
    const int32_t id = *rc::gen::inRange(1, 5);
    if (*rc::gen::arbitrary<bool>()) {
      heartbeats.Received(IdentityOf(cluster, id), Offset(now), AtSecond(now));
      heard[id] = now;
    }
    const auto expired = heartbeats.FindExpired(cluster.image(), AtSecond(now));
    int64_t oldest = now;
    for (const auto& [broker, last] : heard) oldest = std::min(oldest, last);
    RC_ASSERT(expired.has_value() == (now - oldest > 9));
    if (expired) RC_ASSERT(heard[expired->id.value()] == oldest);
  }
}

}  // namespace
}  // namespace odradek::metadata
