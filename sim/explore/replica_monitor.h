// Judges what the replicas of a log have in common, in a cluster: remembers every batch that any node appended, what
// any node saw committed, and compares whenever a high watermark moves. Of partitions and of the metadata log. Owned by
// the run. Looks only.
//
//  1. A batch is committed when any replica has its high watermark behind it, and stays so for ever; but what a loss of
//     power takes from all replicas is gone: whether that is legal is judged elsewhere (H2, D1).
//  2. Compacted topics are left out: replicas compact each for itself.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "properties/cluster_monitors.h"
#include "sim/cluster/cluster.h"
#include "sim/explore/monitor_book.h"
#include "sim/explore/server_setup.h"

namespace odradek::explore {

class ReplicaMonitor final : public sim::ClusterObserver {
 public:
  ReplicaMonitor(sim::Cluster& cluster, const std::vector<ServerSetup>& servers, std::set<std::string> compacted_topics)
      : cluster_(cluster), servers_(servers), compacted_topics_(std::move(compacted_topics)) {}
  ReplicaMonitor(const ReplicaMonitor&) = delete;
  ReplicaMonitor& operator=(const ReplicaMonitor&) = delete;

  void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override;

  // Of a node's replica, as it was observed. nullopt: nothing is judged of it.
  std::optional<Offset> EndOf(sim::NodeIndex node, const TopicPartition& partition) const;
  // When it was loaded last it was shorter than before.
  bool HasLostItsEnd(sim::NodeIndex node, const TopicPartition& partition) const;
  // kNoOffset: below `end` it is, as far as it goes, as it was committed. REQUIRES: EndOf().
  Offset FirstDifference(sim::NodeIndex node, const TopicPartition& partition, Offset end);
  Offset CommittedEnd(const TopicPartition& partition) const;

  const properties::Verdicts& verdicts() const { return book_.verdicts(); }

 private:
  using Key = std::pair<sim::NodeIndex, TopicPartition>;
  // A node's replica of a log, as it was observed.
  struct Copy {
    properties::AppendedBatches batches;
    Offset start;
    Offset end;
    Offset flushed_end;
    Offset high_watermark = kNoOffset;  // since it was loaded
    Offset compared_end;                // all below is as it was committed
    bool has_lost_its_end = false;
    bool is_deleted = false;  // its topic is
  };
  struct Ledger {
    properties::AppendedBatches committed;
    Offset end;
  };

  // nullptr: nothing is judged of it.
  Copy* CopyOf(sim::NodeIndex node, const env::PartitionName& partition);
  const ServerSetup& SetupOf(sim::NodeIndex node) const;
  static void Shorten(Copy& copy, Offset end);
  void OnRecovered(sim::NodeIndex node, const env::LogRecovered& recovered);
  void OnTruncated(sim::NodeIndex node, const env::LogTruncated& truncated);
  void OnHighWatermark(sim::NodeIndex node, ShardId shard, const env::HighWatermarkMoved& moved);
  // Below it the node shows nobody anything, though it may still have it.
  Offset ShownFrom(sim::NodeIndex node, ShardId shard, const TopicPartition& partition);
  void OnTopicDeleted(const env::TopicDeleted& deleted);
  // kNoOffset: nowhere below `end`. What is news to the ledger is added to it.
  static Offset Compare(Copy& copy, Ledger& ledger, Offset end);
  // A loss took the end of a copy: what no other one has any more is not committed any more.
  void ForgetLost(const TopicPartition& partition);
  int32_t DurableCount(Offset end) const;
  int32_t voter_count() const;

  sim::Cluster& cluster_;
  const std::vector<ServerSetup>& servers_;
  const std::set<std::string> compacted_topics_;
  MonitorBook book_;
  std::map<Key, Copy> copies_;
  std::map<TopicPartition, Ledger> ledgers_;
  std::set<TopicId> deleted_;
};

}  // namespace odradek::explore
