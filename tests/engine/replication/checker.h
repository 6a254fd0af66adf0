// What must hold of a partition, judged from outside while it runs (PROPERTIES R1–R15, H1, H2, H8). It sees every
// effect when it is carried out and all disks at that moment, and keeps a naive model: one committed log, who led which
// epoch, which replicas have lost something. The first thing that is false is kept as text.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/engine/replication/controller_model.h"
#include "tests/engine/replication/node_model.h"

namespace odradek::replication {

class Checker {
 public:
  bool ok() const { return violation_.empty(); }
  const std::string& violation() const { return violation_; }
  Offset committed_end() const { return Offset(static_cast<int64_t>(committed_.size())); }
  int64_t leaders() const { return static_cast<int64_t>(leaders_.size()); }
  int64_t acknowledged() const { return acknowledged_; }
  const std::map<NodeId, BrokerEpoch>& lossy() const { return lossy_; }

  void Check(bool holds, std::string_view what, NodeId node) {
    if (!holds && ok()) violation_ = fmt::format("{} (broker {})", what, node.value());
  }

  // It has lost what it had not flushed, and may not be relied upon until it is in the ISR again.
  void OnLoss(const BrokerNode& node) { lossy_[node.id] = node.broker_epoch; }

  // It is a replica no more since this epoch, and has deleted its log.
  void OnDeleted(const BrokerNode& node, LeaderEpoch epoch) { deleted_[node.id] = epoch; }

  void OnAppended(const BrokerNode& node, Offset from) {
    for (Offset at = std::max(from, node.disk.start()); at < node.disk.end(); ++at) {
      const LeaderEpoch before = node.disk.Has(at - 1) ? node.disk.At(at - 1).epoch : kNoLeaderEpoch;
      const auto [known, is_new] = written_.emplace(std::pair(at, node.disk.At(at).epoch), Written{});
      if (is_new) known->second = {node.disk.At(at).value, before};
      Check(known->second.value == node.disk.At(at).value, "R3: one offset and epoch, two records", node.id);
      const bool is_known = before != kNoLeaderEpoch && known->second.before != kNoLeaderEpoch;
      Check(!is_known || before == known->second.before, "R3: one offset and epoch, two prefixes", node.id);
      if (known->second.before == kNoLeaderEpoch) known->second.before = before;
    }
  }

  void OnLeader(const BrokerNode& node, const BeginLeaderEpoch& began, const ControllerModel& controller) {
    const auto [at, is_new] = leaders_.emplace(began.leader_epoch, std::pair(node.id, node.incarnation));
    Check(is_new, "R5: two leaders in one epoch", node.id);
    Check(began.start == node.disk.end(), "an epoch begins inside the log", node.id);
    // Who hears too late of an epoch that is over leads nobody.
    if (began.leader_epoch < controller.partition().leader_epoch) return;
    CheckHas(node, committed_end(), "R4: the leader lacks what is committed");
  }

  void OnTruncated(const BrokerNode& node, Offset end, const ControllerModel& controller) {
    if (!controller.IsCandidate(node.id) || lossy_.contains(node.id)) return;
    Check(end >= std::min(committed_end(), node.disk.end()), "R10: truncates what is committed", node.id);
  }

  // `brokers`: as the node knows them.
  void OnHighWatermark(const BrokerNode& node, Offset to, const std::vector<BrokerNode>& all, const Brokers& brokers) {
    Check(to <= node.disk.end() && to >= node.disk.start(), "R11: a high watermark outside the log", node.id);
    if (!ok()) return;
    if (node.machine->role() == Role::kLeader) {
      OnCommit(node, to, all, brokers);
    } else {
      Check(to <= committed_end(), "R1: a follower believes more to be committed than was", node.id);
    }
    CheckHas(node, to, "R3: two replicas disagree about what is committed");
  }

  void OnProposal(const BrokerNode& node, const SendAlterPartition& request, const Brokers& brokers) {
    Check(Contains(request.isr, node.id), "R8: an ISR without its leader", node.id);
    const auto& leader = std::get<Leader>(node.machine->state());
    // A retry says the same again, whatever has happened meanwhile.
    NodeIds& before = proposed_[{node.id, request.leader_epoch, request.partition_epoch}];
    const bool is_retry = std::exchange(before, request.isr) == request.isr;
    for (const NodeId id : request.isr) {
      const auto broker = brokers.find(id);
      Check(Contains(request.isr, id) && (id == node.id || leader.followers.Has(id)), "R8: no replica", node.id);
      if (leader.isr.Has(id)) continue;
      const bool is_active = !broker->second.fenced && !broker->second.in_controlled_shutdown;
      Check(is_active || is_retry, "R8: adds a replica that is known to be fenced or shutting down", node.id);
    }
    Check(request.partition_epoch == leader.isr.partition_epoch(), "builds on another partition epoch", node.id);
  }

