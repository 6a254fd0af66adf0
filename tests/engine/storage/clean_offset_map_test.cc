#include "engine/storage/clean_offset_map.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/base/prng.h"

namespace odradek::storage {
namespace {

TEST(CleanOffsetMap, HashesAsSipHashOf128Bits) {
  // Key 00..0f; the input counts from 00. Values of OpenSSL, read as little-endian numbers.
  const KeyHash secret{.high = 0x0706050403020100, .low = 0x0f0e0d0c0b0a0908};
  std::string input;
  const KeyHash of_nothing{.high = 0xe6a825ba047f81a3, .low = 0x930255c71472f66d};
  EXPECT_EQ(HashKey(secret, AsBytes(input)), of_nothing);
  for (char c = 0; c < 9; ++c) input.push_back(c);
  const KeyHash of_nine{.high = 0xabbad90a06994426, .low = 0xed716dbb028b7fc4};
  EXPECT_EQ(HashKey(secret, AsBytes(input)), of_nine);
}

TEST(CleanOffsetMap, TakesNoMoreKeysThanItsMemoryAllows) {
  CleanOffsetMap map({.memory_bytes = 10 * CleanOffsetMap::kEntryBytes, .load_percent = 50}, {});
  map.Reset(1000);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(map.Put(AsBytes(std::to_string(i)), Offset(i)), CleanOffsetMap::PutResult::kDone);
  }
  EXPECT_EQ(map.Put(AsBytes("another"), Offset(5)), CleanOffsetMap::PutResult::kFull);
  EXPECT_EQ(map.Put(AsBytes("0"), Offset(6)), CleanOffsetMap::PutResult::kDone);
  EXPECT_EQ(map.Find(AsBytes("0")), Offset(6));
  EXPECT_EQ(map.Find(AsBytes("another")), kNoOffset);
  EXPECT_EQ(map.utilization_percent(), 50);
}

TEST(CleanOffsetMap, AgreesWithAnOrdinaryMap) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    base::Prng draws(seed);
    CleanOffsetMap map({.memory_bytes = 400 * CleanOffsetMap::kEntryBytes, .load_percent = 99},
                       {.high = seed, .low = 3});
    std::map<std::string, Offset> model;
    map.Reset(static_cast<int64_t>(1 + draws.Below(800)));
    for (int64_t i = 0; i < 800; ++i) {
      const std::string key(draws.Below(20), static_cast<char>('a' + draws.Below(20)));
      const bool fits = model.contains(key) || static_cast<int64_t>(model.size()) < map.key_count_max();
      EXPECT_EQ(map.Put(AsBytes(key), Offset(i)) == CleanOffsetMap::PutResult::kDone, fits);
      if (fits) model[key] = Offset(i);
    }
    EXPECT_EQ(map.key_count(), static_cast<int64_t>(model.size()));
    for (const auto& [key, offset] : model) EXPECT_EQ(map.Find(AsBytes(key)), offset);
  }
}

}  // namespace
}  // namespace odradek::storage
