#include "sim/workload/payload.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/crc32c.h"
#include "engine/base/prng.h"

namespace odradek::workload {
namespace {

// Layout: magic (4), key (4), value (8), size (4), filler, CRC-32C of all before it (4). The key is 0 for none, or its
// number and 1.
constexpr uint32_t kMagic = 0x0d2ade01;
constexpr size_t kHeaderBytes = 20;
constexpr size_t kCrcBytes = 4;
static_assert(kHeaderBytes + kCrcBytes == kPayloadBytesMin);

uint32_t KeyField(std::optional<history::Key> key) {
  return key.has_value() ? *key + 1 : 0;
}

history::Value ValueInPayload(const std::optional<Bytes>& key, Bytes payload) {
  if (payload.size() < kPayloadBytesMin) return history::kCorruptValue;
  const std::byte* at = payload.data();
  const Bytes covered = payload.first(payload.size() - kCrcBytes);
  const auto crc = LoadBigEndian<uint32_t>(at + covered.size());
  if (LoadBigEndian<uint32_t>(at) != kMagic || base::Crc32c(covered) != crc) return history::kCorruptValue;
  if (LoadBigEndian<uint32_t>(at + 16) != payload.size()) return history::kCorruptValue;
  const auto value = LoadBigEndian<uint64_t>(at + 8);
  const auto key_field = LoadBigEndian<uint32_t>(at + 4);
  const bool key_fits = key_field > 0 ? key.has_value() && AsString(*key) == KeyText(key_field - 1) : !key.has_value();
  return key_fits ? value : history::kCorruptValue;
}

}  // namespace

ByteBuffer MakePayload(history::Value value, std::optional<history::Key> key, int64_t size_bytes) {
  const auto size = static_cast<size_t>(std::max(size_bytes, kPayloadBytesMin));
  ByteBuffer out;
  out.reserve(size);
  AppendBigEndian(out, kMagic);
  AppendBigEndian(out, KeyField(key));
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

std::string KeyText(history::Key key) {
  return "key-" + std::to_string(key);
}

history::Key KeyOf(history::Value value, int32_t key_count) {
  REQUIRES(key_count > 0);
  return static_cast<history::Key>(base::Mix64(value) % static_cast<uint64_t>(key_count));
}

history::Value ValueOf(const ArrivedRecord& record) {
  if (record.value.has_value()) return ValueInPayload(record.key, *record.value);
  record::RecordHeaders headers = record.headers;
  const std::optional<record::RecordHeader> header = headers.Next();
  const bool is_tombstone = header.has_value() && header->key == kTombstoneHeader && header->value.has_value();
  return is_tombstone ? ValueInPayload(record.key, *header->value) : history::kCorruptValue;
}

}  // namespace odradek::workload
