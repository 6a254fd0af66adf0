// What the servers of a run are to each other right now, as the newest metadata say that any of them has: who leads,
// who votes, who replicates. For the nemesis: it strikes by these parts, and spares what the scenario must survive.
// Looks only; owned by the run.
#pragma once

#include <map>
#include <vector>

#include "engine/broker/controller.h"
#include "engine/metadata/image.h"
#include "sim/explore/server_setup.h"
#include "sim/nemesis/nemesis.h"

namespace odradek::explore {

class ClusterView final : public sim::Parts, public sim::Survivability {
 public:
  // `down_max`: Topology.down_max.
  ClusterView(const std::vector<ServerSetup>& servers, int32_t down_max) : servers_(servers), down_max_(down_max) {}

  std::vector<sim::Node*> Servers(sim::Cluster& cluster) override;
  std::vector<sim::Node*> Voters(sim::Cluster& cluster) override;
  std::vector<sim::Node*> ActiveController(sim::Cluster& cluster) override;
  std::vector<sim::Node*> Leaders(sim::Cluster& cluster, const sim::plan::Partition& partition) override;
  std::vector<sim::Node*> Followers(sim::Cluster& cluster, const sim::plan::Partition& partition) override;

  // nullptr: no server knows any.
  const metadata::Image* NewestImage(sim::Cluster& cluster);
  // Up to where the log is in it; kNoOffset: there is none.
  Offset NewestEnd(sim::Cluster& cluster);

  bool Allows(sim::Cluster& cluster, const sim::Node& target, const sim::plan::Action& action) override;

 private:
  const ServerSetup* SetupOf(const sim::Node& node) const;
  // nullptr: no node with this id.
  sim::Node* FindNode(sim::Cluster& cluster, NodeId id) const;
  enum class Part : uint8_t { kLeader, kFollower };
  std::vector<sim::Node*> Replicas(sim::Cluster& cluster, const sim::plan::Partition& wanted, Part part);
  // Of the node that has applied most.
  const broker::Controller* Newest(sim::Cluster& cluster);

  // Whether a replica in sync of every replicated partition keeps what was acknowledged, in memory at least.
  bool SurvivesPowerLoss(sim::Cluster& cluster, const ServerSetup& struck);

  const std::vector<ServerSetup>& servers_;
  const int32_t down_max_;
  // Brokers that lost their power, by the epoch that they had: what they have in sync counts again in the next one.
  std::map<NodeId, BrokerEpoch> lost_;
};

}  // namespace odradek::explore
