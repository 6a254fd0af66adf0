// Values of options as a command line has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace odradek::tool {

// Both ends included.
struct SeedRange {
  uint64_t first = 1;
  uint64_t last = 100;
};
// "7" or "1..100".
std::optional<SeedRange> ParseSeedRange(std::string_view text);

// "1500000", "1500us", "20ms", "1.5s": nanoseconds, at least 0.
std::optional<int64_t> ParseTimeNanos(std::string_view text);

}  // namespace odradek::tool
