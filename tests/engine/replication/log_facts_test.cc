#include "engine/replication/log_facts.h"

#include <gtest/gtest.h>

namespace odradek::replication {
namespace {

LogFacts::Parts Parts(int64_t start, int64_t end, int64_t high_watermark,
                      const std::vector<std::pair<int32_t, int64_t>>& epochs) {
  LogFacts::Parts parts{Offset(start), Offset(end), Offset(high_watermark), {}};
  for (const auto& [epoch, at] : epochs) parts.epochs.push_back({LeaderEpoch(epoch), Offset(at)});
  return parts;
}
LogFacts Log(int64_t start, int64_t end, int64_t high_watermark,
             const std::vector<std::pair<int32_t, int64_t>>& epochs) {
  return LogFacts::FromParts(Parts(start, end, high_watermark, epochs)).value();
}

// KAFKA-3978 (BUG_ZOO RP29): a checkpoint is older or younger than the log.
TEST(ReplicationLogFacts, BringsTheHighWatermarkIntoTheLog) {
  EXPECT_EQ(Log(3, 9, 0, {{1, 3}}).high_watermark(), Offset(3));
  EXPECT_EQ(Log(3, 9, 20, {{1, 3}}).high_watermark(), Offset(9));
  EXPECT_EQ(Log(3, 9, -1, {{1, 3}}).high_watermark(), Offset(3));
}

TEST(ReplicationLogFacts, RefusesPartsThatContradictEachOther) {
  EXPECT_FALSE(LogFacts::FromParts(Parts(5, 3, 3, {})));
  EXPECT_FALSE(LogFacts::FromParts(Parts(-1, 3, 3, {{1, 0}})));
  EXPECT_FALSE(LogFacts::FromParts(Parts(0, 3, 3, {{1, 0}, {2, 4}})));
  EXPECT_TRUE(LogFacts::FromParts(Parts(0, 3, 3, {{1, 0}, {2, 3}})));
  EXPECT_TRUE(LogFacts::FromParts(Parts(3, 3, 3, {})));
  // Compacted: the first record is behind a gap.
  EXPECT_TRUE(LogFacts::FromParts(Parts(0, 3, 3, {{1, 1}})));
}

TEST(ReplicationLogFacts, TruncationTakesTheHighWatermarkAlong) {
  LogFacts log = Log(0, 9, 7, {{1, 0}, {2, 5}});
  log.TruncateTo(Offset(8));
  EXPECT_EQ(log.high_watermark(), Offset(7));
  log.TruncateTo(Offset(5));
  EXPECT_EQ(log, Log(0, 5, 5, {{1, 0}}));
}

// KAFKA-9491 (RP28).
TEST(ReplicationLogFacts, ARestartedLogIsEmptyAndCommitted) {
  LogFacts log = Log(0, 9, 7, {{1, 0}, {2, 5}});
  log.RestartAt(Offset(20));
  EXPECT_EQ(log, Log(20, 20, 20, {}));
  log.RestartAt(Offset(18));
  EXPECT_EQ(log.high_watermark(), Offset(18));
}

// SEMANTICS 26, never below the start.
TEST(ReplicationLogFacts, FindsWhereLogsPart) {
  const LogFacts log = Log(2, 12, 4, {{1, 2}, {3, 6}, {6, 10}});
  const auto at = [&log](int32_t epoch, int64_t end) {
    const LogFacts::TruncationPoint point = log.TruncationFor({LeaderEpoch(epoch), Offset(end)});
    return std::pair(point.end.value(), point.is_final);
  };
  EXPECT_EQ(at(6, 11), (std::pair<int64_t, bool>(11, true)));
  EXPECT_EQ(at(6, 20), (std::pair<int64_t, bool>(12, true)));
  EXPECT_EQ(at(5, 20), (std::pair<int64_t, bool>(10, false)));
  EXPECT_EQ(at(3, 8), (std::pair<int64_t, bool>(8, true)));
  EXPECT_EQ(at(2, 8), (std::pair<int64_t, bool>(6, false)));
  EXPECT_EQ(at(1, 1), (std::pair<int64_t, bool>(2, true)));
  EXPECT_EQ(at(0, 1), (std::pair<int64_t, bool>(2, true)));
}

// A leader of a compacted log: an epoch begins with its first record, behind the gap, as it does in the log.
TEST(ReplicationLogFacts, AnEpochBeginsBehindTheGap) {
  LogFacts log;
  log.Append(LeaderEpoch(2), Offset(50), Offset(60));
  log.Append(LeaderEpoch(4), Offset(70), Offset(71));
  EXPECT_EQ(log, Log(0, 71, 0, {{2, 50}, {4, 70}}));
  log.TruncateTo(Offset(10));
  EXPECT_EQ(log, Log(0, 10, 0, {}));
}

TEST(ReplicationLogFacts, AnEpochMayBeginWithoutRecords) {
  LogFacts log = Log(0, 3, 3, {{1, 0}});
  log.BeginEpoch(LeaderEpoch(4));
  EXPECT_EQ(log.EndOffsetFor(LeaderEpoch(3)), (EpochEndOffset{LeaderEpoch(1), Offset(3)}));
  EXPECT_EQ(log.EndOffsetFor(LeaderEpoch(4)), (EpochEndOffset{LeaderEpoch(4), Offset(3)}));
  log.TruncateTo(Offset(3));
  EXPECT_EQ(log.latest_epoch(), LeaderEpoch(1));
}

}  // namespace
}  // namespace odradek::replication
