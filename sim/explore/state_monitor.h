// Looks at the state of every broker's logs again and again while a run goes on, and judges it by
// properties/monitors.h. Owned by the run; outlives the processes that it looks at. Looking costs no virtual time;
// folding the files is done by a fiber of the node and does.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "properties/monitors.h"
#include "sim/cluster/cluster.h"
#include "sim/explore/broker_program.h"
#include "sim/workload/node_recorder.h"

namespace odradek::explore {

class StateMonitor {
 public:
  struct Options {
    Duration every = Duration::Millis(200);
    // How often a look also folds the files of the logs.
    uint32_t fold_ppm = 100'000;
  };
  StateMonitor(sim::Cluster& cluster, const workload::NodeRecorder& nodes, const Options& options);
  StateMonitor(const StateMonitor&) = delete;
  StateMonitor& operator=(const StateMonitor&) = delete;

  void Start();
  // Folds every log now; a fold that cannot be made is a violation, since nothing is wrong with the disk any more.
  void StartFinalFolds();
  size_t open_fold_count() const { return open_fold_count_; }

  // At most one per property and partition: the first.
  const std::vector<history::Violation>& violations() const { return violations_; }
  // How many facts each property judged, by its id.
  const std::map<std::string, uint64_t>& fact_counts() const { return fact_counts_; }
  uint64_t look_count() const { return look_count_; }
  uint64_t fold_count() const { return fold_count_; }

 private:
  enum class Folding : uint8_t { kNever, kNow, kFinal };

  void Look(Folding folding);
  void LookAt(sim::Node& node, const broker::Partition& partition, Folding folding, env::Env& env);
  properties::ReplicaState StateOf(sim::Node& node, const storage::LogView& view, const TopicPartition& name);
  void Fold(fiber::Fiber& self, sim::NodeIndex node, storage::Log& log, Folding folding);
  void Add(const TopicPartition& partition, properties::Verdicts found);

  sim::Cluster& cluster_;
  const workload::NodeRecorder& nodes_;
  const Options options_;
  std::vector<history::Violation> violations_;
  std::set<std::pair<std::string, TopicPartition>> known_;
  std::map<std::string, uint64_t> fact_counts_;
  uint64_t look_count_ = 0;
  uint64_t fold_count_ = 0;
  size_t open_fold_count_ = 0;
};

}  // namespace odradek::explore
