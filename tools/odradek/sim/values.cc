#include "tools/odradek/sim/values.h"

#include <charconv>
#include <limits>
#include <utility>

namespace odradek::tool {
namespace {

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<SeedRange> ParseSeedRange(std::string_view text) {
  const size_t dots = text.find("..");
  const auto first = ParseWhole<uint64_t>(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : ParseWhole<uint64_t>(text.substr(dots + 2));
  if (!first || !last || *first > *last) return std::nullopt;
  return SeedRange{*first, *last};
}

std::optional<int64_t> ParseTimeNanos(std::string_view text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  int64_t unit_ns = 1;
  for (const auto& [suffix, ns] : kUnits) {
    if (!text.ends_with(suffix)) continue;
    text.remove_suffix(suffix.size());
    unit_ns = ns;
    break;
  }
  const size_t dot = text.find('.');
  const auto whole = ParseWhole<int64_t>(text.substr(0, dot));
  // One unit is left for what stands behind the dot.
  if (!whole || *whole < 0 || *whole >= std::numeric_limits<int64_t>::max() / unit_ns) return std::nullopt;
  int64_t total_ns = *whole * unit_ns;
  if (dot == std::string_view::npos) return total_ns;
  for (const char digit : text.substr(dot + 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    unit_ns /= 10;
    total_ns += (digit - '0') * unit_ns;
  }
  return total_ns;
}

}  // namespace odradek::tool
