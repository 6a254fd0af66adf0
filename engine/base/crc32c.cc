#include "engine/base/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace odradek::base {
namespace {

constexpr uint32_t kPolynomialReversed = 0x82f63b78;

// tables[k][b]: the CRC register after byte b and k zero bytes.
constexpr std::array<std::array<uint32_t, 256>, 8> MakeTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReversed : 0);
    tables[0][b] = crc;
  }
  for (uint32_t b = 0; b < 256; ++b) {
    for (size_t k = 1; k < 8; ++k) tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
  }
  return tables;
}
constexpr auto kTables = MakeTables();

uint32_t ExtendPortable(uint32_t crc, const std::byte* p, size_t n) {
  while (n >= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = kTables[7][word & 0xff] ^ kTables[6][(word >> 8) & 0xff] ^ kTables[5][(word >> 16) & 0xff] ^
          kTables[4][(word >> 24) & 0xff] ^ kTables[3][(word >> 32) & 0xff] ^ kTables[2][(word >> 40) & 0xff] ^
          kTables[1][(word >> 48) & 0xff] ^ kTables[0][word >> 56];
    p += 8;
    n -= 8;
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<uint32_t>(*p)) & 0xff];
  return crc;
}

#if defined(__x86_64__)

// The register after `kStride` zero bytes, as a linear map applied byte by byte of the register.
constexpr size_t kStrideBytes = 1024;

constexpr std::array<std::array<uint32_t, 256>, 4> MakeShiftTables() {
  // Column i: what register bit i becomes after kStrideBytes zero bytes.
  std::array<uint32_t, 32> columns{};
  for (size_t i = 0; i < 32; ++i) {
    uint32_t crc = uint32_t{1} << i;
    for (size_t n = 0; n < kStrideBytes; ++n) crc = (crc >> 8) ^ kTables[0][crc & 0xff];
    columns[i] = crc;
  }
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (uint32_t b = 0; b < 256; ++b) {
      uint32_t crc = 0;
      for (size_t bit = 0; bit < 8; ++bit) crc ^= ((b >> bit) & 1) != 0 ? columns[byte * 8 + bit] : 0;
      tables[byte][b] = crc;
    }
  }
  return tables;
}
constexpr auto kShift = MakeShiftTables();

uint32_t ShiftStride(uint32_t crc) {
  return kShift[0][crc & 0xff] ^ kShift[1][(crc >> 8) & 0xff] ^ kShift[2][(crc >> 16) & 0xff] ^ kShift[3][crc >> 24];
}

uint64_t LoadWord(const std::byte* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

__attribute__((target("sse4.2"))) uint32_t ExtendSse42(uint32_t crc, const std::byte* p, size_t n) {
  // Three independent streams hide the three-cycle latency of the instruction; their registers are then joined.
  while (n >= 3 * kStrideBytes) {
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;
    for (size_t i = 0; i < kStrideBytes; i += 8) {
      a = _mm_crc32_u64(a, LoadWord(p + i));
      b = _mm_crc32_u64(b, LoadWord(p + kStrideBytes + i));
      c = _mm_crc32_u64(c, LoadWord(p + 2 * kStrideBytes + i));
    }
    crc = ShiftStride(ShiftStride(static_cast<uint32_t>(a)) ^ static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(c);
    p += 3 * kStrideBytes;
    n -= 3 * kStrideBytes;
  }
  uint64_t wide = crc;
  for (; n >= 8; n -= 8, p += 8) wide = _mm_crc32_u64(wide, LoadWord(p));
  crc = static_cast<uint32_t>(wide);
  for (; n > 0; --n, ++p) crc = _mm_crc32_u8(crc, std::to_integer<uint8_t>(*p));
  return crc;
}

#endif

}  // namespace

uint32_t Crc32cPortable(Bytes bytes, uint32_t crc_before) {
  return ~ExtendPortable(~crc_before, bytes.data(), bytes.size());
}

uint32_t Crc32c(Bytes bytes, uint32_t crc_before) {
#if defined(__x86_64__)
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (has_sse42) return ~ExtendSse42(~crc_before, bytes.data(), bytes.size());
#endif
  return Crc32cPortable(bytes, crc_before);
}

}  // namespace odradek::base
