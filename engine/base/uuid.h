// 128-bit ids as Kafka prints them: 22 characters of URL-safe base64 without padding (org.apache.kafka.common.Uuid).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace odradek {

struct Uuid {
  uint64_t high = 0;
  uint64_t low = 0;
  constexpr bool is_zero() const { return high == 0 && low == 0; }
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;

  // A version-4 id of 128 random bits.
  static Uuid FromRandom(uint64_t a, uint64_t b);
  std::string ToString() const;
  // nullopt: not 22 characters of URL-safe base64.
  static std::optional<Uuid> Parse(std::string_view text);
};

using TopicId = Uuid;

// Topic id of __cluster_metadata (FEATURES.md 3.5).
inline constexpr Uuid kMetadataTopicId{0, 1};

}  // namespace odradek

template <>
struct std::hash<odradek::Uuid> {
  size_t operator()(const odradek::Uuid& id) const noexcept { return id.high * 0x9e3779b97f4a7c15 + id.low; }
};
