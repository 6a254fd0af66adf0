// Brokers say in which directories their replicas are (KIP-858).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

// The assignments of one request: of one that it names twice the later counts.
class DirectoryChanges {
 public:
  DirectoryChanges(const DecisionView& view, const BrokerState& broker)
      : view_(view), broker_(broker), candidates_(view.image, nothing_) {}

  ErrorCode Assign(const DirectoryAssignment& assignment);
  std::vector<Record> Records() const;

 private:
  bool IsOnline(const Uuid& directory) const {
    return std::find(broker_.log_dirs.begin(), broker_.log_dirs.end(), directory) != broker_.log_dirs.end();
  }

  const DecisionView& view_;
  const BrokerState& broker_;
  BrokerChange nothing_;
  Candidates candidates_;
  std::map<std::pair<TopicId, PartitionIndex>, Uuid> wanted_;
};

ErrorCode DirectoryChanges::Assign(const DirectoryAssignment& assignment) {
  const TopicState* const topic = view_.image.FindTopicById(assignment.topic);
  if (topic == nullptr) return ErrorCode::kUnknownTopicId;
  const auto at = topic->partitions.find(assignment.partition);
  if (at == topic->partitions.end()) return ErrorCode::kUnknownTopicOrPartition;
  if (!Contains(at->second.replicas, broker_.id)) return ErrorCode::kNotLeaderOrFollower;
  wanted_.insert_or_assign({assignment.topic, assignment.partition}, assignment.directory);
  return ErrorCode::kNone;
}

std::vector<Record> DirectoryChanges::Records() const {
  std::vector<Record> out;
  for (const auto& [key, directory] : wanted_) {
    const TopicState* const topic = view_.image.FindTopicById(key.first);
    INVARIANT(topic != nullptr);
    const PartitionState& partition = topic->partitions.at(key.second);
    const TopicRules rules = RulesOf(view_.image, view_.node, *topic);
    PartitionTarget target(partition);
    target.election = rules.election;
    target.directories[broker_.id] = directory;
    if (!IsOnline(directory)) {
      std::erase(target.isr, broker_.id);
      target.lost = {broker_.id};
    }
    auto change = ChangePartition({*topic, key.second}, partition, target, rules.partition, candidates_, view_.context);
    if (change) out.emplace_back(*std::move(change));
  }
  return out;
}

}  // namespace

Outcome<MaybeFailure> Controller::AssignDirectories(NodeId broker, BrokerEpoch epoch,
                                                    std::span<const DirectoryAssignment> assignments) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response) return outcome;
  if (image().metadata_version().value_or(kMetadataVersionMax) < kDirectoriesFrom) return outcome;
  const BrokerState& state = *image().FindBroker(broker);
  const DecisionView decision = view();
  DirectoryChanges changes(decision, state);
  for (const DirectoryAssignment& assignment : assignments) {
    const bool is_registered =
        std::find(state.log_dirs.begin(), state.log_dirs.end(), assignment.directory) != state.log_dirs.end();
    if (!is_registered && assignment.directory != kLostDirectory) {
      outcome.response = Failure{
          ErrorCode::kInvalidRequest,
          fmt::format("Broker {} did not register the directory {}", broker.value(), assignment.directory.ToString())};
      return outcome;
    }
    changes.Assign(assignment);
  }
  outcome.records = changes.Records();
  return outcome;
}

Outcome<protocol::AssignReplicasToDirsResponse> Controller::AssignReplicasToDirs(
    const protocol::AssignReplicasToDirsRequest& request) const {
  Outcome<protocol::AssignReplicasToDirsResponse> outcome;
  const auto refuse = [&](ErrorCode code) {
    outcome.response.error_code = protocol::ToWire(code);
    return outcome;
  };
  if (image().metadata_version().value_or(kMetadataVersionMax) < kDirectoriesFrom) {
    return refuse(ErrorCode::kUnsupportedVersion);
  }
  if (const MaybeFailure failure = CheckEpoch(NodeId(request.broker_id), BrokerEpoch(request.broker_epoch))) {
    return refuse(failure->code);
  }
  const DecisionView decision = view();
  DirectoryChanges changes(decision, *image().FindBroker(NodeId(request.broker_id)));
  for (const auto& directory : request.directories) {
    auto& out_directory = outcome.response.directories.emplace_back();
    out_directory.id = directory.id;
    for (const auto& topic : directory.topics) {
      auto& out_topic = out_directory.topics.emplace_back();
      out_topic.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        const ErrorCode code =
            changes.Assign({topic.topic_id, PartitionIndex(partition.partition_index), directory.id});
        out_topic.partitions.push_back({partition.partition_index, protocol::ToWire(code)});
      }
    }
  }
  outcome.records = changes.Records();
  return outcome;
}

}  // namespace odradek::metadata
