// Replicas move to other brokers, and moves are called off (KIP-455, KIP-860).
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using Move = protocol::AlterPartitionReassignmentsRequest::ReassignablePartition;
using Ongoing = protocol::ListPartitionReassignmentsResponse::OngoingPartitionReassignment;

bool IsMoving(const PartitionState& partition) {
  return !partition.adding_replicas.empty() || !partition.removing_replicas.empty();
}

// How many replicas the partition has when what is going on with it has ended.
size_t ReplicaCountOf(const PartitionState& partition) {
  return Without(partition.replicas, partition.removing_replicas).size();
}

enum class CountChange : uint8_t { kRefused, kAllowed };

class Reassignments {
 public:
  Reassignments(const DecisionView& view, CountChange count_change)
      : view_(view), count_change_(count_change), candidates_(view.image, nothing_) {}

  MaybeFailure Alter(const std::string& topic_name, const Move& move);
  std::vector<Record> TakeRecords() { return std::move(records_); }

 private:
  MaybeFailure CheckTarget(const PartitionState& partition, const std::vector<NodeId>& replicas) const;
  MaybeFailure Begin(PartitionAddress at, const PartitionState& partition, const std::vector<NodeId>& replicas);
  MaybeFailure Cancel(PartitionAddress at, const PartitionState& partition);
  void Add(PartitionAddress at, const PartitionState& partition, const PartitionTarget& target,
           const TopicRules& rules);

  const DecisionView& view_;
  CountChange count_change_;
  BrokerChange nothing_;
  Candidates candidates_;
  std::set<std::pair<TopicId, PartitionIndex>> seen_;
  std::vector<Record> records_;
};

MaybeFailure Reassignments::CheckTarget(const PartitionState& partition, const std::vector<NodeId>& replicas) const {
  const auto failure = [](std::string message) {
    return Failure{ErrorCode::kInvalidReplicaAssignment, std::move(message)};
  };
  if (replicas.empty()) return failure("The manual partition assignment includes an empty replica list.");
  if (!AreDistinct(replicas)) return failure("The manual partition assignment includes a broker more than once.");
  for (const NodeId id : replicas) {
    if (view_.image.FindBroker(id) != nullptr) continue;
    return failure(fmt::format("The manual partition assignment includes broker {}, but no such broker is registered.",
                               id.value()));
  }
  const size_t count = ReplicaCountOf(partition);
  if (count_change_ == CountChange::kAllowed || replicas.size() == count) return std::nullopt;
  return Failure{ErrorCode::kInvalidReplicationFactor,
                 fmt::format("The replication factor is changed from {} to {}", count, replicas.size())};
}

void Reassignments::Add(PartitionAddress at, const PartitionState& partition, const PartitionTarget& target,
                        const TopicRules& rules) {
  auto change = ChangePartition(at, partition, target, rules.partition, candidates_, view_.context);
  if (change) records_.emplace_back(*std::move(change));
}

// All replicas that are and that will be, the new ones first, so that the first of them is preferred from now on. What
// needs no new replica in sync ends at once.
MaybeFailure Reassignments::Begin(PartitionAddress at, const PartitionState& partition,
                                  const std::vector<NodeId>& replicas) {
  MaybeFailure failure = CheckTarget(partition, replicas);
  if (failure) return failure;
  PartitionTarget target(partition);
  target.removing_replicas = Without(partition.replicas, replicas);
  // What an earlier move adds is still to come: until it is in sync, the move is not over (KAFKA-15665).
  target.adding_replicas = Without(replicas, Without(partition.replicas, partition.adding_replicas));
  std::sort(target.removing_replicas.begin(), target.removing_replicas.end());
  std::sort(target.adding_replicas.begin(), target.adding_replicas.end());
  target.replicas = replicas;
  target.replicas.insert(target.replicas.end(), target.removing_replicas.begin(), target.removing_replicas.end());
  Add(at, partition, target, RulesOf(view_.image, view_.node, at.topic));
  return std::nullopt;
}

MaybeFailure Reassignments::Cancel(PartitionAddress at, const PartitionState& partition) {
  if (!IsMoving(partition)) {
    return Failure{ErrorCode::kNoReassignmentInProgress, "No partition reassignment is in progress."};
  }
  const TopicRules rules = RulesOf(view_.image, view_.node, at.topic);
  PartitionTarget target(partition);
  target.replicas = Without(partition.replicas, partition.adding_replicas);
  target.isr = Without(partition.isr, partition.adding_replicas);
  target.removing_replicas.clear();
  target.adding_replicas.clear();
  target.election = rules.election;
  if (target.replicas.empty()) {
    return Failure{ErrorCode::kInvalidReplicaAssignment, "The reassignment adds every replica that there is."};
  }
  // None of those that stay is in sync, and none is eligible: one takes over with what it has, or nothing is done.
  if (target.isr.empty() && !partition.isr.empty()) {
    const PartitionState next = NextState(partition, target, rules.partition, candidates_, view_.context);
    if (next.leader == kNoNode) {
      return Failure{ErrorCode::kInvalidReplicaAssignment,
                     fmt::format("Unable to revert partition assignment for {}:{} because it would require an unclean "
                                 "leader election.",
                                 at.topic.name, at.index.value())};
    }
  }
  Add(at, partition, target, rules);
  return std::nullopt;
}

