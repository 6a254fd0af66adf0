#include "engine/replication/epoch_cache.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace odradek::replication {
namespace {

EpochCache Cache(std::vector<std::pair<int32_t, int64_t>> entries) {
  std::vector<EpochEntry> list;
  for (const auto& [epoch, start] : entries) list.push_back({LeaderEpoch(epoch), Offset(start)});
  return EpochCache::FromEntries(std::move(list)).value();
}

EpochEndOffset End(int32_t epoch, int64_t offset) {
  return {LeaderEpoch(epoch), Offset(offset)};
}

// SEMANTICS 25, KIP-101, KIP-279.
TEST(EpochCache, EndsAnEpochWhereTheNextOneBegins) {
  const EpochCache cache = Cache({{2, 5}, {4, 9}, {7, 20}});
  const Offset end(30);
  EXPECT_EQ(cache.EndOffsetFor(LeaderEpoch(7), end), End(7, 30));
  EXPECT_EQ(cache.EndOffsetFor(LeaderEpoch(4), end), End(4, 20));
  EXPECT_EQ(cache.EndOffsetFor(LeaderEpoch(6), end), End(4, 20));
  EXPECT_EQ(cache.EndOffsetFor(LeaderEpoch(2), end), End(2, 9));
  EXPECT_EQ(cache.EndOffsetFor(LeaderEpoch(1), end), End(1, 5));
}

// KAFKA-6857: an epoch that is not known has no end, above all not the log's.
TEST(EpochCache, DoesNotKnowLaterEpochs) {
  const EpochCache cache = Cache({{2, 5}});
  EXPECT_TRUE(cache.EndOffsetFor(LeaderEpoch(3), Offset(30)).is_none());
  EXPECT_TRUE(cache.EndOffsetFor(kNoLeaderEpoch, Offset(30)).is_none());
  EXPECT_TRUE(EpochCache().EndOffsetFor(LeaderEpoch(0), Offset(0)).is_none());
}

// KAFKA-7415: a leader that appended nothing leaves an entry that the next one replaces.
TEST(EpochCache, AnEpochWithoutRecordsGoesWhenTheNextOneBegins) {
  EpochCache cache = Cache({{2, 5}, {4, 9}});
  cache.Assign(LeaderEpoch(5), Offset(9));
  EXPECT_EQ(cache, Cache({{2, 5}, {5, 9}}));
  cache.Assign(LeaderEpoch(5), Offset(12));
  EXPECT_EQ(cache, Cache({{2, 5}, {5, 9}}));
}

// KAFKA-10706: also when the log already ends there.
TEST(EpochCache, TruncationAtTheEndDropsWhatBeginsThere) {
  EpochCache cache = Cache({{2, 5}, {4, 9}});
  cache.TruncateFromEnd(Offset(9));
  EXPECT_EQ(cache, Cache({{2, 5}}));
}

TEST(EpochCache, TruncationFromTheStartMovesTheEpochInForce) {
  EpochCache cache = Cache({{2, 5}, {4, 9}, {7, 20}});
  cache.TruncateFromStart(Offset(3));
  EXPECT_EQ(cache, Cache({{2, 5}, {4, 9}, {7, 20}}));
  cache.TruncateFromStart(Offset(12));
  EXPECT_EQ(cache, Cache({{4, 12}, {7, 20}}));
  cache.TruncateFromStart(Offset(40));
  EXPECT_EQ(cache, Cache({{7, 40}}));
}

TEST(EpochCache, RefusesEntriesThatDoNotRise) {
  EXPECT_EQ(EpochCache::FromEntries({{LeaderEpoch(2), Offset(5)}, {LeaderEpoch(2), Offset(6)}}), std::nullopt);
  EXPECT_EQ(EpochCache::FromEntries({{LeaderEpoch(2), Offset(5)}, {LeaderEpoch(3), Offset(5)}}), std::nullopt);
  EXPECT_EQ(EpochCache::FromEntries({{LeaderEpoch(-1), Offset(5)}}), std::nullopt);
}

// The naive model: every record remembers its epoch.
RC_GTEST_PROP(EpochCacheModel, AgreesWithTheEpochOfEveryRecord, (const std::vector<uint8_t>& steps)) {
  EpochCache cache;
  std::map<int64_t, int32_t> records;
  int64_t start = 0;
  int64_t end = 0;
  int32_t epoch = 0;
  for (const uint8_t step : steps) {
    const int64_t size = step / 8 % 4;
    switch (step % 4) {
      case 0:
      case 1:
        epoch += step % 2;
        for (int64_t i = 0; i <= size; ++i) {
          cache.Assign(LeaderEpoch(epoch), Offset(end));
          records[end++] = epoch;
        }
        break;
      case 2:
        end = std::max(start, end - size);
        records.erase(records.lower_bound(end), records.end());
        cache.TruncateFromEnd(Offset(end));
        break;
      default:
        start = std::min(end, start + size);
        records.erase(records.begin(), records.lower_bound(start));
        cache.TruncateFromStart(Offset(start));
    }
    for (const auto& [offset, of] : records) RC_ASSERT(cache.EpochAt(Offset(offset)) == LeaderEpoch(of));
    RC_ASSERT(EpochCache::FromEntries(cache.entries()).has_value());
    for (int32_t asked = 0; asked <= epoch; ++asked) {
      const EpochEndOffset answer = cache.EndOffsetFor(LeaderEpoch(asked), Offset(end));
      if (answer.is_none()) continue;
      // All records of the epoch and of earlier ones are below, all of later ones are not.
      for (const auto& [offset, of] : records) RC_ASSERT((of <= asked) == (Offset(offset) < answer.end_offset));
    }
  }
}

}  // namespace
}  // namespace odradek::replication
