// Judges leaders of partitions and who may take their place, in a cluster: whom a leader counts, what those have of
// what is committed, and what holds a high watermark back. Owned by the run. Looks only.
//
//  1. Judged is the leader in the newest image that any node has had: nobody is bound by what an earlier one does.
//  2. Who may be elected are the ISR and the ELR of that image, but for a replica that lost the end of its log, until
//     its broker has registered again: the controller does not know yet (PROPERTIES.md R6).
//  3. A partition is judged when an image is new, and when its log was truncated or loaded or its high watermark moved.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/broker/partition_replica.h"
#include "engine/metadata/image.h"
#include "properties/cluster_monitors.h"
#include "sim/cluster/cluster.h"
#include "sim/explore/cluster_view.h"
#include "sim/explore/monitor_book.h"
#include "sim/explore/replica_monitor.h"
#include "sim/explore/server_setup.h"

namespace odradek::explore {

class LeaderMonitor final : public sim::ClusterObserver {
 public:
  LeaderMonitor(sim::Cluster& cluster, const std::vector<ServerSetup>& servers, ClusterView& view,
                ReplicaMonitor& replicas)
      : cluster_(cluster), servers_(servers), view_(view), replicas_(replicas) {}
  LeaderMonitor(const LeaderMonitor&) = delete;
  LeaderMonitor& operator=(const LeaderMonitor&) = delete;

  // After the ReplicaMonitor.
  void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override;
  void Look();

  const properties::Verdicts& verdicts() const { return book_.verdicts(); }

 private:
  using Key = std::pair<sim::NodeIndex, TopicPartition>;

  // nullptr: whoever had it is down, and what the others have is older.
  const metadata::Image* NewestImage();
  const ServerSetup* SetupOf(sim::NodeIndex node) const;
  // nullptr: no node with this id.
  sim::Node* FindNode(NodeId id);
  bool HasLost(const Key& replica, const metadata::Image& image);
  // nullptr: the image has no such partition.
  static const metadata::PartitionState* StateIn(const metadata::Image& image, const TopicPartition& name);
  void OnHighWatermark(sim::NodeIndex node, ShardId shard, const env::HighWatermarkMoved& moved);
  void OnTruncating(sim::NodeIndex node, const env::LogTruncating& truncating);
  void OnOutOfRange(sim::NodeIndex node, ShardId shard, const env::FetchOutOfRange& answered);
  // What a node knows of brokers, for the question where it sends consumers to.
  struct Racks {
    std::set<std::string> names;
    replication::Brokers brokers;
    std::vector<NodeId> inactive;
  };
  static Racks RacksIn(const metadata::Image& image);
  void LookAtRedirections(sim::Node& node, const replication::Replica& machine, const TopicPartition& name,
                          const Racks& racks);
  void LookAtCandidates(const metadata::Image& image, const TopicPartition& name,
                        const metadata::PartitionState& partition);
  void LookAtLeaders(sim::Node& node, const metadata::Image& newest);
  // nullopt: `replica` does not lead in the newest image.
  std::optional<properties::LeaderState> LeaderStateOf(sim::Node& node, const broker::PartitionReplica& replica,
                                                       const metadata::Image& newest);
  // Whether only replicas that cannot join the ISR keep the high watermark from rising.
  static bool IsHeldBack(const replication::Replica& machine, const metadata::Image& own_image);
  int64_t NowNanos() { return cluster_.kernel().Now().nanos(); }

  sim::Cluster& cluster_;
  const std::vector<ServerSetup>& servers_;
  ClusterView& view_;
  ReplicaMonitor& replicas_;
  MonitorBook book_;
  Offset newest_end_ = kNoOffset;     // of all images that any node has had
  Offset judged_end_ = kNoOffset;     // of the image that was judged last
  std::set<TopicPartition> touched_;  // since it was
  std::map<NodeId, BrokerEpoch> epochs_;
  std::map<Key, BrokerEpoch> lost_;  // in which epoch of its broker
  std::map<Key, int64_t> held_since_;
};

}  // namespace odradek::explore
