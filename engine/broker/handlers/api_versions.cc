// ApiVersions (KIP-35, KIP-511, KIP-584; versions 0 to 4). Only APIs with a handler are advertised, only features that
// work are finalized.
#include <array>

#include "engine/broker/connection.h"
#include "engine/broker/dispatch.h"
#include "engine/broker/handlers/handlers.h"
#include "engine/broker/node.h"
#include "engine/broker/shard.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

constexpr int16_t kFirstVersionWithSoftware = 3;
constexpr int16_t kFirstVersionWithMinimumZero = 4;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

struct SupportedFeature {
  std::string_view name;
  int16_t min_level;
  int16_t max_level;
};
// What a level above 0 would switch on must work first: groups, transactions and dynamic quorums come later.
constexpr auto kSupportedFeatures = std::to_array<SupportedFeature>({
    {metadata::kMetadataVersionFeature, metadata::kMetadataVersionMin.value(), metadata::kMetadataVersionMax.value()},
});

// KIP-511: letters, digits, dots and dashes; the first and last a letter or digit.
bool IsSoftwareName(std::string_view text) {
  if (text.empty() || !IsAlphanumeric(text.front()) || !IsAlphanumeric(text.back())) return false;
  for (const char c : text) {
    if (!IsAlphanumeric(c) && c != '-' && c != '.') return false;
  }
  return true;
}

}  // namespace

protocol::ApiVersionsResponse HandleApiVersions(RequestContext& context, const protocol::ApiVersionsRequest& request) {
  protocol::ApiVersionsResponse response;
  const int16_t version = context.version();
  if (version >= kFirstVersionWithSoftware &&
      (!IsSoftwareName(request.client_software_name) || !IsSoftwareName(request.client_software_version))) {
    response.error_code = static_cast<int16_t>(ErrorCode::kInvalidRequest);
    return response;
  }
  for (const protocol::ApiKey key : ServedApis(context.connection.kind())) {
    const protocol::ApiInfo& info = protocol::InfoOf(key);
    response.api_keys.push_back({static_cast<int16_t>(key), info.advertised_min_version, info.stable_max_version});
  }
  for (const SupportedFeature& feature : kSupportedFeatures) {
    // Older clients take a minimum of 0 for a mistake (FEATURES 2.4).
    if (feature.min_level == 0 && version < kFirstVersionWithMinimumZero) continue;
    response.supported_features.push_back({std::string(feature.name), feature.min_level, feature.max_level});
  }
  response.finalized_features_epoch = context.home.view().offset.value();
  // Of a log that Kafka began, levels of features that do not work here are not told: clients would use them.
  for (const SupportedFeature& feature : kSupportedFeatures) {
    const auto level = context.home.image().features().find(std::string(feature.name));
    if (level == context.home.image().features().end()) continue;
    response.finalized_features.push_back({level->first, level->second, level->second});
  }
  return response;
}

}  // namespace odradek::broker
