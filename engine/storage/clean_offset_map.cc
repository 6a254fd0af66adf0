#include "engine/storage/clean_offset_map.h"

#include <algorithm>
#include <bit>

#include "engine/base/check.h"
#include "engine/base/prng.h"

namespace odradek::storage {
namespace clean_map_internal {

struct SipState {
  uint64_t v0, v1, v2, v3;
  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void Absorb(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
  uint64_t Squeeze() {
    for (int i = 0; i < 4; ++i) Round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t LoadLittle(Bytes bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes.size(); ++i) word |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace clean_map_internal

KeyHash HashKey(const KeyHash& secret, Bytes key) {
  namespace internal = clean_map_internal;
  constexpr size_t kWord = 8;
  internal::SipState state{.v0 = 0x736f6d6570736575 ^ secret.high,
                           .v1 = 0x646f72616e646f6d ^ secret.low ^ 0xee,
                           .v2 = 0x6c7967656e657261 ^ secret.high,
                           .v3 = 0x7465646279746573 ^ secret.low};
  Bytes rest = key;
  for (; rest.size() >= kWord; rest = rest.subspan(kWord)) state.Absorb(internal::LoadLittle(rest.first(kWord)));
  state.Absorb(internal::LoadLittle(rest) | static_cast<uint64_t>(key.size()) << 56);
  state.v2 ^= 0xee;
  KeyHash hash;
  hash.high = state.Squeeze();
  state.v1 ^= 0xdd;
  hash.low = state.Squeeze();
  return hash;
}

CleanOffsetMap::CleanOffsetMap(const CleanMapLimits& limits, const KeyHash& secret)
    : slots_max_(std::max<int64_t>(limits.memory_bytes / kEntryBytes, 2)),
      load_percent_(std::clamp(limits.load_percent, 1, 99)),
      secret_(secret) {}

void CleanOffsetMap::Reset(int64_t key_count_max) {
  REQUIRES(key_count_max >= 0);
  // What is never found needs an empty slot to end at.
  key_count_max_ = std::clamp<int64_t>(slots_max_ * load_percent_ / 100, 1, slots_max_ - 1);
  int64_t slots = slots_max_;
  if (key_count_max < key_count_max_) slots = std::min(slots_max_, key_count_max * 100 / load_percent_ + 2);
  slots_ = {};
  slots_.resize(static_cast<size_t>(slots));
  key_count_ = 0;
  latest_ = kNoOffset;
  key_count_max_ = std::min(key_count_max_, slots - 1);
  INVARIANT(key_count_max_ >= 1);
}

size_t CleanOffsetMap::SlotOf(const KeyHash& hash) const {
  size_t at = base::BoundedDraw(hash.high, slots_.size());
  while (slots_[at].offset != kNoOffset && slots_[at].hash != hash) at = at + 1 == slots_.size() ? 0 : at + 1;
  return at;
}

CleanOffsetMap::PutResult CleanOffsetMap::Put(Bytes key, Offset offset) {
  REQUIRES(!slots_.empty());
  REQUIRES(offset >= Offset(0));
  const KeyHash hash = HashKey(secret_, key);
  Entry& entry = slots_[SlotOf(hash)];
  if (entry.offset == kNoOffset) {
    if (key_count_ >= key_count_max_) return PutResult::kFull;
    ++key_count_;
    entry.hash = hash;
  }
  entry.offset = offset;
  return PutResult::kDone;
}

Offset CleanOffsetMap::Find(Bytes key) const {
  REQUIRES(!slots_.empty());
  return slots_[SlotOf(HashKey(secret_, key))].offset;
}

int32_t CleanOffsetMap::utilization_percent() const {
  return static_cast<int32_t>(key_count_ * 100 / slots_max_);
}

}  // namespace odradek::storage
