#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/new_partition.h"
#include "engine/metadata/placement.h"
#include "engine/metadata/topic_name.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using Topic = protocol::CreateTopicsRequest::CreatableTopic;
using Result = protocol::CreateTopicsResponse::CreatableTopicResult;

Failure InvalidRequest(std::string message) {
  return {ErrorCode::kInvalidRequest, std::move(message)};
}

// One request: what it names and how far it has got.
class TopicCreation {
 public:
  TopicCreation(const Image& image, const ControllerOptions& options, base::Prng& draws)
      : image_(image), options_(options), draws_(draws) {
    for (const auto& [name, topic] : image.topics()) collisions_.emplace(CollisionKey(name), name);
  }

  // Adds the topic's records, or says why there is none.
  MaybeFailure Create(const Topic& topic, std::vector<Record>& records, Result& result);

 private:
  MaybeFailure CheckName(const std::string& name) const;
  MaybeFailure CheckConfigs(const Topic& topic, config::PropertyMap& overrides) const;
  MaybeFailure Replicas(const Topic& topic, std::vector<std::vector<NodeId>>& out) const;
  MaybeFailure ManualReplicas(const Topic& topic, std::vector<std::vector<NodeId>>& out) const;
  void Describe(const config::PropertyMap& overrides, Result& result) const;
  TopicId DrawId() const;

  const Image& image_;
  const ControllerOptions& options_;
  base::Prng& draws_;
  std::map<std::string, std::string> collisions_;  // key to the name that has it
};

MaybeFailure TopicCreation::CheckName(const std::string& name) const {
  const std::optional<std::string> problem = TopicNameProblem(name);
  if (problem) return Failure{ErrorCode::kInvalidTopicException, *problem};
  // Its folder is the metadata log's.
  if (name == kMetadataTopicName) {
    return Failure{ErrorCode::kInvalidRequest, fmt::format("Topic {} is the controller's", name)};
  }
  if (image_.FindTopic(name) != nullptr) {
    return Failure{ErrorCode::kTopicAlreadyExists, fmt::format("Topic '{}' already exists.", name)};
  }
  const auto collision = collisions_.find(CollisionKey(name));
  if (collision == collisions_.end()) return std::nullopt;
  return Failure{ErrorCode::kInvalidTopicException,
                 fmt::format("Topic '{}' collides with existing topic: {}", name, collision->second)};
}

MaybeFailure TopicCreation::CheckConfigs(const Topic& topic, config::PropertyMap& overrides) const {
  for (const auto& property : topic.configs) {
    if (!property.value) {
      return Failure{ErrorCode::kInvalidConfig, fmt::format("Configuration {} has no value", property.name)};
    }
    overrides.insert_or_assign(property.name, *property.value);
  }
  const absl::Status status = config::ValidateTopicOverrides(overrides);
  if (status.ok()) return std::nullopt;
  return Failure{ErrorCode::kInvalidConfig, std::string(base::SV(status.message()))};
}

MaybeFailure TopicCreation::ManualReplicas(const Topic& topic, std::vector<std::vector<NodeId>>& out) const {
  if (topic.replication_factor != -1) {
    return InvalidRequest("With a manual assignment, the replication factor must be -1");
  }
  if (topic.num_partitions != -1) {
    return InvalidRequest("With a manual assignment, the number of partitions must be -1");
  }
  std::map<int32_t, std::vector<NodeId>> by_partition;
  std::optional<size_t> replica_count;
  for (const auto& assignment : topic.assignments) {
    const PartitionIndex index(assignment.partition_index);
    MaybeFailure failure = CheckAssignment(image_, index, assignment.broker_ids, replica_count);
    if (failure) return failure;
    replica_count = assignment.broker_ids.size();
    std::vector<NodeId>& replicas = by_partition[index.value()];
    if (!replicas.empty()) {
      return Failure{ErrorCode::kInvalidReplicaAssignment,
                     fmt::format("Manual assignment: partition {} is assigned twice", index.value())};
    }
    for (const int32_t id : assignment.broker_ids) replicas.emplace_back(id);
  }
  for (auto& [index, replicas] : by_partition) {
    if (index != static_cast<int32_t>(out.size())) {
      return Failure{ErrorCode::kInvalidReplicaAssignment,
                     "Manual assignment: the partitions must be 0, 1, 2, … without a gap"};
    }
    out.push_back(std::move(replicas));
  }
  return std::nullopt;
}

