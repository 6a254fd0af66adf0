#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "engine/metadata/controller.h"
#include "engine/metadata/new_partition.h"
#include "engine/metadata/placement.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using Deletion = protocol::DeleteTopicsRequest::DeleteTopicState;
using DeletionResult = protocol::DeleteTopicsResponse::DeletableTopicResult;
using Growth = protocol::CreatePartitionsRequest::Topic;

// Both forms of the request: names up to version 5, names or ids from 6.
std::vector<Deletion> DeletionsOf(const protocol::DeleteTopicsRequest& request) {
  std::vector<Deletion> out = request.topics;
  for (const std::string& name : request.topic_names) out.push_back({name, Uuid()});
  return out;
}

// How often a request means each topic, by name or id, so that one is neither deleted nor answered for twice.
class Mentions {
 public:
  struct Count {
    int by_name = 0;
    int by_id = 0;
    bool is_answered = false;
    int total() const { return by_name + by_id; }
  };

  Mentions(const Image& image, const std::vector<Deletion>& deletions) : image_(image) {
    for (const Deletion& d : deletions) {
      if (d.name) {
        ++Of(d).by_name;
      } else {
        ++Of(d).by_id;
      }
    }
  }
  Count& Of(const Deletion& d) {
    const TopicState* const topic = d.name ? image_.FindTopic(*d.name) : image_.FindTopicById(d.topic_id);
    if (topic != nullptr) return topics_[topic->id];
    return d.name ? unknown_names_[*d.name] : unknown_ids_[d.topic_id];
  }

 private:
  const Image& image_;
  std::map<TopicId, Count> topics_;
  std::map<std::string, Count> unknown_names_;
  std::map<TopicId, Count> unknown_ids_;
};

