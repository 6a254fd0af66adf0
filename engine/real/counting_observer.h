// Counts what the engine did, for metrics. Owned by the shard's LoggingObserver; used by its thread only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "engine/env/observer.h"

namespace odradek::real {

class CountingObserver final : public env::Observer {
 public:
  static constexpr size_t kKinds = std::variant_size_v<env::Observation>;

  void On(const env::Observation& observation) override {
    ++counts_[observation.index()];
    if (const auto* appended = std::get_if<env::LogAppended>(&observation)) appended_bytes_ += appended->size_bytes;
  }

  template <typename Kind>
  uint64_t Count() const {
    return counts_[IndexOf<Kind>(std::make_index_sequence<kKinds>())];
  }
  int64_t appended_bytes() const { return appended_bytes_; }

 private:
  template <typename Kind, size_t... kIndexes>
  static constexpr size_t IndexOf(std::index_sequence<kIndexes...>) {
    return ((std::is_same_v<Kind, std::variant_alternative_t<kIndexes, env::Observation>> ? kIndexes : 0) + ...);
  }

  std::array<uint64_t, kKinds> counts_{};
  int64_t appended_bytes_ = 0;
};

}  // namespace odradek::real
