// Levels go up and down (KIP-584, KIP-778, KIP-966).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/minimum_isr.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using FeatureUpdate = protocol::UpdateFeaturesRequest::FeatureUpdateKey;
using Levels = std::map<std::string, int16_t>;

// The values are those of UpdateFeaturesRequest (KIP-778).
enum class UpgradeType : int8_t { kUpgrade = 1, kSafeDowngrade = 2, kUnsafeDowngrade = 3 };

// The version from which on a request names the type.
constexpr int16_t kUpgradeTypeFrom = 1;
// The last version whose answer has a line per feature.
constexpr int16_t kResultsUpTo = 1;

// Levels that brought records which the level below cannot carry: going back over one of them loses some.
constexpr int16_t kLossyLevels[] = {8, 11, 13, 14, 15, 17, 23, 30};
constexpr MetadataVersion kControllerRegistrationFrom{15};

UpgradeType TypeOf(const FeatureUpdate& update, int16_t version) {
  if (version >= kUpgradeTypeFrom) return static_cast<UpgradeType>(update.upgrade_type);
  return update.allow_downgrade ? UpgradeType::kSafeDowngrade : UpgradeType::kUpgrade;
}

Failure BadLevel(const FeatureUpdate& update, std::string_view why) {
  return {ErrorCode::kInvalidUpdateVersion,
          fmt::format("Invalid update version {} for feature {}. {}", update.max_version_level, update.feature, why)};
}

int16_t LevelIn(const Levels& levels, const std::string& feature) {
  const auto at = levels.find(feature);
  return at == levels.end() ? int16_t{0} : at->second;
}

bool Supports(const LevelRange& range, int16_t level) {
  return level >= range.min && level <= range.max;
}

LevelRange RangeOf(const std::map<std::string, LevelRange>& supported, const std::string& feature) {
  const auto at = supported.find(feature);
  return at == supported.end() ? LevelRange{} : at->second;
}

LevelRange RangeOf(const protocol::RegisterControllerRecord& controller, const std::string& feature) {
  for (const auto& f : controller.features) {
    if (f.name == feature) return {f.min_supported_version, f.max_supported_version};
  }
  return {};
}

// Everybody who must agree: this controller, the other ones, all brokers.
MaybeFailure CheckSupport(const Image& image, const ControllerOptions& options, const FeatureUpdate& update) {
  const std::string& feature = update.feature;
  const auto refusal = [&](std::string_view who, const LevelRange& range) {
    return BadLevel(update, fmt::format("{} only supports versions {}-{}", who, range.min, range.max));
  };
  const auto own = options.supported_features.find(feature);
  if (own == options.supported_features.end()) return BadLevel(update, "The controller does not support this feature.");
  if (!Supports(own->second, update.max_version_level)) return refusal("The controller", own->second);
  for (const auto& [id, broker] : image.brokers()) {
    const LevelRange range = RangeOf(broker.features, feature);
    if (!Supports(range, update.max_version_level)) return refusal(fmt::format("Broker {}", id.value()), range);
  }
  if (image.metadata_version().value_or(kMetadataVersionMax) < kControllerRegistrationFrom) return std::nullopt;
  for (const NodeId id : options.other_voters) {
    const auto* const controller = image.FindController(id);
    if (controller == nullptr) {
      return BadLevel(update,
                      fmt::format("Controller {} has not registered, and may not support this feature", id.value()));
    }
    const LevelRange range = RangeOf(*controller, feature);
    if (!Supports(range, update.max_version_level)) return refusal(fmt::format("Controller {}", id.value()), range);
  }
  return std::nullopt;
}

MaybeFailure CheckMetadataVersion(const FeatureUpdate& update, int16_t current, UpgradeType type) {
  const auto is_crossed = [&](int16_t lossy) { return update.max_version_level < lossy && lossy <= current; };
  if (std::none_of(std::begin(kLossyLevels), std::end(kLossyLevels), is_crossed)) return std::nullopt;
  if (type == UpgradeType::kUnsafeDowngrade) {
    return BadLevel(update, "Unsafe metadata downgrade is not supported in this version.");
  }
  return BadLevel(update, "Refusing to perform the requested downgrade because it might delete metadata information.");
}

