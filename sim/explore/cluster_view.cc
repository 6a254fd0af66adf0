#include "sim/explore/cluster_view.h"

#include <algorithm>

#include "sim/explore/broker_program.h"

namespace odradek::explore {
namespace {

using sim::plan::Action;

bool TakesDown(const Action& action) {
  switch (action.what_case()) {
    case Action::kCrash:
    case Action::kPowerLoss:
    case Action::kRestart:
    case Action::kPause:
      return true;
    default:
      return false;
  }
}

// Down, paused, on its way down, or not yet back.
bool IsAway(sim::Node& node) {
  return node.state() != sim::Node::State::kRunning || !BrokerOf(node)->is_serving();
}

}  // namespace

const ServerSetup* ClusterView::SetupOf(const sim::Node& node) const {
  const auto at = std::ranges::find(servers_, node.name(), &ServerSetup::name);
  return at == servers_.end() ? nullptr : &*at;
}

sim::Node* ClusterView::FindNode(sim::Cluster& cluster, NodeId id) const {
  for (const ServerSetup& server : servers_) {
    if (server.node.config.node_id == id) return cluster.FindNode(server.name);
  }
  return nullptr;
}

std::vector<sim::Node*> ClusterView::Servers(sim::Cluster& cluster) {
  std::vector<sim::Node*> all;
  for (const ServerSetup& server : servers_) all.push_back(cluster.FindNode(server.name));
  return all;
}

std::vector<sim::Node*> ClusterView::Voters(sim::Cluster& cluster) {
  std::vector<sim::Node*> voters;
  for (const ServerSetup& server : servers_) {
    if (server.votes()) voters.push_back(cluster.FindNode(server.name));
  }
  return voters;
}

std::vector<sim::Node*> ClusterView::ActiveController(sim::Cluster& cluster) {
  sim::Node* latest = nullptr;
  LeaderEpoch epoch{-1};
  for (sim::Node* node : Voters(cluster)) {
    if (!node->is_up() || !BrokerOf(*node)->node().has_quorum()) continue;
    const broker::Quorum::Leadership& leadership = BrokerOf(*node)->node().controller().quorum().leadership();
    // A deposed one may not know it yet.
    if (!leadership.epoch_start || leadership.epoch <= epoch) continue;
    latest = node;
    epoch = leadership.epoch;
  }
  return latest == nullptr ? std::vector<sim::Node*>() : std::vector{latest};
}

const broker::Controller* ClusterView::Newest(sim::Cluster& cluster) {
  const broker::Controller* newest = nullptr;
  for (const ServerSetup& server : servers_) {
    sim::Node* node = cluster.FindNode(server.name);
    if (!node->is_up() || !BrokerOf(*node)->node().has_quorum()) continue;
    const broker::Controller& controller = BrokerOf(*node)->node().controller();
    if (newest == nullptr || controller.applied_end() > newest->applied_end()) newest = &controller;
  }
  return newest;
}

const metadata::Image* ClusterView::NewestImage(sim::Cluster& cluster) {
  const broker::Controller* newest = Newest(cluster);
  return newest == nullptr ? nullptr : &newest->image();
}

Offset ClusterView::NewestEnd(sim::Cluster& cluster) {
  const broker::Controller* newest = Newest(cluster);
  return newest == nullptr ? kNoOffset : newest->applied_end();
}

std::vector<sim::Node*> ClusterView::Replicas(sim::Cluster& cluster, const sim::plan::Partition& wanted, Part part) {
  const metadata::Image* image = NewestImage(cluster);
  std::vector<sim::Node*> nodes;
  if (image == nullptr) return nodes;
  const auto add = [&](NodeId id) {
    sim::Node* node = FindNode(cluster, id);
    if (node != nullptr && std::ranges::find(nodes, node) == nodes.end()) nodes.push_back(node);
  };
  for (const auto& [name, topic] : image->topics()) {
    if (!wanted.topic().empty() && name != wanted.topic()) continue;
    for (const auto& [index, partition] : topic->partitions) {
      if (!wanted.topic().empty() && index.value() != wanted.index()) continue;
      if (part == Part::kLeader) {
        add(partition.leader);
        continue;
      }
      for (const NodeId replica : partition.replicas) {
        if (replica != partition.leader) add(replica);
      }
    }
  }
  return nodes;
}

std::vector<sim::Node*> ClusterView::Leaders(sim::Cluster& cluster, const sim::plan::Partition& partition) {
  return Replicas(cluster, partition, Part::kLeader);
}

std::vector<sim::Node*> ClusterView::Followers(sim::Cluster& cluster, const sim::plan::Partition& partition) {
  return Replicas(cluster, partition, Part::kFollower);
}

bool ClusterView::Allows(sim::Cluster& cluster, const sim::Node& target, const Action& action) {
  const ServerSetup* struck = SetupOf(target);
  if (down_max_ == 0 || struck == nullptr || !TakesDown(action)) return true;
  int32_t brokers = struck->is_broker() ? 1 : 0;
  int32_t voters = struck->votes() ? 1 : 0;
  for (const ServerSetup& server : servers_) {
    sim::Node* node = cluster.FindNode(server.name);
    if (node == &target || !IsAway(*node)) continue;
    brokers += server.is_broker() ? 1 : 0;
    voters += server.votes() ? 1 : 0;
  }
  if (brokers > down_max_ || voters > down_max_) return false;
  return action.what_case() != Action::kPowerLoss || SurvivesPowerLoss(cluster, *struck);
}

bool ClusterView::SurvivesPowerLoss(sim::Cluster& cluster, const ServerSetup& struck) {
  const metadata::Image* image = NewestImage(cluster);
  if (image == nullptr || !struck.is_broker()) return true;
  const auto epoch_of = [&](NodeId id) {
    const metadata::BrokerState* broker = image->FindBroker(id);
    return broker == nullptr ? BrokerEpoch(-1) : broker->epoch;
  };
  const NodeId id = struck.node.config.node_id;
  const auto keeps = [&](NodeId replica) {
    const auto lost = lost_.find(replica);
    sim::Node* node = FindNode(cluster, replica);
    return replica != id && node != nullptr && node->is_up() &&
           (lost == lost_.end() || lost->second != epoch_of(replica));
  };
  for (const auto& [name, topic] : image->topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      if (partition.replicas.size() < 2 || std::ranges::find(partition.isr, id) == partition.isr.end()) continue;
      if (std::ranges::none_of(partition.isr, keeps)) return false;
    }
  }
  lost_[id] = epoch_of(id);
  return true;
}

}  // namespace odradek::explore
