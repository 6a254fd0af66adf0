#include "engine/metadata/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace odradek::metadata {
namespace {

using BrokerMap = std::map<NodeId, BrokerState>;

void AddBroker(BrokerMap& brokers, int32_t id, const std::string& rack) {
  BrokerState broker;
  broker.id = NodeId(id);
  broker.rack = rack;
  broker.fenced = false;
  brokers[broker.id] = broker;
}

size_t RackCount(const BrokerMap& brokers, const std::vector<NodeId>& replicas) {
  std::set<std::string> racks;
  for (const NodeId id : replicas) racks.insert(*brokers.at(id).rack);
  return racks.size();
}

TEST(Placement, ReplicasAreOfDifferentRacks) {  // KIP-36
  BrokerMap brokers;
  for (int id = 0; id < 6; ++id) AddBroker(brokers, id, std::string(1, static_cast<char>('a' + id % 2)));
  base::Prng draws(1);
  for (const auto& replicas : PlaceReplicas(brokers, {.partition_count = 60, .replication_factor = 2}, draws)) {
    EXPECT_EQ(RackCount(brokers, replicas), 2U);
  }
}

TEST(Placement, FencedBrokersComeLastInTheirRack) {
  BrokerMap brokers;
  for (int id = 0; id < 4; ++id) AddBroker(brokers, id, "r");
  brokers[NodeId(3)].fenced = true;
  base::Prng draws(1);
  for (const auto& replicas : PlaceReplicas(brokers, {.partition_count = 20, .replication_factor = 3}, draws)) {
    EXPECT_THAT(replicas, ::testing::Not(::testing::Contains(NodeId(3))));
  }
  for (const auto& replicas : PlaceReplicas(brokers, {.partition_count = 20, .replication_factor = 4}, draws)) {
    EXPECT_EQ(replicas.back(), NodeId(3));
  }
}

TEST(Placement, BrokersThatShutDownOrAreCordonedGetNothing) {  // KIP-841, KIP-1066
  BrokerMap brokers;
  for (int id = 0; id < 4; ++id) AddBroker(brokers, id, "r");
  brokers[NodeId(1)].in_controlled_shutdown = true;
  brokers[NodeId(2)].log_dirs = {Uuid{9, 1}, Uuid{9, 2}};
  brokers[NodeId(2)].cordoned_log_dirs = {Uuid{9, 1}, Uuid{9, 2}};
  brokers[NodeId(3)].log_dirs = {Uuid{9, 3}, Uuid{9, 4}};
  brokers[NodeId(3)].cordoned_log_dirs = {Uuid{9, 3}};
  base::Prng draws(1);
  for (const auto& replicas : PlaceReplicas(brokers, {.partition_count = 20, .replication_factor = 2}, draws)) {
    EXPECT_THAT(replicas, ::testing::UnorderedElementsAre(NodeId(0), NodeId(3)));
  }
}

// As many racks as can be, and load that differs by little where all racks are alike.
RC_GTEST_PROP(PlacementProperty, RacksAreUsedAndLoadSpreads, ()) {
  BrokerMap brokers;
  const int racks = *rc::gen::inRange(1, 5);
  const int per_rack = *rc::gen::inRange(1, 4);
  for (int id = 0; id < racks * per_rack; ++id) {
    AddBroker(brokers, id, std::string(1, static_cast<char>('a' + id % racks)));
  }
  base::Prng draws(*rc::gen::arbitrary<uint64_t>());
  const int factor = *rc::gen::inRange(1, racks * per_rack + 1);
  const int count = *rc::gen::inRange(1, 50);
  std::map<NodeId, int> load;
  for (const auto& replicas :
       PlaceReplicas(brokers, {.partition_count = count, .replication_factor = static_cast<int16_t>(factor)}, draws)) {
    RC_ASSERT(RackCount(brokers, replicas) == static_cast<size_t>(std::min(factor, racks)));
    for (const NodeId id : replicas) ++load[id];
  }
  int least = count * factor;
  int most = 0;
  for (const auto& [id, broker] : brokers) {
    least = std::min(least, load[id]);
    most = std::max(most, load[id]);
  }
  RC_ASSERT(most - least <= 3);
}

}  // namespace
}  // namespace odradek::metadata