MaybeFailure CheckDeletion(const Image& image, const Mentions::Count& mentions, const Deletion& deletion) {
  const bool by_id = !deletion.topic_id.is_zero();
  if (deletion.name && by_id) {
    return Failure{ErrorCode::kInvalidRequest, "A topic is given by name or by id, not by both"};
  }
  if (!deletion.name && !by_id) return Failure{ErrorCode::kInvalidRequest, "Neither topic name nor id is given"};
  const TopicState* const topic =
      deletion.name ? image.FindTopic(*deletion.name) : image.FindTopicById(deletion.topic_id);
  if (mentions.total() > 1) return Failure{ErrorCode::kInvalidRequest, "The request names this topic more than once"};
  if (topic != nullptr) return std::nullopt;
  if (by_id) return Failure{ErrorCode::kUnknownTopicId, "This server does not host this topic ID."};
  return Failure{ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."};
}

// Of a topic that was named both ways, in two entries, the answer has both.
void NameFully(const Image& image, const Deletion& deletion, DeletionResult& result) {
  const TopicState* const topic =
      deletion.name ? image.FindTopic(*deletion.name) : image.FindTopicById(deletion.topic_id);
  if (topic == nullptr) return;
  result.name = topic->name;
  result.topic_id = topic->id;
}

// The version in which TOPIC_DELETION_DISABLED was introduced.
constexpr int16_t kDeletionDisabledFrom = 3;

MaybeFailure CheckGrowth(const Image& image, const Growth& growth, const TopicState*& topic) {
  topic = image.FindTopic(growth.name);
  if (topic == nullptr) {
    return Failure{ErrorCode::kUnknownTopicOrPartition, "This server does not host this topic-partition."};
  }
  const int32_t current = static_cast<int32_t>(topic->partitions.size());
  if (growth.count == current) {
    return Failure{ErrorCode::kInvalidPartitions, fmt::format("Topic already has {} partition(s).", current)};
  }
  if (growth.count < current) {
    return Failure{ErrorCode::kInvalidPartitions,
                   fmt::format("The topic {} currently has {} partition(s); {} would not be an increase.", growth.name,
                               current, growth.count)};
  }
  const size_t added = static_cast<size_t>(growth.count - current);
  if (!growth.assignments || growth.assignments->size() == added) return std::nullopt;
  return Failure{ErrorCode::kInvalidReplicaAssignment,
                 fmt::format("Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                             added, growth.assignments->size())};
}

MaybeFailure Grow(const Image& image, const Growth& growth, base::Prng& draws, std::vector<Record>& records) {
  const TopicState* topic = nullptr;
  MaybeFailure failure = CheckGrowth(image, growth, topic);
  if (failure) return failure;
  const int32_t current = static_cast<int32_t>(topic->partitions.size());
  const size_t replica_count = topic->partitions.empty() ? 1 : topic->partitions.begin()->second.replicas.size();
  std::vector<std::vector<NodeId>> placed;
  if (growth.assignments) {
    for (const auto& assignment : *growth.assignments) {
      const PartitionIndex index(current + static_cast<int32_t>(placed.size()));
      failure = CheckAssignment(image, index, assignment.broker_ids, replica_count);
      if (failure) return failure;
      std::vector<NodeId>& replicas = placed.emplace_back();
      for (const int32_t id : assignment.broker_ids) replicas.emplace_back(id);
    }
  } else {
    const int16_t factor = static_cast<int16_t>(replica_count);
    failure = CheckReplicationFactor(image, factor);
    if (failure) return failure;
    const PlacementOptions options{.partition_count = growth.count - current, .replication_factor = factor};
    placed = PlaceReplicas(image.brokers(), options, draws);
  }
  for (size_t i = 0; i < placed.size(); ++i) {
    const PartitionIndex index(current + static_cast<int32_t>(i));
    records.emplace_back(MakePartitionRecord(image, {topic->id, index, std::move(placed[i])}));
  }
  return std::nullopt;
}

}  // namespace

Outcome<protocol::DeleteTopicsResponse> Controller::DeleteTopics(const protocol::DeleteTopicsRequest& request,
                                                                 int16_t version) const {
  Outcome<protocol::DeleteTopicsResponse> outcome;
  const std::vector<Deletion> deletions = DeletionsOf(request);
  const bool is_disabled = options_.topic_deletion == ControllerOptions::TopicDeletion::kDisabled;
  Mentions mentions(image(), deletions);
  for (const Deletion& deletion : deletions) {
    Mentions::Count& count = mentions.Of(deletion);
    const bool names_one = deletion.name.has_value() != !deletion.topic_id.is_zero();
    if (names_one && count.total() > 1 && std::exchange(count.is_answered, true)) continue;
    DeletionResult result;
    result.name = deletion.name;
    result.topic_id = deletion.topic_id;
    MaybeFailure failure;
    if (is_disabled) {
      const bool has_code = version >= kDeletionDisabledFrom;
      failure = Failure{has_code ? ErrorCode::kTopicDeletionDisabled : ErrorCode::kInvalidRequest,
                        "Topic deletion is disabled."};
    } else {
      failure = CheckDeletion(image(), count, deletion);
    }
    if (failure) {
      result.error_code = protocol::ToWire(failure->code);
      result.error_message = failure->message;
      if (names_one && count.by_name > 0 && count.by_id > 0) NameFully(image(), deletion, result);
    } else {
      const TopicState* const topic =
          deletion.name ? image().FindTopic(*deletion.name) : image().FindTopicById(deletion.topic_id);
      result.name = topic->name;
      result.topic_id = topic->id;
      protocol::RemoveTopicRecord removed;
      removed.topic_id = topic->id;
      outcome.records.emplace_back(removed);
    }
    outcome.response.responses.push_back(std::move(result));
  }
  return outcome;
}

Outcome<protocol::CreatePartitionsResponse> Controller::CreatePartitions(
    const protocol::CreatePartitionsRequest& request, base::Prng& draws) const {
  Outcome<protocol::CreatePartitionsResponse> outcome;
  std::map<std::string_view, int> mentions;
  int64_t total = 0;
  for (const Growth& growth : request.topics) {
    ++mentions[growth.name];
    const TopicState* const topic = image().FindTopic(growth.name);
    if (topic != nullptr) total += std::max<int64_t>(0, growth.count - static_cast<int64_t>(topic->partitions.size()));
  }
  std::set<std::string_view> answered;
  for (const Growth& growth : request.topics) {
    if (!answered.insert(growth.name).second) continue;
    MaybeFailure failure;
    if (mentions[growth.name] > 1) {
      failure = Failure{ErrorCode::kInvalidRequest, "Duplicate topic name."};
    } else if (total > options_.partitions_per_request_max) {
      failure = Failure{ErrorCode::kPolicyViolation,
                        fmt::format("A request may create at most {} partitions", options_.partitions_per_request_max)};
    } else {
      failure = Grow(image(), growth, draws, outcome.records);
    }
    protocol::CreatePartitionsResponse::TopicResult result;
    result.name = growth.name;
    if (failure) {
      result.error_code = protocol::ToWire(failure->code);
      result.error_message = failure->message;
    }
    outcome.response.results.push_back(std::move(result));
  }
  if (request.validate_only) outcome.records.clear();
  return outcome;
}

}  // namespace odradek::metadata
