#include "engine/replication/log_facts.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

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

// The naive model: a log is a list of records, each with its epoch and a value of its own.
struct ModelLog {
  std::vector<std::pair<int32_t, int64_t>> records;
  LogFacts facts;

  void Append(const std::pair<int32_t, int64_t>& record) {
    facts.Append(LeaderEpoch(record.first), facts.end(), facts.end() + 1);
    records.push_back(record);
  }
  void TruncateTo(Offset end) {
    facts.TruncateTo(end);
    records.resize(static_cast<size_t>(end.value()));
  }
  // What a leader of this log answers to a fetch of a log that ends there, if it answers that they part (KIP-595).
  EpochEndOffset Diverging(Offset end, LeaderEpoch last_epoch) const {
    if (last_epoch == kNoLeaderEpoch) return {};
    const EpochEndOffset own = facts.EndOffsetFor(last_epoch);
    RC_ASSERT(!own.is_none());
    return own.epoch < last_epoch || own.end_offset < end ? own : EpochEndOffset{};
  }
};

// KIP-101, KIP-279, KIP-595: whoever led before, however little of it anybody has seen, a follower that truncates as it
// is told ends up with a prefix of its leader's log, after at most as many answers as there are epochs.
RC_GTEST_PROP(ReplicationLogFactsModel, TruncationFindsACommonPrefix, (const std::vector<uint16_t>& steps)) {
  std::array<ModelLog, 3> logs;
  int32_t epoch = 0;
  int64_t value = 0;
  for (const uint16_t step : steps) {
    ModelLog& leader = logs[step % 3];
    leader.facts.BeginEpoch(LeaderEpoch(++epoch));
    for (int i = 0; i < step / 3 % 4; ++i) leader.Append({epoch, ++value});
    ModelLog& follower = logs[(step + 1 + step / 12 % 2) % 3];
    int rounds = 0;
    while (true) {
      const EpochEndOffset diverging = leader.Diverging(follower.facts.end(), follower.facts.latest_epoch());
      if (diverging.is_none()) break;
      RC_ASSERT(++rounds <= epoch + 1);
      follower.TruncateTo(follower.facts.TruncationFor(diverging).end);
    }
    RC_ASSERT(follower.records.size() <= leader.records.size());
    RC_ASSERT(std::equal(follower.records.begin(), follower.records.end(), leader.records.begin()));
    for (int i = 0; i < step / 24 % 5 && follower.records.size() < leader.records.size(); ++i) {
      follower.Append(leader.records[follower.records.size()]);
    }
  }
}

}  // namespace
}  // namespace odradek::replication
