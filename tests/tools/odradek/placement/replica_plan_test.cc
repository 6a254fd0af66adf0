#include "tools/odradek/placement/replica_plan.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace odradek::tool {
namespace replica_plan_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PlanPartition On(int32_t index, std::initializer_list<int32_t> nodes) {
  return {{"t", PartitionIndex(index)}, {nodes.begin(), nodes.end()}};
}

std::vector<PlanBroker> Brokers(int32_t count) {
  std::vector<PlanBroker> brokers;
  for (int32_t id = 1; id <= count; ++id) brokers.push_back({NodeId(id), ""});
  return brokers;
}

TEST(PlanDrain, MovesEachReplicaToTheBrokerWithFewest) {
  const auto plan = PlanDrain(Brokers(4), {On(0, {1, 2}), On(1, {2, 3}), On(2, {3, 1})}, NodeId(1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(*plan, ElementsAre(On(0, {4, 2}), On(2, {3, 4})));
}

TEST(PlanDrain, PrefersARackThatHasNone) {
  const std::vector<PlanBroker> brokers = {{NodeId(1), "a"}, {NodeId(2), "b"}, {NodeId(3), "b"}, {NodeId(4), "a"}};
  // Broker 4 has more replicas than 3, and is in another rack than 2.
  const auto plan = PlanDrain(brokers, {On(0, {1, 2}), On(1, {4}), On(2, {4})}, NodeId(1));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(*plan, ElementsAre(On(0, {4, 2})));
}

TEST(PlanDrain, SaysWhatHasNowhereToGo) {
  const auto plan = PlanDrain(Brokers(2), {On(0, {2}), On(7, {1, 2})}, NodeId(1));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("t-7 has 2 replicas"));
}

// One that is down is no broker to go to, and can be drained all the same.
TEST(PlanDrain, TakesABrokerThatIsNotThere) {
  const auto plan = PlanDrain(Brokers(2), {On(0, {9, 1})}, NodeId(9));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(*plan, ElementsAre(On(0, {2, 1})));
}

TEST(PlanFill, GivesANewBrokerItsShare) {
  const std::vector<PlanPartition> partitions = {On(0, {1, 2}), On(1, {2, 1}), On(2, {1, 2})};
  EXPECT_THAT(PlanFill(Brokers(3), partitions, NodeId(3)), ElementsAre(On(0, {3, 2}), On(1, {3, 1})));
  EXPECT_THAT(PlanFill(Brokers(2), partitions, NodeId(2)), IsEmpty());
}

TEST(PlanFill, LeavesNoPartitionInFewerRacks) {
  const std::vector<PlanBroker> brokers = {{NodeId(1), "a"}, {NodeId(2), "b"}, {NodeId(3), "a"}};
  const std::vector<PlanPartition> partitions = {On(0, {2, 1}), On(1, {2, 1}), On(2, {2, 1})};
  EXPECT_THAT(PlanFill(brokers, partitions, NodeId(3)), ElementsAre(On(0, {2, 3})));
}

void CheckShape(const std::vector<PlanPartition>& before, const std::vector<PlanPartition>& plan,
                int32_t broker_count) {
  std::map<TopicPartition, std::vector<NodeId>> was;
  for (const PlanPartition& partition : before) was[partition.name] = partition.replicas;
  for (const PlanPartition& partition : plan) {
    const std::set<NodeId> distinct(partition.replicas.begin(), partition.replicas.end());
    RC_ASSERT(distinct.size() == partition.replicas.size());
    RC_ASSERT(partition.replicas.size() == was.at(partition.name).size());
    for (const NodeId node : partition.replicas) RC_ASSERT(node.value() >= 1 && node.value() <= broker_count);
  }
}

RC_GTEST_PROP(ReplicaPlan, KeepsItsInvariantsForAnyCluster, ()) {
  const auto broker_count = *rc::gen::inRange<int32_t>(2, 7);
  std::vector<PlanBroker> brokers = Brokers(broker_count);
  for (PlanBroker& broker : brokers) broker.rack = std::string(1, *rc::gen::inRange('a', 'd'));
  std::vector<PlanPartition> partitions;
  const auto partition_count = *rc::gen::inRange<int32_t>(0, 30);
  for (int32_t i = 0; i < partition_count; ++i) {
    std::vector<NodeId> nodes;
    for (int32_t id = 1; id <= broker_count; ++id) nodes.emplace_back(id);
    for (size_t j = 0; j < nodes.size(); ++j) std::swap(nodes[j], nodes[*rc::gen::inRange(j, nodes.size())]);
    nodes.resize(*rc::gen::inRange<size_t>(1, nodes.size()));
    partitions.push_back({{"t", PartitionIndex(i)}, std::move(nodes)});
  }
  const NodeId one(*rc::gen::inRange<int32_t>(1, broker_count + 1));
  const auto drain = PlanDrain(brokers, partitions, one);
  RC_ASSERT(drain.ok());
  CheckShape(partitions, *drain, broker_count);
  for (const PlanPartition& partition : *drain) {
    RC_ASSERT(std::find(partition.replicas.begin(), partition.replicas.end(), one) == partition.replicas.end());
  }
  CheckShape(partitions, PlanFill(brokers, partitions, one), broker_count);
}

}  // namespace replica_plan_test
}  // namespace odradek::tool
