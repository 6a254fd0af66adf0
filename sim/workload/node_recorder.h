// Writes down what the brokers of a run went through: deaths and starts, moves of log starts, and the ledger of what
// their logs lost. Reads the observation port; one per run; never suspends.
//
//  1. Only a loss of power may take what a log held, and never what the node reported as synced. After the death of a
//     process alone everything must be there (the page cache stays), unless a sync had failed before.
//  2. Where a disk damaged a batch, that batch and what follows it may be cut off, but nothing before it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/cluster/cluster.h"
#include "sim/history/history.h"

namespace odradek::workload {

class NodeRecorder final : public sim::ClusterObserver {
 public:
  // The history outlives the recorder.
  NodeRecorder(sim::Cluster& cluster, history::History& history) : cluster_(cluster), history_(history) {}
  NodeRecorder(const NodeRecorder&) = delete;
  NodeRecorder& operator=(const NodeRecorder&) = delete;

  void OnLife(const sim::LifeEvent& event) override;
  void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override;

  // What was observed of a log.
  struct LogGhost {
    Offset end;
    Offset flushed_end;
    bool is_offline = false;
    // A failed write or sync may have left pages that are in no file and count as clean: what is below this and was not
    // synced since may vanish at any time, also from a log that was loaded again.
    Offset suspect_end;
    // Since the log was last loaded.
    bool power_was_lost = false;
    // The disk damaged the batch here, or did so once: what a start finds damaged may be cut off with all that follows.
    Offset damaged_from{INT64_MAX};
    // Since the log was last loaded, the node said that it cuts the end off, and it may have died over it: the damage
    // of that moment, whatever an operator restores later.
    std::optional<Offset> cut_damaged_from = std::nullopt;
    // The node is cutting the log down to this on its leader's word: it may come back as it was, or as it shall be, or
    // anything in between.
    std::optional<Offset> truncating_to = std::nullopt;
  };
  // nullptr: nothing was observed.
  const LogGhost* Find(sim::NodeIndex node, const TopicPartition& partition) const;

  // The disk has damaged, or returned as something else, a batch of the log that begins at `from`.
  void NoteDamage(sim::NodeIndex node, const TopicPartition& partition, Offset from);
  // Everything is as it was written, by an operator's hand.
  void NoteRepair(sim::NodeIndex node);

  // Whether the node's process has a log that takes no more appends: an operator has to start it again.
  bool HasOfflineLog(sim::NodeIndex node) const;

  struct Counts {
    uint64_t crash_count = 0;
    uint64_t power_loss_count = 0;
    uint64_t fatal_count = 0;
    uint64_t clean_shutdown_count = 0;
    uint64_t recovery_count = 0;       // logs that were loaded after an unclean end
    uint64_t shortened_log_count = 0;  // that came back shorter
    uint64_t lost_record_count = 0;
    uint64_t offline_log_count = 0;
    uint64_t deleted_segment_count = 0;
  };
  const Counts& counts() const { return counts_; }
  // Why nodes ended themselves, in order.
  const std::vector<std::string>& fatal_reasons() const { return fatal_reasons_; }

 private:
  using Key = std::pair<sim::NodeIndex, TopicPartition>;

  int64_t NowNanos() { return cluster_.kernel().Now().nanos(); }
  // Null before the log was first opened, and after its topic was deleted.
  LogGhost* GhostOf(sim::NodeIndex node, const env::PartitionName& partition);
  void AddNodeEvent(sim::NodeIndex node, history::NodeEventKind kind);
  void AddLogStart(sim::NodeIndex node, const env::PartitionName& partition, Offset log_start);
  // Up to where another replica of the log goes.
  Offset KeptElsewhere(const Key& lost) const;
  void AddBatchAnswer(sim::NodeIndex node, const env::ProduceAnswered& answered);
  void AddExpiration(const env::SegmentExpired& expired);
  void OnRecovered(sim::NodeIndex node, const env::LogRecovered& recovered);
  void OnTopicDeleted(sim::NodeIndex node, std::string_view topic);
  void OnReplicaDropped(sim::NodeIndex node, const env::PartitionName& partition);
  // A new log of the name: the old ones are gone for everybody.
  void OnSuccessor(const Key& created);

  sim::Cluster& cluster_;
  history::History& history_;
  std::map<Key, LogGhost> ghosts_;
  // Logs of deleted topics whose successors were not seen yet on their nodes, and whether they were on another one.
  enum class Successor : uint8_t { kUnseen, kElsewhere };
  std::map<Key, Successor> deleted_;
  std::set<Key> dropped_;
  std::map<sim::NodeIndex, int64_t> died_at_ns_;
  Counts counts_;
  std::vector<std::string> fatal_reasons_;
};

}  // namespace odradek::workload
