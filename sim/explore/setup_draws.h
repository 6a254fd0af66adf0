// Draws of a run's setup: one stream per entity and purpose, so that a setting more changes no other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/clock/node_clock.h"
#include "sim/explore/scenario.h"
#include "sim/kernel/draw.h"

namespace odradek::explore {

class SetupDraws {
 public:
  SetupDraws(uint64_t seed, std::string_view entity) : seed_(seed), entity_(sim::EntityOf(entity)) {}

  sim::DrawStream Stream(std::string_view purpose) const { return {seed_, entity_, sim::PurposeOf(purpose)}; }
  int64_t Between(std::string_view purpose, int64_t low, int64_t high) const {
    return Stream(purpose).Between(low, high);
  }
  bool PartsPerMillion(std::string_view purpose, uint32_t parts) const {
    return Stream(purpose).PartsPerMillion(parts);
  }
  // One of the values, `otherwise` if there is none.
  template <typename Values, typename T>
  T Choose(std::string_view purpose, const Values& values, const T& otherwise) const {
    if (values.empty()) return otherwise;
    return T(values[static_cast<int>(Stream(purpose).Below(static_cast<uint64_t>(values.size())))]);
  }

 private:
  uint64_t seed_;
  sim::Entity entity_;
};

inline std::string DrawSetting(const SetupDraws& draws, const Setting& setting) {
  return draws.Choose(setting.name(), setting.value(), std::string());
}

inline sim::NodeClock::Options DrawClock(const SetupDraws& draws) {
  constexpr int64_t kWallOffsetMicrosMax = 50'000;
  constexpr int32_t kDriftPpmMax = 200;
  return {.wall_offset = Duration::Micros(draws.Between("wall", -kWallOffsetMicrosMax, kWallOffsetMicrosMax)),
          .drift = {static_cast<int32_t>(draws.Between("drift", -kDriftPpmMax, kDriftPpmMax))}};
}

}  // namespace odradek::explore
