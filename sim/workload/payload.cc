#include "sim/workload/payload.h"

#include <algorithm>

#include "engine/base/crc32c.h"
#include "engine/base/prng.h"

namespace odradek::workload {
namespace {

// Layout: magic (4), keyed (4), value (8), size (4), filler, CRC-32C of all before it (4).
constexpr uint32_t kMagic = 0x0d2ade01;
constexpr size_t kHeaderBytes = 20;
constexpr size_t kCrcBytes = 4;
static_assert(kHeaderBytes + kCrcBytes == kPayloadBytesMin);
constexpr uint64_t kKeyCount = 16;

}  // namespace

ByteBuffer MakePayload(history::Value value, Keyed keyed, int64_t size_bytes) {
  const auto size = static_cast<size_t>(std::max(size_bytes, kPayloadBytesMin));
  ByteBuffer out;
  out.reserve(size);
  AppendBigEndian(out, kMagic);
  AppendBigEndian(out, static_cast<uint32_t>(keyed));
  AppendBigEndian(out, value);
  AppendBigEndian(out, static_cast<uint32_t>(size));
  // Half of it repeats, so that codecs have something to do.
  base::Prng filler(value);
  while (out.size() + kCrcBytes < size) {
    const uint64_t word = filler.Next();
    const size_t run = 1 + (word & 7);
    for (size_t i = 0; i < run && out.size() + kCrcBytes < size; ++i) out.push_back(static_cast<std::byte>(word >> 8));
  }
  AppendBigEndian(out, base::Crc32c(out));
  return out;
}

std::string KeyOf(history::Value value) {
  return "key-" + std::to_string(base::Mix64(value) % kKeyCount);
}

history::Value ValueOf(const std::optional<Bytes>& key, const std::optional<Bytes>& payload) {
  if (!payload.has_value() || payload->size() < kPayloadBytesMin) return history::kCorruptValue;
  const std::byte* at = payload->data();
  const Bytes covered = payload->first(payload->size() - kCrcBytes);
  const auto crc = LoadBigEndian<uint32_t>(at + covered.size());
  if (LoadBigEndian<uint32_t>(at) != kMagic || base::Crc32c(covered) != crc) return history::kCorruptValue;
  if (LoadBigEndian<uint32_t>(at + 16) != payload->size()) return history::kCorruptValue;
  const auto value = LoadBigEndian<uint64_t>(at + 8);
  const bool keyed = LoadBigEndian<uint32_t>(at + 4) == static_cast<uint32_t>(Keyed::kYes);
  const bool key_fits = keyed ? key.has_value() && AsString(*key) == KeyOf(value) : !key.has_value();
  return key_fits ? value : history::kCorruptValue;
}

}  // namespace odradek::workload
