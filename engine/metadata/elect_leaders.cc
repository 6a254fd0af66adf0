// Elections that somebody asks for, and those that the controller holds of itself (KIP-183, KIP-460, KIP-704).
#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

// The values are those of ElectLeadersRequest (KIP-460).
enum class ElectionType : int8_t { kPreferred = 0, kUnclean = 1 };

// The version from which on a request names the type; before, it was the preferred one.
constexpr int16_t kTypeFrom = 1;

std::optional<protocol::PartitionChangeRecord> Hold(const DecisionView& view, PartitionAddress at, Election election) {
  const PartitionState& partition = at.topic.partitions.at(at.index);
  const TopicRules rules = RulesOf(view.image, view.node, at.topic);
  const BrokerChange nothing;
  const Candidates candidates(view.image, nothing);
  PartitionTarget target(partition);
  target.election = election;
  return ChangePartition(at, partition, target, rules.partition, candidates, view.context);
}

// The partitions of one request: one that it names twice is elected for once.
class RequestedElections {
 public:
  RequestedElections(const DecisionView& view, ElectionType type) : view_(view), type_(type) {}

  MaybeFailure Elect(const std::string& topic_name, PartitionIndex index);
  std::vector<Record> TakeRecords() { return std::move(records_); }

 private:
  bool IsNeeded(const PartitionState& partition) const {
    if (type_ == ElectionType::kUnclean) return partition.leader == kNoNode;
    return partition.leader != partition.replicas.front();
  }

  const DecisionView& view_;
  ElectionType type_;
  std::set<std::pair<TopicId, PartitionIndex>> elected_;
  std::vector<Record> records_;
};

MaybeFailure RequestedElections::Elect(const std::string& topic_name, PartitionIndex index) {
  const TopicState* const topic = view_.image.FindTopic(topic_name);
  if (topic == nullptr) return Failure{ErrorCode::kUnknownTopicOrPartition, "No such topic as " + topic_name};
  const auto at = topic->partitions.find(index);
  if (at == topic->partitions.end()) {
    return Failure{ErrorCode::kUnknownTopicOrPartition,
                   fmt::format("No such partition as {}-{}", topic_name, index.value())};
  }
  if (!IsNeeded(at->second) || elected_.contains({topic->id, index})) {
    return Failure{ErrorCode::kElectionNotNeeded, "Leader election not needed for topic partition."};
  }
  const bool is_preferred = type_ == ElectionType::kPreferred;
  auto change = Hold(view_, {*topic, index}, is_preferred ? Election::kPreferred : Election::kUnclean);
  if (!change || change->leader < 0) {
    return is_preferred ? Failure{ErrorCode::kPreferredLeaderNotAvailable, "The preferred leader was not available."}
                        : Failure{ErrorCode::kEligibleLeadersNotAvailable,
                                  "Eligible topic partition leaders are not available."};
  }
  elected_.insert({topic->id, index});
  records_.emplace_back(*std::move(change));
  return std::nullopt;
}

using Results = protocol::ElectLeadersResponse::ReplicaElectionResult;

void Answer(PartitionIndex index, const MaybeFailure& failure, Results& results) {
  auto& result = results.partition_result.emplace_back();
  result.partition_id = index.value();
  result.error_message = std::nullopt;
  if (!failure) return;
  result.error_code = protocol::ToWire(failure->code);
  result.error_message = failure->message;
}

}  // namespace

Outcome<protocol::ElectLeadersResponse> Controller::ElectLeaders(const protocol::ElectLeadersRequest& request,
                                                                 int16_t version) const {
  Outcome<protocol::ElectLeadersResponse> outcome;
  const auto type = version < kTypeFrom ? ElectionType::kPreferred : static_cast<ElectionType>(request.election_type);
  if (type != ElectionType::kPreferred && type != ElectionType::kUnclean) {
    outcome.response.error_code = protocol::ToWire(ErrorCode::kInvalidRequest);
    return outcome;
  }
  const DecisionView decision = view();
  RequestedElections elections(decision, type);
  std::vector<Results>& out = outcome.response.replica_election_results;
  if (request.topic_partitions) {
    for (const auto& topic : *request.topic_partitions) {
      Results& results = out.emplace_back();
      results.topic = topic.topic;
      for (const int32_t index : topic.partitions) {
        Answer(PartitionIndex(index), elections.Elect(topic.topic, PartitionIndex(index)), results);
      }
    }
  } else {
    // All of them; those that need none are not answered for.
    for (const auto& [name, topic] : image().topics()) {
      Results& results = out.emplace_back();
      results.topic = name;
      for (const auto& [index, partition] : topic->partitions) {
        const MaybeFailure failure = elections.Elect(name, index);
        if (!failure || failure->code != ErrorCode::kElectionNotNeeded) Answer(index, failure, results);
      }
    }
  }
  outcome.records = elections.TakeRecords();
  if (static_cast<int64_t>(outcome.records.size()) <= options_.records_per_request_max) return outcome;
  outcome.records.clear();
  out.clear();
  outcome.response.error_code = protocol::ToWire(ErrorCode::kPolicyViolation);
  return outcome;
}

Outcome<Progress> Controller::BalanceLeaders() const {
  Outcome<Progress> outcome{{}, Progress::kDone};
  const DecisionView decision = view();
  for (const auto& [name, topic] : image().topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      const NodeId preferred = partition.replicas.front();
      if (partition.leader == preferred) continue;
      auto change = Hold(decision, {*topic, index}, Election::kPreferred);
      if (!change || NodeId(change->leader) != preferred) continue;
      if (static_cast<int64_t>(outcome.records.size()) == options_.elections_per_step_max) {
        outcome.response = Progress::kMore;
        return outcome;
      }
      outcome.records.emplace_back(*std::move(change));
    }
  }
  return outcome;
}

Outcome<Progress> Controller::ElectUncleanLeaders() const {
  Outcome<Progress> outcome{{}, Progress::kDone};
  const DecisionView decision = view();
  for (const auto& [name, topic] : image().topics()) {
    std::optional<Election> allowed;
    for (const auto& [index, partition] : topic->partitions) {
      if (partition.leader != kNoNode) continue;
      if (!allowed) allowed = RulesOf(image(), node_view(), *topic).election;
      if (*allowed != Election::kUnclean) break;
      auto change = Hold(decision, {*topic, index}, Election::kUnclean);
      if (!change || change->leader < 0) continue;
      if (static_cast<int64_t>(outcome.records.size()) == options_.elections_per_step_max) {
        outcome.response = Progress::kMore;
        return outcome;
      }
      outcome.records.emplace_back(*std::move(change));
    }
  }
  return outcome;
}

}  // namespace odradek::metadata
