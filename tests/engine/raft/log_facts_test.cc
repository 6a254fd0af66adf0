// The facts of a log beside a naive model of it: a list of the epochs of all records, asked by going through it.
#include "engine/raft/log_facts.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/prng.h"

namespace odradek::raft {
namespace {

struct NaiveLog {
  int64_t start = 0;
  LeaderEpoch before_start{0};
  std::vector<LeaderEpoch> epochs;  // of the records from start on

  int64_t end() const { return start + static_cast<int64_t>(epochs.size()); }
  LeaderEpoch At(int64_t offset) const { return epochs[static_cast<size_t>(offset - start)]; }
  LeaderEpoch last_epoch() const { return epochs.empty() ? before_start : epochs.back(); }
  OffsetAndEpoch EndOfEpoch(LeaderEpoch epoch) const {
    OffsetAndEpoch found{before_start, Offset(start)};
    for (int64_t at = start; at < end(); ++at) {
      if (At(at) <= epoch) found = {At(at), Offset(at + 1)};
    }
    return found;
  }
};

class LogFactsModel : public ::testing::Test {
 protected:
  void Append(base::Prng& random) {
    const LeaderEpoch epoch(naive_.last_epoch().value() + static_cast<int32_t>(random.Below(3)));
    const int64_t count = random.Between(1, 4);
    facts_.Append(epoch, facts_.end() + count);
    naive_.epochs.insert(naive_.epochs.end(), static_cast<size_t>(count), epoch);
  }
  void Truncate(base::Prng& random) {
    const auto latest = facts_.latest_snapshot();
    const int64_t lowest = latest ? latest->offset.value() : naive_.start;
    const int64_t to = random.Between(lowest, naive_.end());
    facts_.TruncateTo(Offset(to));
    naive_.epochs.resize(static_cast<size_t>(to - naive_.start));
  }
  void Snapshot(base::Prng& random) {
    const int64_t end = random.Between(naive_.start, naive_.end());
    const auto latest = facts_.latest_snapshot();
    if (end == 0 || (latest && latest->offset.value() >= end)) return;
    facts_.AddSnapshot({{*facts_.EpochBefore(Offset(end)), Offset(end)}, 1});
  }
  void Trim() {
    const auto latest = facts_.latest_snapshot();
    if (!latest) return;
    const int64_t to = latest->offset.value();
    facts_.TrimTo(*latest);
    naive_.epochs.erase(naive_.epochs.begin(), naive_.epochs.begin() + (to - naive_.start));
    naive_.start = to;
    naive_.before_start = latest->epoch;
  }
  void Compare() {
    ASSERT_EQ(facts_.start(), Offset(naive_.start));
    ASSERT_EQ(facts_.end(), Offset(naive_.end()));
    ASSERT_EQ(facts_.last_epoch(), naive_.last_epoch());
    for (int32_t epoch = 0; epoch <= naive_.last_epoch().value() + 1; ++epoch) {
      ASSERT_EQ(facts_.EndOfEpoch(LeaderEpoch(epoch)), naive_.EndOfEpoch(LeaderEpoch(epoch))) << epoch;
    }
    for (int64_t at = naive_.start; at < naive_.end(); ++at) {
      ASSERT_EQ(facts_.EpochBefore(Offset(at + 1)), naive_.At(at)) << at;
    }
    const auto again = LogFacts::FromParts({facts_.start(), facts_.end(), facts_.epochs(), facts_.snapshots()});
    ASSERT_TRUE(again.has_value());
    ASSERT_EQ(again->EndOfEpoch(LeaderEpoch(1)), facts_.EndOfEpoch(LeaderEpoch(1)));
  }

  LogFacts facts_;
  NaiveLog naive_;
};

TEST_F(LogFactsModel, AgreesWithAListOfEpochs) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    base::Prng random(seed);
    facts_ = LogFacts();
    naive_ = NaiveLog();
    for (int step = 0; step < 40; ++step) {
      const uint64_t action = random.Below(8);
      if (action < 4) Append(random);
      if (action == 4 || action == 5) Truncate(random);
      if (action == 6) Snapshot(random);
      if (action == 7) Trim();
      ASSERT_NO_FATAL_FAILURE(Compare()) << "seed " << seed << " step " << step;
    }
  }
}

