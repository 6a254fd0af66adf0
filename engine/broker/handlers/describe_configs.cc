// DescribeConfigs (KIP-133, KIP-226, KIP-569; versions 1 to 4).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/broker/handlers/handlers.h"
#include "engine/broker/log_config.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"
#include "engine/metadata/topic_name.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;
using ConfigsAnswer = protocol::DescribeConfigsResponse::Result;

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;

// Of Kafka's: one resource of another type spoils the whole request.
bool IsKnownType(int8_t type) {
  constexpr int8_t kBrokerLogger = 8;
  constexpr int8_t kClientMetrics = 16;
  constexpr int8_t kGroup = 32;
  return type == kTopic || type == kBroker || type == kBrokerLogger || type == kClientMetrics || type == kGroup;
}

void RefuseConfigs(ConfigsAnswer& result, ErrorCode error, std::string message) {
  result.error_code = static_cast<int16_t>(error);
  result.error_message = std::move(message);
}

void AddConfigs(ConfigsAnswer& result, std::vector<config::Description> descriptions,
                const protocol::DescribeConfigsRequest& request) {
  for (config::Description& description : descriptions) {
    auto& out = result.configs.emplace_back();
    out.name = std::move(description.name);
    out.value = std::move(description.value);
    out.read_only = description.is_read_only;
    out.config_source = static_cast<int8_t>(description.source);
    out.is_sensitive = description.is_sensitive;
    out.config_type = static_cast<int8_t>(description.type);
    out.documentation.reset();
    if (request.include_documentation) out.documentation = std::move(description.documentation);
    if (!request.include_synonyms) continue;
    for (config::SynonymEntry& synonym : description.synonyms) {
      out.synonyms.push_back({std::move(synonym.name), std::move(synonym.value), static_cast<int8_t>(synonym.source)});
    }
  }
}

void DescribeBrokerResource(RequestContext& context, const std::string& name, const config::KeyFilter& keys,
                            const protocol::DescribeConfigsRequest& request, ConfigsAnswer& result) {
  const metadata::Image& image = context.home.image();
  if (name.empty()) {
    const config::PropertyMap* cluster = image.FindConfigs({metadata::ResourceType::kBroker, ""});
    if (cluster != nullptr) AddConfigs(result, config::DescribeClusterDefault(*cluster, keys), request);
    return;
  }
  int32_t id = 0;
  const char* const digits = name.data() + (name.front() == '+' && name.size() > 1 ? 1 : 0);
  const auto parsed = std::from_chars(digits, name.data() + name.size(), id);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) {
    return RefuseConfigs(result, ErrorCode::kInvalidRequest,
                         fmt::format("Broker id must be an integer, but it is: {}", name));
  }
  const NodeId self = context.node.options().config.node_id;
  if (NodeId(id) != self) {
    return RefuseConfigs(
        result, ErrorCode::kInvalidRequest,
        fmt::format("Unexpected broker id, expected {} or empty string, but received {}", self.value(), name));
  }
  AddConfigs(result, config::DescribeBroker(metadata::BrokerLayers(image, NodeViewOf(context.node.options())), keys),
             request);
}

void DescribeTopicResource(RequestContext& context, const std::string& name, const config::KeyFilter& keys,
                           const protocol::DescribeConfigsRequest& request, ConfigsAnswer& result) {
  const metadata::Image& image = context.home.image();
  if (const std::optional<std::string> problem = metadata::TopicNameProblem(name)) {
    return RefuseConfigs(result, ErrorCode::kInvalidTopicException, *problem);
  }
  if (image.FindTopic(name) == nullptr) {
    return RefuseConfigs(result, ErrorCode::kUnknownTopicOrPartition, fmt::format("topic {} does not exist", name));
  }
  AddConfigs(result,
             config::DescribeTopic(metadata::TopicLayers(image, NodeViewOf(context.node.options()), name), keys),
             request);
}

}  // namespace

protocol::DescribeConfigsResponse HandleDescribeConfigs(RequestContext& context,
                                                        const protocol::DescribeConfigsRequest& request) {
  protocol::DescribeConfigsResponse response;
  const bool all_known = std::all_of(request.resources.begin(), request.resources.end(),
                                     [](const auto& resource) { return IsKnownType(resource.resource_type); });
  for (const auto& resource : request.resources) {
    ConfigsAnswer& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    if (!all_known) {
      RefuseConfigs(result, ErrorCode::kInvalidRequest, "the request has a resource of an unknown type");
      continue;
    }
    // Of success, Kafka's message is empty and not null.
    result.error_message = "";
    config::KeyFilter keys = resource.configuration_keys;
    // No keys are all keys.
    if (keys && keys->empty()) keys.reset();
    switch (resource.resource_type) {
      case kTopic:
        DescribeTopicResource(context, resource.resource_name, keys, request, result);
        break;
      case kBroker:
        DescribeBrokerResource(context, resource.resource_name, keys, request, result);
        break;
      default:
        RefuseConfigs(result, ErrorCode::kInvalidRequest,
                      fmt::format("Unsupported resource type: {}", static_cast<int>(resource.resource_type)));
    }
  }
  return response;
}

}  // namespace odradek::broker