MaybeFailure TopicCreation::Replicas(const Topic& topic, std::vector<std::vector<NodeId>>& out) const {
  if (!topic.assignments.empty()) return ManualReplicas(topic, out);
  if (topic.num_partitions < -1 || topic.num_partitions == 0) {
    return Failure{ErrorCode::kInvalidPartitions, "Number of partitions must be larger than 0, or -1 for the default"};
  }
  const int16_t factor =
      topic.replication_factor == -1 ? options_.default_replication_factor : topic.replication_factor;
  MaybeFailure failure = CheckReplicationFactor(image_, factor);
  if (failure) return failure;
  const int32_t count = topic.num_partitions == -1 ? options_.default_partition_count : topic.num_partitions;
  out = PlaceReplicas(image_.brokers(), {.partition_count = count, .replication_factor = factor}, draws_);
  return std::nullopt;
}

void TopicCreation::Describe(const config::PropertyMap& overrides, Result& result) const {
  config::Layers layers = BrokerLayers(image_, {options_.node_id, &options_.static_properties});
  layers.topic = &overrides;
  result.configs.emplace();
  for (const config::Description& d : config::DescribeTopic(layers, std::nullopt)) {
    result.configs->push_back({d.name, d.value, d.is_read_only, static_cast<int8_t>(d.source), d.is_sensitive});
  }
}

TopicId TopicCreation::DrawId() const {
  while (true) {
    const uint64_t high = draws_.Next();
    const uint64_t low = draws_.Next();
    const TopicId id = Uuid::FromRandom(high, low);
    // Kafka's reserved ids are below 100; a text that starts with '-' looks like an option to command-line tools.
    const bool is_reserved = id.high == 0 && id.low < 100;
    if (!is_reserved && id.ToString().front() != '-' && image_.FindTopicById(id) == nullptr) return id;
  }
}

MaybeFailure TopicCreation::Create(const Topic& topic, std::vector<Record>& records, Result& result) {
  config::PropertyMap overrides;
  std::vector<std::vector<NodeId>> replicas;
  MaybeFailure failure = CheckName(topic.name);
  if (!failure) failure = CheckConfigs(topic, overrides);
  if (!failure) failure = Replicas(topic, replicas);
  if (failure) return failure;
  INVARIANT(!replicas.empty());
  collisions_.emplace(CollisionKey(topic.name), topic.name);
  protocol::TopicRecord created;
  created.name = topic.name;
  created.topic_id = DrawId();
  records.emplace_back(created);
  for (const auto& [name, value] : overrides) {
    protocol::ConfigRecord property;
    property.resource_type = static_cast<int8_t>(ResourceType::kTopic);
    property.resource_name = topic.name;
    property.name = name;
    property.value = value;
    records.emplace_back(std::move(property));
  }
  for (size_t i = 0; i < replicas.size(); ++i) {
    const PartitionIndex index(static_cast<int32_t>(i));
    records.emplace_back(MakePartitionRecord(image_, {created.topic_id, index, replicas[i]}));
  }
  result.topic_id = created.topic_id;
  result.num_partitions = static_cast<int32_t>(replicas.size());
  result.replication_factor = static_cast<int16_t>(replicas.front().size());
  Describe(overrides, result);
  return std::nullopt;
}

int64_t PartitionsAskedFor(const protocol::CreateTopicsRequest& request, const ControllerOptions& options) {
  int64_t total = 0;
  for (const Topic& topic : request.topics) {
    if (!topic.assignments.empty()) {
      total += static_cast<int64_t>(topic.assignments.size());
    } else {
      total += topic.num_partitions > 0 ? topic.num_partitions : options.default_partition_count;
    }
  }
  return total;
}

}  // namespace

Outcome<protocol::CreateTopicsResponse> Controller::CreateTopics(const protocol::CreateTopicsRequest& request,
                                                                 base::Prng& draws) const {
  Outcome<protocol::CreateTopicsResponse> outcome;
  std::map<std::string_view, int> mentions;
  for (const Topic& topic : request.topics) ++mentions[topic.name];
  const bool too_many = PartitionsAskedFor(request, options_) > options_.partitions_per_request_max;
  TopicCreation creation(image(), options_, draws);
  std::set<std::string_view> answered;
  for (const Topic& topic : request.topics) {
    if (!answered.insert(topic.name).second) continue;
    Result result;
    result.name = topic.name;
    result.error_message = std::nullopt;
    MaybeFailure failure;
    if (mentions[topic.name] > 1) {
      failure = InvalidRequest("Duplicate topic name.");
    } else if (too_many) {
      failure = Failure{ErrorCode::kPolicyViolation,
                        fmt::format("A request may create at most {} partitions", options_.partitions_per_request_max)};
    } else {
      failure = creation.Create(topic, outcome.records, result);
    }
    if (failure) {
      result.error_code = protocol::ToWire(failure->code);
      result.error_message = failure->message;
    }
    outcome.response.topics.push_back(std::move(result));
  }
  if (request.validate_only) outcome.records.clear();
  return outcome;
}

}  // namespace odradek::metadata
