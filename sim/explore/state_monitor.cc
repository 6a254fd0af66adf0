#include "sim/explore/state_monitor.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace odradek::explore {
namespace {

std::vector<properties::ReplicaEpoch> EpochsOf(const std::vector<storage::EpochEntry>& entries) {
  std::vector<properties::ReplicaEpoch> epochs;
  for (const storage::EpochEntry& entry : entries) epochs.push_back({entry.epoch, entry.start_offset});
  return epochs;
}

// Counts a fold as open while its fiber lives, however it ends.
class OpenFold {
 public:
  explicit OpenFold(size_t& count) : count_(count) { ++count_; }
  ~OpenFold() { --count_; }
  OpenFold(const OpenFold&) = delete;
  OpenFold& operator=(const OpenFold&) = delete;

 private:
  size_t& count_;
};

}  // namespace

StateMonitor::StateMonitor(sim::Cluster& cluster, const workload::NodeRecorder& nodes, const Options& options)
    : cluster_(cluster), nodes_(nodes), options_(options) {}

void StateMonitor::Start() {
  cluster_.kernel().After(options_.every, [this] {
    sim::DrawStream& draws = cluster_.kernel().Stream(sim::EntityOf("monitor"), sim::PurposeOf("fold"));
    Look(draws.PartsPerMillion(options_.fold_ppm) ? Folding::kNow : Folding::kNever);
    Start();
  });
}

void StateMonitor::StartFinalFolds() {
  Look(Folding::kFinal);
}

void StateMonitor::Look(Folding folding) {
  ++look_count_;
  for (const auto& node : cluster_.nodes()) {
    if (node->role() != "broker" || node->state() != sim::Node::State::kRunning) continue;
    BrokerProcess* process = BrokerOf(*node);
    if (process == nullptr || !process->is_serving()) continue;
    for (int32_t i = 0; i < process->node().shard_count(); ++i) {
      const ShardId id(i);
      for (const auto& partition : process->node().shard(id).Partitions()) {
        LookAt(*node, *partition, folding, node->env(id));
      }
    }
  }
}

properties::ReplicaState StateMonitor::StateOf(sim::Node& node, const storage::LogView& view,
                                               const TopicPartition& name) {
  const workload::NodeRecorder::LogGhost* ghost = nodes_.Find(node.index(), name);
  return {.at_ns = cluster_.kernel().Now().nanos(),
          .node = node.name(),
          .partition = name,
          .log_start_offset = view.log_start_offset,
          .last_stable_offset = view.last_stable_offset,
          .high_watermark = view.high_watermark,
          .log_end_offset = view.log_end_offset,
          .recovery_point = view.recovery_point,
          .flushed_end = ghost == nullptr ? Offset(0) : ghost->flushed_end,
          .epochs = EpochsOf(view.epochs),
          .producer_fingerprint = view.producer_fingerprint};
}

void StateMonitor::LookAt(sim::Node& node, const broker::Partition& partition, Folding folding, env::Env& env) {
  storage::Log& log = partition.log();
  const storage::LogView view = log.Inspect();
  Add(log.name(), properties::MonitorAll(StateOf(node, view, log.name())));
  if (folding == Folding::kNever || view.offline) return;
  auto open = std::make_shared<OpenFold>(open_fold_count_);
  env.scheduler.Spawn("fold", [this, open, index = node.index(), log = log.shared_from_this(),
                               folding](fiber::Fiber& self) { Fold(self, index, *log, folding); });
}

void StateMonitor::Fold(fiber::Fiber& self, sim::NodeIndex node, storage::Log& log, Folding folding) {
  const storage::LogView before = log.Inspect();
  const storage::LogFold files = log.FoldFiles(self);
  const storage::LogView after = log.Inspect();
  // Somebody wrote meanwhile: the files that were read belong to no one instant.
  if (before != after) return;
  ++fold_count_;
  const TopicPartition& name = log.name();
  if (!files.ok) {
    if (folding != Folding::kFinal) return;
    const std::string what = fmt::format("the files of {} cannot be folded: {}", ToString(name), files.problem);
    properties::Findings found;
    found.Judged();
    found.Violated(what, {cluster_.kernel().Now().nanos()});
    properties::Verdicts verdicts;
    verdicts.Add("P5", found);
    return Add(name, std::move(verdicts));
  }
  const properties::ReplicaFold fold{.log_end_offset = files.log_end_offset,
                                     .epochs = EpochsOf(files.epochs),
                                     .producer_fingerprint = files.producer_fingerprint};
  properties::ReplicaState state = StateOf(cluster_.node(node), after, name);
  state.fold = &fold;
  Add(name, properties::MonitorAll(state));
}

void StateMonitor::Add(const TopicPartition& partition, properties::Verdicts found) {
  for (const auto& [id, count] : found.fact_counts) fact_counts_[id] += count;
  for (history::Violation& violation : found.violations) {
    if (known_.insert({violation.property, partition}).second) violations_.push_back(std::move(violation));
  }
}

}  // namespace odradek::explore
