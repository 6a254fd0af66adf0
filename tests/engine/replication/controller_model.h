// The controller in a test, for one partition: what KIP-966 says that it does with registrations, heartbeats,
// AlterPartition and reassignments, each as one step. Every change is a version of the published metadata.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/base/check.h"
#include "engine/replication/steps.h"

namespace odradek::replication {

struct MetadataVersion {
  Registration partition;
  Brokers brokers;
  friend bool operator==(const MetadataVersion&, const MetadataVersion&) = default;
};

class ControllerModel {
 public:
  ControllerModel(int32_t brokers, int32_t replicas, int32_t min_isr) : min_isr_(static_cast<size_t>(min_isr)) {
    for (int32_t id = 1; id <= brokers; ++id) {
      brokers_[NodeId(id)] = {.epoch = BrokerEpoch(++broker_epochs_), .rack = ""};
      if (id > replicas) continue;
      partition_.replicas.push_back(NodeId(id));
      partition_.isr.push_back(NodeId(id));
    }
    partition_.leader = NodeId(1);
    Publish();
  }

  const Registration& partition() const { return partition_; }
  const NodeIds& elr() const { return elr_; }
  const Brokers& brokers() const { return brokers_; }
  const std::vector<MetadataVersion>& log() const { return log_; }
  size_t effective_min_isr() const { return std::min(min_isr_, partition_.replicas.size()); }
  bool IsCandidate(NodeId id) const { return Contains(partition_.isr, id) || Contains(elr_, id); }
  bool is_reassigning() const { return !partition_.adding_replicas.empty() || !partition_.removing_replicas.empty(); }

  // A broker has started. Without proof of a clean shutdown it may have lost what it had, and is no candidate any more.
  BrokerEpoch Register(NodeId id, bool is_clean) {
    brokers_[id].epoch = BrokerEpoch(++broker_epochs_);
    brokers_[id].fenced = true;
    Change next = Now();
    std::erase(next.isr, id);
    if (is_clean) {
      next = WithElr(next);
    } else {
      std::erase(next.elr, id);
      next = WithElr(next);
      std::erase(next.elr, id);
    }
    Apply(next);
    return brokers_[id].epoch;
  }
  void Fence(NodeId id) {
    brokers_[id].fenced = true;
    Change next = Now();
    std::erase(next.isr, id);
    Apply(WithElr(next));
  }
  void Unfence(NodeId id) {
    brokers_[id].fenced = false;
    Apply(Now());
  }

  // Another leader, of the ISR.
  void MoveLeader(NodeId to) {
    Change next = Now();
    if (Contains(next.isr, to) && !brokers_[to].fenced) next.leader = to;
    Apply(next);
  }

  void Reassign(const NodeIds& target) {
    REQUIRES(!is_reassigning());
    Change next = Now();
    for (const NodeId id : partition_.replicas) {
      if (!Contains(target, id)) next.removing.push_back(id);
    }
    for (const NodeId id : target) {
      if (Contains(partition_.replicas, id)) continue;
      next.adding.push_back(id);
      next.replicas.push_back(id);
    }
    Apply(next);
  }

  // `broker_epoch`: of the broker that sent it.
  AlterPartitionAnswered Alter(NodeId from, BrokerEpoch broker_epoch, const SendAlterPartition& request) {
    AlterPartitionAnswered answer{.attempt = request.attempt, .committed = {}};
    answer.error = Validate(from, broker_epoch, request);
    if (answer.error != ErrorCode::kNone) return answer;
    Change next = Now();
    if (next.isr != request.isr) {
      next.isr = request.isr;
      Apply(WithElr(next));
    }
    if (!Contains(partition_.replicas, from)) answer.error = ErrorCode::kNewLeaderElected;
    answer.committed = {partition_.leader, partition_.leader_epoch, partition_.partition_epoch, partition_.isr};
    return answer;
  }

  friend bool operator==(const ControllerModel&, const ControllerModel&) = default;

 private:
  struct Change {
    NodeIds replicas, adding, removing, isr, elr;
    NodeId leader = kNoNode;
  };
  Change Now() const {
    return {partition_.replicas, partition_.adding_replicas, partition_.removing_replicas, partition_.isr, elr_,
            partition_.leader};
  }