// KIP-595: whatever two logs have become, following the leader's word ends, and with the longest common prefix or less.
TEST(LogFacts, DivergenceEndsInTheCommonPrefix) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    base::Prng random(seed);
    LogFacts leader;
    LogFacts follower;
    // A common beginning, and then each has had epochs that the other has not: epochs of one parity each.
    int32_t epoch = 1;
    for (uint64_t i = random.Below(4); i > 0; --i, epoch += 2) {
      leader.Append(LeaderEpoch(epoch), leader.end() + 2);
      follower.Append(LeaderEpoch(epoch), follower.end() + 2);
    }
    const Offset common = leader.end();
    for (uint64_t i = random.Below(5); i > 0; --i) {
      leader.Append(LeaderEpoch(epoch + 2 * static_cast<int32_t>(random.Below(4))), leader.end() + 1);
      epoch = leader.last_epoch().value();
    }
    int32_t own = common == Offset(0) ? 2 : follower.last_epoch().value() + 1;
    for (uint64_t i = random.Below(5); i > 0; --i, own += 2) follower.Append(LeaderEpoch(own), follower.end() + 1);
    int rounds = 0;
    for (Validation said = leader.Validate(follower.end(), follower.last_epoch()); said.validity != Validity::kValid;
         said = leader.Validate(follower.end(), follower.last_epoch())) {
      ASSERT_EQ(said.validity, Validity::kDiverging);
      const Offset to = follower.TruncationFor(said.at);
      ASSERT_LT(to, follower.end()) << "no progress, seed " << seed;
      ASSERT_GE(to, common) << "more than needed, seed " << seed;
      follower.TruncateTo(to);
      ASSERT_LT(++rounds, 20);
    }
    ASSERT_GE(follower.end(), common);
  }
}

TEST(LogFacts, AFollowerBelowTheLogStartIsSentASnapshot) {
  LogFacts log;
  log.Append(LeaderEpoch(1), Offset(10));
  log.Append(LeaderEpoch(3), Offset(20));
  log.AddSnapshot({{LeaderEpoch(1), Offset(8)}, 100});
  const SnapshotId latest{LeaderEpoch(3), Offset(15)};
  log.AddSnapshot({latest, 100});
  log.TrimTo({LeaderEpoch(1), Offset(8)});
  const Validation snapshot{Validity::kSnapshot, latest};
  EXPECT_EQ(log.Validate(Offset(0), LeaderEpoch(0)), snapshot);
  EXPECT_EQ(log.Validate(Offset(7), LeaderEpoch(1)), snapshot);
  EXPECT_EQ(log.Validate(Offset(8), LeaderEpoch(0)), snapshot);
  EXPECT_EQ(log.Validate(Offset(8), LeaderEpoch(1)).validity, Validity::kValid);
  EXPECT_EQ(log.Validate(Offset(12), LeaderEpoch(2)), (Validation{Validity::kDiverging, {LeaderEpoch(1), Offset(10)}}));
  EXPECT_EQ(log.Validate(Offset(25), LeaderEpoch(3)), (Validation{Validity::kDiverging, {LeaderEpoch(3), Offset(20)}}));
}

TEST(LogFacts, PartsThatContradictEachOtherAreRefused) {
  const auto parse = [](LogFacts::Parts parts) { return LogFacts::FromParts(parts).has_value(); };
  const EpochStart first{LeaderEpoch(1), Offset(0)};
  EXPECT_TRUE(parse({}));
  EXPECT_TRUE(parse({Offset(0), Offset(5), {first}, {}}));
  EXPECT_FALSE(parse({Offset(0), Offset(5), {}, {}}));
  EXPECT_FALSE(parse({Offset(0), Offset(5), {first, {LeaderEpoch(1), Offset(2)}}, {}}));
  EXPECT_FALSE(parse({Offset(0), Offset(5), {first, {LeaderEpoch(2), Offset(5)}}, {}}));
  EXPECT_FALSE(parse({Offset(3), Offset(5), {{LeaderEpoch(1), Offset(3)}}, {}})) << "no snapshot at the start";
  EXPECT_FALSE(parse({Offset(0), Offset(5), {first}, {{{LeaderEpoch(2), Offset(3)}, 1}}})) << "another epoch";
  EXPECT_FALSE(parse({Offset(0), Offset(5), {first}, {{{LeaderEpoch(1), Offset(6)}, 1}}})) << "above the end";
}

}  // namespace
}  // namespace odradek::raft
