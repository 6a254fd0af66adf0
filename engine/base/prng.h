// The one source of pseudo-random numbers: the same sequence from every compiler, optimisation level and processor.
#pragma once

#include <cstdint>
#include <string_view>

namespace odradek::base {

// One step of splitmix64 (Steele, Lea, Flood 2014): a bijective mix of 64 bits.
constexpr uint64_t Mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// FNV-1a over the name, mixed: turns an entity or purpose into a stream number.
constexpr uint64_t HashName(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : name) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return Mix64(h);
}

// The draw number `counter` of (seed, entity, purpose). Stateless: removing one consumer changes no other's draws.
constexpr uint64_t KeyedDraw(uint64_t seed, uint64_t entity, uint64_t purpose, uint64_t counter) {
  return Mix64(Mix64(Mix64(Mix64(seed) ^ entity) ^ purpose) + counter);
}

// Lemire's multiply-shift: value in [0, bound) from 64 random bits. The bias is below bound / 2^64.
constexpr uint64_t BoundedDraw(uint64_t random, uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random) * bound) >> 64);
}

// A stream of draws (splitmix64).
class Prng {
 public:
  explicit constexpr Prng(uint64_t seed) : state_(seed) {}
  constexpr uint64_t Next() {
    const uint64_t value = Mix64(state_);
    state_ += 0x9e3779b97f4a7c15;
    return value;
  }
  // In [0, bound). REQUIRES: bound > 0.
  constexpr uint64_t Below(uint64_t bound) { return BoundedDraw(Next(), bound); }
  // In [low, high]. REQUIRES: low <= high.
  constexpr int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }
  // True in `parts` of a million cases.
  constexpr bool PartsPerMillion(uint64_t parts) { return Below(1000000) < parts; }

 private:
  uint64_t state_;
};

}  // namespace odradek::base
