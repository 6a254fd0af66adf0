// How a version writes lengths and nulls: shared by Reader, Writer and the generated codecs (KIP-482).
#pragma once

#include <cstdint>
#include <limits>

namespace odradek::protocol {

// Length prefixes: of fixed width, or (flexible versions) an unsigned varint of length + 1 where 0 is null.
enum class Form : uint8_t { kClassic, kCompact };
enum class Nulls : uint8_t { kForbidden, kAllowed };

struct Shape {
  Form form;
  Nulls nulls;
};

// kFlexibleFrom of a message without flexible versions.
inline constexpr int16_t kNeverFlexible = std::numeric_limits<int16_t>::max();

// Kafka's bound of every string field, in both forms.
inline constexpr int64_t kStringBytesMax = 32767;

constexpr Form FormAt(int16_t version, int16_t flexible_from) {
  return version >= flexible_from ? Form::kCompact : Form::kClassic;
}

}  // namespace odradek::protocol
