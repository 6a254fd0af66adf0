#include "engine/base/varint.h"

namespace odradek::base {
namespace {

template <typename T, int kBytesMax>
std::optional<VarintResult<T>> ReadGroups(Bytes in) {
  T value = 0;
  for (int i = 0; i < kBytesMax && i < static_cast<int>(in.size()); ++i) {
    const auto group = std::to_integer<uint8_t>(in[static_cast<size_t>(i)]);
    const int shift = 7 * i;
    const int room = static_cast<int>(sizeof(T)) * 8 - shift;
    if (room < 7 && ((group & 0x7f) >> room) != 0) return std::nullopt;
    value |= static_cast<T>(group & 0x7f) << shift;
    if ((group & 0x80) == 0) return VarintResult<T>{value, i + 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<VarintResult<uint32_t>> ReadUnsignedVarint32(Bytes in) {
  return ReadGroups<uint32_t, kVarint32BytesMax>(in);
}

std::optional<VarintResult<uint64_t>> ReadUnsignedVarint64(Bytes in) {
  return ReadGroups<uint64_t, kVarint64BytesMax>(in);
}

std::optional<VarintResult<int32_t>> ReadVarint32(Bytes in) {
  const auto raw = ReadUnsignedVarint32(in);
  if (!raw) return std::nullopt;
  return VarintResult<int32_t>{UnZigZag32(raw->value), raw->size_bytes};
}

std::optional<VarintResult<int64_t>> ReadVarint64(Bytes in) {
  const auto raw = ReadUnsignedVarint64(in);
  if (!raw) return std::nullopt;
  return VarintResult<int64_t>{UnZigZag64(raw->value), raw->size_bytes};
}

int UnsignedVarintSize(uint64_t v) {
  int size = 1;
  for (; v >= 0x80; v >>= 7) ++size;
  return size;
}

void AppendUnsignedVarint(ByteBuffer& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<std::byte>((v & 0x7f) | 0x80));
  out.push_back(static_cast<std::byte>(v));
}

}  // namespace odradek::base