MaybeFailure Reassignments::Alter(const std::string& topic_name, const Move& move) {
  const TopicState* const topic = view_.image.FindTopic(topic_name);
  if (topic == nullptr) {
    return Failure{ErrorCode::kUnknownTopicOrPartition, fmt::format("Unable to find a topic named {}.", topic_name)};
  }
  const PartitionIndex index(move.partition_index);
  const auto at = topic->partitions.find(index);
  if (at == topic->partitions.end()) {
    return Failure{ErrorCode::kUnknownTopicOrPartition,
                   fmt::format("Unable to find partition {}:{}.", topic_name, index.value())};
  }
  if (!seen_.insert({topic->id, index}).second) {
    return Failure{ErrorCode::kInvalidRequest, "The request names this partition more than once"};
  }
  if (!move.replicas) return Cancel({*topic, index}, at->second);
  return Begin({*topic, index}, at->second, ToNodeIds(*move.replicas));
}

std::optional<Ongoing> OngoingOf(const TopicState& topic, PartitionIndex index) {
  const auto at = topic.partitions.find(index);
  if (at == topic.partitions.end() || !IsMoving(at->second)) return std::nullopt;
  Ongoing out;
  out.partition_index = index.value();
  out.replicas = ToNumbers(at->second.replicas);
  out.adding_replicas = ToNumbers(at->second.adding_replicas);
  out.removing_replicas = ToNumbers(at->second.removing_replicas);
  return out;
}

}  // namespace

Outcome<protocol::AlterPartitionReassignmentsResponse> Controller::AlterPartitionReassignments(
    const protocol::AlterPartitionReassignmentsRequest& request) const {
  Outcome<protocol::AlterPartitionReassignmentsResponse> outcome;
  outcome.response.error_message = std::nullopt;
  outcome.response.allow_replication_factor_change = request.allow_replication_factor_change;
  const DecisionView decision = view();
  Reassignments reassignments(decision,
                              request.allow_replication_factor_change ? CountChange::kAllowed : CountChange::kRefused);
  for (const auto& topic : request.topics) {
    auto& answers = outcome.response.responses.emplace_back();
    answers.name = topic.name;
    for (const Move& move : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = move.partition_index;
      answer.error_message = std::nullopt;
      const MaybeFailure failure = reassignments.Alter(topic.name, move);
      if (!failure) continue;
      answer.error_code = protocol::ToWire(failure->code);
      answer.error_message = failure->message;
    }
  }
  outcome.records = reassignments.TakeRecords();
  if (static_cast<int64_t>(outcome.records.size()) <= options_.records_per_request_max) return outcome;
  outcome.records.clear();
  outcome.response.responses.clear();
  outcome.response.error_code = protocol::ToWire(ErrorCode::kPolicyViolation);
  outcome.response.error_message =
      fmt::format("A request may lead to at most {} records", options_.records_per_request_max);
  return outcome;
}

protocol::ListPartitionReassignmentsResponse Controller::ListPartitionReassignments(
    const protocol::ListPartitionReassignmentsRequest& request) const {
  protocol::ListPartitionReassignmentsResponse response;
  response.error_message = std::nullopt;
  const auto list = [&](const TopicState& topic, const std::vector<PartitionIndex>& indexes) {
    protocol::ListPartitionReassignmentsResponse::OngoingTopicReassignment ongoing;
    ongoing.name = topic.name;
    for (const PartitionIndex index : indexes) {
      if (auto partition = OngoingOf(topic, index)) ongoing.partitions.push_back(*std::move(partition));
    }
    if (!ongoing.partitions.empty()) response.topics.push_back(std::move(ongoing));
  };
  if (!request.topics) {
    for (const auto& [name, topic] : image().topics()) {
      std::vector<PartitionIndex> indexes;
      for (const auto& [index, partition] : topic->partitions) indexes.push_back(index);
      list(*topic, indexes);
    }
    return response;
  }
  for (const auto& wanted : *request.topics) {
    const TopicState* const topic = image().FindTopic(wanted.name);
    if (topic == nullptr) continue;
    std::vector<PartitionIndex> indexes;
    for (const int32_t index : wanted.partition_indexes) indexes.emplace_back(index);
    list(*topic, indexes);
  }
  return response;
}

}  // namespace odradek::metadata
