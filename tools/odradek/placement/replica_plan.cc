#include "tools/odradek/placement/replica_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "engine/base/absl_compat.h"

namespace odradek::tool {
namespace {

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

class Planner {
 public:
  Planner(const std::vector<PlanBroker>& brokers, const std::vector<PlanPartition>& partitions)
      : partitions_(partitions) {
    for (const PlanBroker& broker : brokers) {
      racks_[broker.id] = broker.rack;
      counts_[broker.id] = 0;
    }
    for (const PlanPartition& partition : partitions) {
      for (const NodeId node : partition.replicas) ++counts_[node];
    }
  }

  std::vector<PlanPartition>& partitions() { return partitions_; }
  const std::map<NodeId, int64_t>& counts() const { return counts_; }
  bool is_known(NodeId node) const { return racks_.contains(node); }

  size_t RackCount(const std::vector<NodeId>& replicas) const {
    std::set<std::string> racks;
    for (const NodeId node : replicas) {
      const auto rack = racks_.find(node);
      if (rack != racks_.end()) racks.insert(rack->second);
    }
    return racks.size();
  }

  static std::vector<NodeId> Replaced(std::vector<NodeId> replicas, NodeId from, NodeId to) {
    std::replace(replicas.begin(), replicas.end(), from, to);
    return replicas;
  }

  void Replace(PlanPartition& partition, NodeId from, NodeId to) {
    partition.replicas = Replaced(std::move(partition.replicas), from, to);
    --counts_[from];
    ++counts_[to];
  }

  // Who takes the place of `from`; kNoNode: nobody can.
  NodeId PlaceFor(const PlanPartition& partition, NodeId from) const {
    NodeId best = kNoNode;
    std::pair<int64_t, int64_t> best_cost;
    for (const auto& [node, rack] : racks_) {
      if (node == from || Has(partition.replicas, node)) continue;
      const auto racks = static_cast<int64_t>(RackCount(Replaced(partition.replicas, from, node)));
      const std::pair cost{-racks, counts_.at(node)};
      if (best != kNoNode && cost >= best_cost) continue;
      best = node;
      best_cost = cost;
    }
    return best;
  }

 private:
  std::vector<PlanPartition> partitions_;
  std::map<NodeId, std::string> racks_;
  std::map<NodeId, int64_t> counts_;
};

}  // namespace

absl::StatusOr<std::vector<PlanPartition>> PlanDrain(const std::vector<PlanBroker>& brokers,
                                                     const std::vector<PlanPartition>& partitions, NodeId away) {
  Planner planner(brokers, partitions);
  std::vector<PlanPartition> changed;
  for (PlanPartition& partition : planner.partitions()) {
    if (!Has(partition.replicas, away)) continue;
    const NodeId to = planner.PlaceFor(partition, away);
    if (to == kNoNode) {
      return base::FailedPrecondition(
          fmt::format("{} has {} replicas, and there is no other broker that could take the one of broker {}",
                      ToString(partition.name), partition.replicas.size(), away.value()));
    }
    planner.Replace(partition, away, to);
    changed.push_back(partition);
  }
  return changed;
}

std::vector<PlanPartition> PlanFill(const std::vector<PlanBroker>& brokers,
                                    const std::vector<PlanPartition>& partitions, NodeId newcomer) {
  Planner planner(brokers, partitions);
  int64_t replica_count = 0;
  for (const PlanPartition& partition : partitions) replica_count += static_cast<int64_t>(partition.replicas.size());
  const int64_t share = brokers.empty() ? 0 : replica_count / static_cast<int64_t>(brokers.size());
  std::vector<PlanPartition> changed;
  for (PlanPartition& partition : planner.partitions()) {
    if (planner.counts().at(newcomer) >= share) break;
    if (Has(partition.replicas, newcomer)) continue;
    // Of its replicas the one on the fullest broker that has more than its share.
    NodeId from = kNoNode;
    for (const NodeId node : partition.replicas) {
      const int64_t count = planner.counts().at(node);
      const bool keeps_racks = planner.RackCount(Planner::Replaced(partition.replicas, node, newcomer)) >=
                               planner.RackCount(partition.replicas);
      if (count <= share || !keeps_racks) continue;
      if (from == kNoNode || count > planner.counts().at(from)) from = node;
    }
    if (from == kNoNode) continue;
    planner.Replace(partition, from, newcomer);
    changed.push_back(partition);
  }
  return changed;
}

}  // namespace odradek::tool
