// Judges the metadata of a cluster while a run goes on: who leads the quorum, what voters keep on their disks, and the
// images of all nodes, every few milliseconds and in the end. Owned by the run. Looks only: no fiber, no virtual time,
// no draw, so that a run is the same without it.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/metadata/image.h"
#include "properties/cluster_monitors.h"
#include "sim/cluster/cluster.h"
#include "sim/explore/leader_monitor.h"
#include "sim/explore/monitor_book.h"
#include "sim/explore/server_setup.h"

namespace odradek::explore {

class QuorumMonitor {
 public:
  // `leaders` looks whenever this looks.
  QuorumMonitor(sim::Cluster& cluster, const std::vector<ServerSetup>& servers, LeaderMonitor& leaders)
      : cluster_(cluster), servers_(servers), leaders_of_partitions_(leaders) {}
  QuorumMonitor(const QuorumMonitor&) = delete;
  QuorumMonitor& operator=(const QuorumMonitor&) = delete;

  void Start();
  // Everybody serves, knows the same, and has what it should have.
  bool HasConverged();
  // No client has anything left to do.
  void LookAtRest();

  const properties::Verdicts& verdicts() const { return book_.verdicts(); }

 private:
  // A partition of a topic id.
  using PartitionId = std::pair<TopicId, PartitionIndex>;
  struct Vote {
    LeaderEpoch epoch;
    NodeId voted;
  };
  struct SeenImage {
    std::string node;
    uint64_t fingerprint = 0;
  };

  void Look();
  void LookAtMember(sim::Node& node);
  void LookAtVote(const ServerSetup& server, sim::Node& node);
  void LookAtImage(sim::Node& node);
  // Of an image behind all that were seen before.
  void LookAtPartitions(sim::Node& node, const metadata::Image& image);
  properties::ClusterAtRest AtRest();
  // Of every replica. REQUIRES: all nodes serve.
  bool IsAllVisible();
  int64_t NowNanos() { return cluster_.kernel().Now().nanos(); }

  sim::Cluster& cluster_;
  const std::vector<ServerSetup>& servers_;
  LeaderMonitor& leaders_of_partitions_;
  MonitorBook book_;
  uint64_t look_count_ = 0;
  std::map<LeaderEpoch, NodeId> leaders_;
  std::map<std::string, Vote> votes_;           // by node
  std::map<std::string, Offset> looked_until_;  // by node: at whose image
  std::map<Offset, SeenImage> images_;          // by their ends
  std::map<PartitionId, metadata::PartitionState> latest_;
  std::map<std::tuple<TopicId, PartitionIndex, LeaderEpoch>, NodeId> partition_leaders_;
};

}  // namespace odradek::explore
