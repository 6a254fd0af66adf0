#include "engine/base/uuid.h"

#include <array>

namespace odradek {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kTextSize = 22;

}  // namespace

Uuid Uuid::FromRandom(uint64_t a, uint64_t b) {
  return {(a & ~uint64_t{0xf000}) | 0x4000, (b & ~(uint64_t{3} << 62)) | (uint64_t{1} << 63)};
}

std::string Uuid::ToString() const {
  std::string text(kTextSize, 'A');
  // 128 bits are 21 groups of 6 and a last one of 2, padded on the right.
  for (size_t i = 0; i < kTextSize; ++i) {
    unsigned group = 0;
    for (size_t bit = 0; bit < 6; ++bit) {
      const size_t at = i * 6 + bit;
      const uint64_t word = at < 64 ? high : low;
      const unsigned value = at < 128 ? static_cast<unsigned>((word >> (63 - at % 64)) & 1) : 0;
      group = (group << 1) | value;
    }
    text[i] = kAlphabet[group];
  }
  return text;
}

std::optional<Uuid> Uuid::Parse(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  Uuid id;
  for (size_t i = 0; i < kTextSize; ++i) {
    const size_t group = kAlphabet.find(text[i]);
    if (group == std::string_view::npos) return std::nullopt;
    for (size_t bit = 0; bit < 6; ++bit) {
      const uint64_t value = (group >> (5 - bit)) & 1;
      const size_t at = i * 6 + bit;
      if (at >= 128) {
        if (value != 0) return std::nullopt;  // padding bits: one spelling per id
        continue;
      }
      (at < 64 ? id.high : id.low) |= value << (63 - at % 64);
    }
  }
  return id;
}

}  // namespace odradek
