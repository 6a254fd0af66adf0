#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/minimum_isr.h"
#include "engine/metadata/topic_name.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

// The values are those of IncrementalAlterConfigsRequest (KIP-339).
enum class Operation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

Failure BadRequest(std::string message) {
  return {ErrorCode::kInvalidRequest, std::move(message)};
}

MaybeFailure CheckBrokerName(const Image& image, const std::string& name) {
  if (name.empty()) return std::nullopt;
  int32_t id = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, id);
  if (error != std::errc() || stop != end || id < 0) {
    return BadRequest(fmt::format("Node id must be an integer, but it is: {}", name));
  }
  if (image.FindBroker(NodeId(id)) != nullptr) return std::nullopt;
  return BadRequest(fmt::format("No broker with id {} is registered", id));
}

MaybeFailure CheckResource(const Image& image, const ConfigResource& resource) {
  switch (resource.type) {
    case ResourceType::kTopic:
      if (resource.name.empty()) return BadRequest("Topics have no default: name one");
      if (image.FindTopic(resource.name) != nullptr) return std::nullopt;
      if (const std::optional<std::string> problem = TopicNameProblem(resource.name)) {
        return Failure{ErrorCode::kInvalidTopicException, *problem};
      }
      return Failure{ErrorCode::kUnknownTopicOrPartition, fmt::format("The topic '{}' does not exist.", resource.name)};
    case ResourceType::kBroker:
      return CheckBrokerName(image, resource.name);
    case ResourceType::kBrokerLogger:
    case ResourceType::kClientMetrics:
    case ResourceType::kGroup:
      return BadRequest(fmt::format("Configurations of resource type {} are not supported by this version",
                                    static_cast<int>(resource.type)));
  }
  return BadRequest(fmt::format("Unknown resource type {}", static_cast<int>(resource.type)));
}

const config::ConfigDef* FindDef(const ConfigResource& resource, std::string_view name) {
  return resource.type == ResourceType::kTopic ? config::FindTopicDef(name) : config::FindBrokerDef(name);
}

// With eligible leader replicas there is one minimum for the cluster, and it is in the log (KIP-966).
MaybeFailure CheckMinimum(const Image& image, const ConfigResource& resource, const std::string& name,
                          const std::optional<std::string>& value) {
  if (name != kMinInsyncReplicas || resource.type != ResourceType::kBroker || !IsElrEnabled(image)) return std::nullopt;
  if (!resource.name.empty()) {
    return Failure{ErrorCode::kInvalidConfig,
                   "Broker-level min.insync.replicas cannot be altered while ELR is enabled."};
  }
  if (value) return std::nullopt;
  return Failure{ErrorCode::kInvalidConfig,
                 "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."};
}

// Whether the property may get this value (nullopt: be taken away).
MaybeFailure CheckChange(const Image& image, const ConfigResource& resource, const std::string& name,
                         const std::optional<std::string>& value) {
  if (MaybeFailure failure = CheckMinimum(image, resource, name, value)) return failure;
  absl::Status status;
  if (resource.type == ResourceType::kBroker) {
    const auto scope = resource.name.empty() ? config::BrokerScope::kClusterDefault : config::BrokerScope::kOneBroker;
    status = config::ValidateBrokerChange(name, value, scope);
  } else if (value) {
    status = config::ValidateTopicOverride(name, *value);
  }
  if (status.ok()) return std::nullopt;
  // Kafka tells topics and brokers apart here (KAFKA-13609), and its clients know it so.
  const bool is_broker = resource.type == ResourceType::kBroker;
  return Failure{is_broker ? ErrorCode::kInvalidRequest : ErrorCode::kInvalidConfig,
                 std::string(base::SV(status.message()))};
}

void AddRecord(const ConfigResource& resource, const std::string& name, const std::optional<std::string>& value,
               std::vector<Record>& records) {
  protocol::ConfigRecord record;
  record.resource_type = static_cast<int8_t>(resource.type);
  record.resource_name = resource.name;
  record.name = name;
  record.value = value;
  records.emplace_back(std::move(record));
}

std::string Join(const std::vector<std::string>& list) {
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ",";
    out += list[i];
  }
  return out;
}

// The list after elements were added to it or taken out of it.
MaybeFailure ChangeList(const ConfigResource& resource, const std::string& name, Operation operation,
                        const std::optional<std::string>& current, std::string& value) {
  const config::ConfigDef* const def = FindDef(resource, name);
  if (def == nullptr || def->type != config::Type::kList) {
    return Failure{ErrorCode::kInvalidConfig,
                   fmt::format("Elements can be added to lists or taken out of them, but {} is no list", name)};
  }
  if (operation == Operation::kAppend && value.empty()) {
    return Failure{ErrorCode::kInvalidConfig, fmt::format("There is nothing to add to {}", name)};
  }
  const std::string base(current ? std::string_view(*current) : def->default_value.value_or(""));
  std::vector<std::string> list = config::SplitList(base);
  for (const std::string& element : config::SplitList(value)) {
    const auto at = std::find(list.begin(), list.end(), element);
    if (operation == Operation::kAppend && at == list.end()) list.push_back(element);
    if (operation == Operation::kSubtract && at != list.end()) list.erase(at);
  }
  value = Join(list);
  return std::nullopt;
}

std::optional<std::string> ValueIn(const config::PropertyMap* properties, std::string_view name) {
  if (properties == nullptr) return std::nullopt;
  const auto at = properties->find(name);
  return at == properties->end() ? std::nullopt : std::optional(at->second);
}