  void OnAnswer(const BrokerNode& node, ErrorCode error, const BrokerNode::Produced& produced) {
    if (error != ErrorCode::kNone) return;
    ++acknowledged_;
    Check(produced.offset < committed_end(), "R13: acknowledged before it is committed", node.id);
    if (!ok()) return;
    Check(committed_[Index(produced.offset)] == produced.entry, "H2: acknowledged, but another is committed", node.id);
    const auto& leader = std::get<Leader>(node.machine->state());
    const bool is_enough = leader.isr.committed().size() >= node.machine->effective_min_isr();
    Check(is_enough, "R13: acknowledged below min.insync.replicas", node.id);
  }

  // Of everything at once; after steps that could have broken it.
  void CheckAll(const ControllerModel& controller, const std::vector<BrokerNode>& all) {
    std::erase_if(lossy_, [&controller](const auto& lost) {
      const bool is_back = controller.brokers().at(lost.first).epoch > lost.second;
      return is_back && Contains(controller.partition().isr, lost.first);
    });
    for (const BrokerNode& node : all) {
      if (controller.IsCandidate(node.id) && !lossy_.contains(node.id)) {
        CheckHas(node, committed_end(), "R6: a candidate lacks what is committed");
      }
      if (node.machine) CheckReplica(node, controller);
    }
  }

  // Of what decides later judgements.
  uint64_t Fingerprint() const {
    uint64_t hash = 1;
    const auto add = [&hash](int64_t value) { hash = hash * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(value) + 1; };
    for (const Entry& entry : committed_) add(entry.value * 64 + entry.epoch.value());
    for (const auto& [epoch, leader] : leaders_) add(epoch.value() * 64 + leader.first.value());
    for (const auto& [id, epoch] : lossy_) add(id.value());
    return hash;
  }

 private:
  struct Written {
    int64_t value = 0;
    LeaderEpoch before = kNoLeaderEpoch;
  };
  static size_t Index(Offset offset) { return static_cast<size_t>(offset.value()); }

  void CheckHas(const BrokerNode& node, Offset end, std::string_view what) {
    Check(node.disk.end() >= end, what, node.id);
    for (Offset at = node.disk.start(); at < end && ok(); ++at) {
      Check(node.disk.At(at) == committed_[Index(at)], what, node.id);
    }
  }

  void OnCommit(const BrokerNode& leader, Offset end, const std::vector<BrokerNode>& all, const Brokers& brokers) {
    const auto& state = std::get<Leader>(leader.machine->state());
    const bool is_enough = state.isr.committed().size() >= leader.machine->effective_min_isr();
    Check(is_enough, "R1: commits below min.insync.replicas", leader.id);
    for (const BrokerNode& node : all) {
      // Nobody has told the leader yet that the member has lost something.
      const auto lost = lossy_.find(node.id);
      const bool is_unknown = lost != lossy_.end() && brokers.at(node.id).epoch <= lost->second;
      // Nor that it is a replica no more, in a later epoch than the leader's: the controller has enough others.
      const auto deleted = deleted_.find(node.id);
      const bool is_gone = deleted != deleted_.end() && leader.machine->leader_epoch() < deleted->second;
      if (!state.isr.MaximalHas(node.id) || is_unknown || is_gone) continue;
      Check(node.disk.end() >= end, "R1: commits what a member of the maximal ISR does not have", leader.id);
      for (Offset at = std::max(node.disk.start(), leader.disk.start()); at < end && ok(); ++at) {
        Check(node.disk.At(at) == leader.disk.At(at), "R1: commits what a member has another record for", leader.id);
      }
    }
    for (Offset at = committed_end(); at < end && ok(); ++at) {
      Check(leader.disk.Has(at), "R2: commits what it does not have", leader.id);
      if (ok()) committed_.push_back(leader.disk.At(at));
    }
  }

  void CheckReplica(const BrokerNode& node, const ControllerModel& controller) {
    const LogFacts& log = node.machine->log();
    Check(log.start() == node.disk.start() && log.end() == node.disk.end(), "machine and log differ", node.id);
    Check(log == WithHighWatermark(node), "R12: the epochs are not the log's", node.id);
    if (node.machine->role() != Role::kLeader) return;
    const auto& leader = std::get<Leader>(node.machine->state());
    const bool is_current =
        controller.partition().leader == node.id && controller.partition().leader_epoch == node.machine->leader_epoch();
    const bool is_enough = leader.isr.committed().size() >= node.machine->effective_min_isr();
    if (!is_current || !is_enough) return;
    for (const NodeIds& ids : {controller.partition().isr, controller.elr()}) {
      for (const NodeId id : ids) Check(leader.isr.MaximalHas(id), "R7: a candidate is not counted", node.id);
    }
  }

  static LogFacts WithHighWatermark(const BrokerNode& node) {
    DiskModel disk = node.disk;
    disk.Checkpoint(node.machine->high_watermark());
    return disk.Facts();
  }

  std::string violation_;
  std::vector<Entry> committed_;
  std::map<LeaderEpoch, std::pair<NodeId, int64_t>> leaders_;
  std::map<std::pair<Offset, LeaderEpoch>, Written> written_;
  std::map<std::tuple<NodeId, LeaderEpoch, PartitionEpoch>, NodeIds> proposed_;
  std::map<NodeId, LeaderEpoch> deleted_;
  std::map<NodeId, BrokerEpoch> lossy_;  // as which incarnation
  int64_t acknowledged_ = 0;
};

}  // namespace odradek::replication
