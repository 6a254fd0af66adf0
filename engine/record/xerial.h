// snappy-java's stream framing, which Kafka's Java clients write: a 16-byte header, then blocks of int32 length and raw
// Snappy. Others write one raw block without any framing; the magic tells them apart.
#pragma once

#include <string_view>

#include "engine/base/bytes.h"

namespace odradek::record {

// Magic (8 bytes), version 1, compatible version 1.
inline constexpr std::string_view kXerialHeader{"\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16};
inline constexpr size_t kXerialMagicBytes = 8;

// The whole header must be there; its versions are not looked at, as in snappy-java's reader of its own writer.
inline bool HasXerialMagic(Bytes bytes) {
  return bytes.size() >= kXerialHeader.size() &&
         AsString(bytes.first(kXerialMagicBytes)) == kXerialHeader.substr(0, kXerialMagicBytes);
}

}  // namespace odradek::record