MaybeFailure ChangeOne(const Image& image, const ConfigResource& resource,
                       const protocol::IncrementalAlterConfigsRequest::AlterableConfig& change,
                       std::vector<Record>& records) {
  const auto operation = static_cast<Operation>(change.config_operation);
  if (operation < Operation::kSet || operation > Operation::kSubtract) {
    return BadRequest(fmt::format("Unknown operation {} for configuration {}",
                                  static_cast<int>(change.config_operation), change.name));
  }
  if (operation != Operation::kDelete && !change.value) {
    return BadRequest(fmt::format("Configuration {} has no value", change.name));
  }
  const std::optional<std::string> current = ValueIn(image.FindConfigs(resource), change.name);
  std::optional<std::string> wanted = operation == Operation::kDelete ? std::nullopt : change.value;
  MaybeFailure failure;
  if (operation == Operation::kAppend || operation == Operation::kSubtract) {
    failure = ChangeList(resource, change.name, operation, current, *wanted);
  }
  if (!failure) failure = CheckChange(image, resource, change.name, wanted);
  if (failure) return failure;
  if (wanted != current) AddRecord(resource, change.name, wanted, records);
  return std::nullopt;
}

MaybeFailure Change(const Image& image, const ConfigResource& resource,
                    const protocol::IncrementalAlterConfigsRequest::AlterConfigsResource& request,
                    std::vector<Record>& records) {
  std::set<std::string_view> names;
  for (const auto& change : request.configs) {
    if (!names.insert(change.name).second) {
      return BadRequest(fmt::format("The request changes configuration {} twice", change.name));
    }
    MaybeFailure failure = ChangeOne(image, resource, change, records);
    if (failure) return failure;
  }
  return std::nullopt;
}

// The older request: what it does not name is taken away.
MaybeFailure Change(const Image& image, const ConfigResource& resource,
                    const protocol::AlterConfigsRequest::Resource& request, std::vector<Record>& records) {
  const config::PropertyMap* const current = image.FindConfigs(resource);
  std::set<std::string_view> names;
  for (const auto& property : request.configs) {
    if (!names.insert(property.name).second) {
      return BadRequest(fmt::format("The request changes configuration {} twice", property.name));
    }
    if (!property.value) return BadRequest(fmt::format("Configuration {} has no value", property.name));
    MaybeFailure failure = CheckChange(image, resource, property.name, property.value);
    if (failure) return failure;
    if (ValueIn(current, property.name) != property.value) AddRecord(resource, property.name, property.value, records);
  }
  if (current == nullptr) return std::nullopt;
  for (const auto& [name, value] : *current) {
    if (names.contains(name)) continue;
    if (MaybeFailure failure = CheckMinimum(image, resource, name, std::nullopt)) return failure;
    AddRecord(resource, name, std::nullopt, records);
  }
  return std::nullopt;
}

// Both requests have the same shape: resources that succeed or fail one by one.
template <typename Request, typename Response, typename Result>
Outcome<Response> ChangeAll(const DecisionView& view, const Request& request, int64_t records_max) {
  const Image& image = view.image;
  Outcome<Response> outcome;
  std::map<ConfigResource, int> mentions;
  for (const auto& r : request.resources) {
    ++mentions[ConfigResource{static_cast<ResourceType>(r.resource_type), r.resource_name}];
  }
  for (const auto& r : request.resources) {
    const ConfigResource resource{static_cast<ResourceType>(r.resource_type), r.resource_name};
    std::vector<Record> records;
    MaybeFailure failure;
    if (mentions[resource] > 1) {
      failure = BadRequest("Duplicate resource.");
    } else {
      failure = CheckResource(image, resource);
      if (!failure) failure = Change(image, resource, r, records);
    }
    Result result;
    result.error_message = std::nullopt;
    result.resource_type = r.resource_type;
    result.resource_name = r.resource_name;
    if (failure) {
      result.error_code = protocol::ToWire(failure->code);
      result.error_message = failure->message;
    } else if (!request.validate_only) {
      outcome.records.insert(outcome.records.end(), records.begin(), records.end());
    }
    outcome.response.responses.push_back(std::move(result));
  }
  AddElrAfterConfigs(view, outcome.records);
  if (static_cast<int64_t>(outcome.records.size()) <= records_max) return outcome;
  outcome.records.clear();
  for (Result& result : outcome.response.responses) {
    if (result.error_code != 0) continue;
    result.error_code = protocol::ToWire(ErrorCode::kPolicyViolation);
    result.error_message = fmt::format("A request may lead to at most {} records", records_max);
  }
  return outcome;
}

}  // namespace

Outcome<protocol::IncrementalAlterConfigsResponse> Controller::IncrementalAlterConfigs(
    const protocol::IncrementalAlterConfigsRequest& request) const {
  using Response = protocol::IncrementalAlterConfigsResponse;
  using Result = Response::AlterConfigsResourceResponse;
  return ChangeAll<protocol::IncrementalAlterConfigsRequest, Response, Result>(view(), request,
                                                                               options_.records_per_request_max);
}

Outcome<protocol::AlterConfigsResponse> Controller::AlterConfigs(const protocol::AlterConfigsRequest& request) const {
  using Response = protocol::AlterConfigsResponse;
  return ChangeAll<protocol::AlterConfigsRequest, Response, Response::ResourceResponse>(
      view(), request, options_.records_per_request_max);
}

}  // namespace odradek::metadata