  ErrorCode Validate(NodeId from, BrokerEpoch broker_epoch, const SendAlterPartition& request) const {
    const auto sender = brokers_.find(from);
    if (sender == brokers_.end() || sender->second.epoch != broker_epoch) return ErrorCode::kStaleBrokerEpoch;
    if (request.leader_epoch > partition_.leader_epoch) return ErrorCode::kNotController;
    if (request.leader_epoch < partition_.leader_epoch) return ErrorCode::kFencedLeaderEpoch;
    if (partition_.leader != from) return ErrorCode::kInvalidRequest;
    if (request.partition_epoch > partition_.partition_epoch) return ErrorCode::kNotController;
    if (request.partition_epoch < partition_.partition_epoch) return ErrorCode::kInvalidUpdateVersion;
    if (!Contains(request.isr, from)) return ErrorCode::kInvalidRequest;
    for (size_t i = 0; i < request.isr.size(); ++i) {
      const auto member = brokers_.find(request.isr[i]);
      if (!Contains(partition_.replicas, request.isr[i])) return ErrorCode::kInvalidRequest;
      const bool is_same =
          request.broker_epochs[i] == kNoBrokerEpoch || request.broker_epochs[i] == member->second.epoch;
      const bool is_active = !member->second.fenced && !member->second.in_controlled_shutdown;
      if (!is_same || !is_active) return ErrorCode::kIneligibleReplica;
    }
    return ErrorCode::kNone;
  }

  // Who leaves an ISR that is too small stays a candidate: nothing can have been committed without it.
  Change WithElr(Change next) const {
    for (const NodeId id : partition_.isr) {
      if (!Contains(next.isr, id) && !Contains(next.elr, id)) next.elr.push_back(id);
    }
    return next;
  }

  void FinishReassignment(Change& next) const {
    const bool is_none = next.adding.empty() && next.removing.empty();
    NodeIds isr = next.isr;
    std::erase_if(isr, [&next](NodeId id) { return Contains(next.removing, id); });
    const bool has_all = std::ranges::all_of(next.adding, [&isr](NodeId id) { return Contains(isr, id); });
    const size_t left = next.replicas.size() - next.removing.size();
    if (is_none || !has_all || isr.size() < std::min(min_isr_, left)) return;
    next.isr = isr;
    std::erase_if(next.replicas, [&next](NodeId id) { return Contains(next.removing, id); });
    next.adding.clear();
    next.removing.clear();
  }

  void Elect(Change& next) const {
    if (Contains(next.isr, next.leader) && !brokers_.at(next.leader).fenced) return;
    next.leader = kNoNode;
    const NodeIds& candidates = next.isr.empty() ? next.elr : next.isr;
    for (const NodeId id : candidates) {
      if (next.leader == kNoNode && !brokers_.at(id).fenced) next.leader = id;
    }
    if (next.leader == kNoNode || !next.isr.empty()) return;
    next.isr = {next.leader};
  }

  void Apply(Change next) {
    FinishReassignment(next);
    Elect(next);
    const size_t min_isr = std::min(min_isr_, next.replicas.size());
    std::erase_if(next.elr, [&next](NodeId id) { return Contains(next.isr, id) || !Contains(next.replicas, id); });
    if (next.isr.size() >= min_isr) next.elr.clear();
    const bool is_smaller = next.replicas.size() < partition_.replicas.size();
    Registration after = partition_;
    after.replicas = next.replicas;
    after.adding_replicas = next.adding;
    after.removing_replicas = next.removing;
    after.isr = next.isr;
    after.leader = next.leader;
    // A leader epoch also when replicas go: what their logs had is nobody's any more.
    if (after.leader != partition_.leader || is_smaller)
      after.leader_epoch = LeaderEpoch(after.leader_epoch.value() + 1);
    if (after != partition_ || next.elr != elr_) {
      after.partition_epoch = PartitionEpoch(after.partition_epoch.value() + 1);
    }
    partition_ = after;
    elr_ = next.elr;
    Publish();
  }

  void Publish() { log_.push_back({partition_, brokers_}); }

  size_t min_isr_;
  Registration partition_;
  NodeIds elr_;
  Brokers brokers_;
  int64_t broker_epochs_ = 0;
  std::vector<MetadataVersion> log_;
};

}  // namespace odradek::replication
