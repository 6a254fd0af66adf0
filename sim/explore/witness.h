// Keeps what brokers did with their logs during a run, for explain.h: appends, syncs, losses, deletions. Owned by
// whoever asks for the explanation; given to a run with RunOptions::witness.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/cluster/cluster.h"

namespace odradek::explore {

enum class DeedKind : uint8_t {
  kAppended,    // [begin, end)
  kFlushed,     // everything below `end` is durable
  kTruncated,   // the log ends at `end`
  kRecovered,   // the log begins at `begin` and ends at `end`
  kStartMoved,  // the log begins at `begin`
  kDeleted,     // the segment [begin, end)
  kCompacted,   // segments [begin, end) were replaced by a cleaned copy
  kOffline,     // takes no more appends
  kVisible,     // high watermark `end`
};

struct Deed {
  int64_t at_ns = 0;
  std::string node = {};
  DeedKind kind = DeedKind::kAppended;
  TopicPartition partition;
  Offset begin = kNoOffset;
  Offset end = kNoOffset;
  std::string why = {};
};

class Witness final : public sim::ClusterObserver {
 public:
  // Before the run begins; the cluster outlives the calls that follow.
  void Watch(sim::Cluster& cluster) { cluster_ = &cluster; }
  void OnObservation(sim::NodeIndex node, ShardId shard, const env::Observation& observation) override;

  // In the order of time.
  const std::vector<Deed>& deeds() const { return deeds_; }

 private:
  void Add(sim::NodeIndex node, const env::PartitionName& partition, Deed deed);

  sim::Cluster* cluster_ = nullptr;
  std::vector<Deed> deeds_;
};

}  // namespace odradek::explore
