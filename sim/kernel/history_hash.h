// The 128-bit hash over everything that happened in a run: equal hashes mean equal histories. Not cryptographic.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <string>

namespace odradek::sim {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};
// 32 hexadecimal digits.
std::string ToString(const Hash128& hash);

class HistoryHash {
 public:
  void Fold(uint64_t x, uint64_t y) {
    const auto product = static_cast<unsigned __int128>(a_ ^ x) * (b_ ^ y ^ kOdd);
    a_ = std::rotl(a_ ^ static_cast<uint64_t>(product), 23) + x;
    b_ = (b_ ^ static_cast<uint64_t>(product >> 64)) * kOdd + y;
  }
  Hash128 value() const { return {a_, b_}; }

 private:
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t a_ = 0x243f6a8885a308d3;
  uint64_t b_ = 0x13198a2e03707344;
};

}  // namespace odradek::sim