MaybeFailure CheckUpdate(const Image& image, const ControllerOptions& options, const FeatureUpdate& update,
                         int16_t version) {
  const UpgradeType type = TypeOf(update, version);
  const int16_t current = LevelIn(image.features(), update.feature);
  const int16_t wanted = update.max_version_level;
  if (type < UpgradeType::kUpgrade || type > UpgradeType::kUnsafeDowngrade) {
    return BadLevel(update, "The controller does not support the given upgrade type.");
  }
  if (wanted < 0) return BadLevel(update, "A feature version cannot be less than 0.");
  MaybeFailure failure = CheckSupport(image, options, update);
  if (failure) return failure;
  if (wanted < current && type == UpgradeType::kUpgrade) {
    return BadLevel(update,
                    "Can't downgrade the version of this feature without setting the upgrade type to either safe or "
                    "unsafe downgrade.");
  }
  if (wanted > current && type != UpgradeType::kUpgrade) return BadLevel(update, "Can't downgrade to a newer version.");
  return update.feature == kMetadataVersionFeature ? CheckMetadataVersion(update, current, type) : std::nullopt;
}

// Features that need others, at the levels that all updates together lead to.
MaybeFailure CheckDependencies(const Levels& proposed, const FeatureUpdate& update) {
  const bool wants_elr = LevelIn(proposed, std::string(kElrFeature)) > 0;
  const MetadataVersion level(LevelIn(proposed, std::string(kMetadataVersionFeature)));
  if (!wants_elr || level >= kElrFrom) return std::nullopt;
  return BadLevel(update, fmt::format("{} needs {} at level {}, but it would be {}", kElrFeature,
                                      kMetadataVersionFeature, kElrFrom.value(), level.value()));
}

MaybeFailure CheckAll(const Image& image, const ControllerOptions& options,
                      const protocol::UpdateFeaturesRequest& request, int16_t version) {
  Levels proposed = image.features();
  std::map<std::string_view, int> mentions;
  for (const FeatureUpdate& update : request.feature_updates) {
    proposed.insert_or_assign(update.feature, update.max_version_level);
    if (++mentions[update.feature] > 1) {
      return Failure{ErrorCode::kInvalidRequest, fmt::format("The request names {} more than once", update.feature)};
    }
  }
  for (const FeatureUpdate& update : request.feature_updates) {
    MaybeFailure failure = CheckUpdate(image, options, update, version);
    if (!failure) failure = CheckDependencies(proposed, update);
    if (failure) return failure;
  }
  return std::nullopt;
}

}  // namespace

Outcome<protocol::UpdateFeaturesResponse> Controller::UpdateFeatures(const protocol::UpdateFeaturesRequest& request,
                                                                     int16_t version) const {
  Outcome<protocol::UpdateFeaturesResponse> outcome;
  protocol::UpdateFeaturesResponse& response = outcome.response;
  response.error_message = std::nullopt;
  MaybeFailure failure = CheckAll(image(), options_, request, version);
  const int16_t elr_before = LevelIn(image().features(), std::string(kElrFeature));
  int16_t elr_after = elr_before;
  for (const FeatureUpdate& update : request.feature_updates) {
    if (failure) break;
    if (update.feature == kElrFeature) elr_after = update.max_version_level;
    if (LevelIn(image().features(), update.feature) == update.max_version_level) continue;
    protocol::FeatureLevelRecord record;
    record.name = update.feature;
    record.feature_level = update.max_version_level;
    outcome.records.emplace_back(std::move(record));
  }
  if (!failure && elr_before == 0 && elr_after > 0) AddElrStart(view(), outcome.records);
  if (!failure && elr_before > 0 && elr_after == 0) AddElrEnd(view(), outcome.records);
  if (!failure && static_cast<int64_t>(outcome.records.size()) > options_.records_per_request_max) {
    failure = Failure{ErrorCode::kPolicyViolation,
                      fmt::format("A request may lead to at most {} records", options_.records_per_request_max)};
  }
  if (request.validate_only || failure) outcome.records.clear();
  if (failure) {
    response.error_code = protocol::ToWire(failure->code);
    response.error_message = fmt::format(
        "The update failed for all features since the following feature had an error: {}", failure->message);
    return outcome;
  }
  if (version > kResultsUpTo) return outcome;
  for (const FeatureUpdate& update : request.feature_updates) {
    auto& result = response.results.emplace_back();
    result.feature = update.feature;
    result.error_message = std::nullopt;
  }
  return outcome;
}

}  // namespace odradek::metadata
