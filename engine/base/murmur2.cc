#include "engine/base/murmur2.h"

#include "engine/base/check.h"

namespace odradek::base {

uint32_t Murmur2(Bytes key) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  const size_t size = key.size();
  uint32_t hash = kSeed ^ static_cast<uint32_t>(size);
  size_t at = 0;
  for (; at + 4 <= size; at += 4) {
    uint32_t k;
    std::memcpy(&k, key.data() + at, 4);  // little-endian words
    k *= kMultiplier;
    k ^= k >> kShift;
    k *= kMultiplier;
    hash = (hash * kMultiplier) ^ k;
  }
  if (at < size) {
    for (size_t i = size - at; i > 0; --i) hash ^= std::to_integer<uint32_t>(key[at + i - 1]) << (8 * (i - 1));
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

int32_t Murmur2Partition(Bytes key, int32_t partition_count) {
  REQUIRES(partition_count > 0);
  return static_cast<int32_t>(Murmur2(key) & 0x7fffffff) % partition_count;
}

}  // namespace odradek::base
