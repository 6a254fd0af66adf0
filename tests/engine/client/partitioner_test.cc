#include "engine/client/partitioner.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "engine/base/prng.h"

namespace odradek::client {
namespace {

// From the test vectors of the Java client (UtilsTest.testMurmur2).
TEST(Partitioner, HashesKeysAsTheJavaClientDoes) {
  const std::vector<std::pair<std::string, int32_t>> vectors = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971}};
  for (const auto& [key, hash] : vectors) {
    EXPECT_EQ(static_cast<int32_t>(base::Murmur2(AsBytes(key))), hash) << key;
    EXPECT_EQ(base::Murmur2Partition(AsBytes(key), 10), (hash & 0x7fffffff) % 10);
  }
}

TEST(Partitioner, SticksForABatchAndThenMovesOn) {
  StickyPartitioner sticky;
  EXPECT_FALSE(sticky.current());
  sticky.Stick(PartitionIndex(3));
  sticky.OnAppended(60, StickyPartitioner::LastBatch::kOpen, 100);
  EXPECT_EQ(sticky.current(), PartitionIndex(3));
  sticky.OnAppended(60, StickyPartitioner::LastBatch::kOpen, 100);
  EXPECT_EQ(sticky.current(), PartitionIndex(3)) << "an open batch is filled first";
  sticky.OnAppended(10, StickyPartitioner::LastBatch::kFull, 100);
  EXPECT_FALSE(sticky.current());
  sticky.Stick(PartitionIndex(1));
  sticky.OnAppended(200, StickyPartitioner::LastBatch::kOpen, 100);
  EXPECT_FALSE(sticky.current());
}

TEST(Partitioner, PrefersShortQueues) {
  const std::array<PartitionLoad, 3> loads{PartitionLoad{PartitionIndex(0), 9}, PartitionLoad{PartitionIndex(1), 0},
                                           PartitionLoad{PartitionIndex(2), 5}};
  std::array<int, 3> hits{};
  base::Prng prng(1);
  for (int i = 0; i < 16000; ++i) ++hits[static_cast<size_t>(ChooseByLoad(loads, prng.Next()).value())];
  EXPECT_NEAR(hits[0], 1000, 150);
  EXPECT_NEAR(hits[1], 10000, 400);
  EXPECT_NEAR(hits[2], 5000, 300);
}

}  // namespace
}  // namespace odradek::client
