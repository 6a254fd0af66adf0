// Variable-length integers of Kafka's protocol and record format: base 128, least significant group first; signed
// ones are zigzag-encoded first (protocol guide "Protocol Primitive Types").
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.h"

namespace odradek::base {

inline constexpr int kVarint32BytesMax = 5;
inline constexpr int kVarint64BytesMax = 10;

template <typename T>
struct VarintResult {
  T value;
  int size_bytes;
};

constexpr uint32_t ZigZag32(int32_t v) {
  return (static_cast<uint32_t>(v) << 1) ^ static_cast<uint32_t>(v >> 31);
}
constexpr int32_t UnZigZag32(uint32_t v) {
  return static_cast<int32_t>((v >> 1) ^ (~(v & 1) + 1));
}
constexpr uint64_t ZigZag64(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t UnZigZag64(uint64_t v) {
  return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

// nullopt: the bytes end inside the number, or it has more than kVarint…BytesMax groups or bits beyond the type.
std::optional<VarintResult<uint32_t>> ReadUnsignedVarint32(Bytes in);
std::optional<VarintResult<uint64_t>> ReadUnsignedVarint64(Bytes in);
std::optional<VarintResult<int32_t>> ReadVarint32(Bytes in);
std::optional<VarintResult<int64_t>> ReadVarint64(Bytes in);

int UnsignedVarintSize(uint64_t v);
inline int VarintSize(int64_t v) {
  return UnsignedVarintSize(ZigZag64(v));
}

void AppendUnsignedVarint(ByteBuffer& out, uint64_t v);
inline void AppendVarint(ByteBuffer& out, int64_t v) {
  AppendUnsignedVarint(out, ZigZag64(v));
}

}  // namespace odradek::base
