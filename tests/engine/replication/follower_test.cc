// Transcripts of a follower: what it asks, where it truncates, what it appends. Each cites what it shows.
#include <gtest/gtest.h>

#include "tests/engine/replication/script.h"

namespace odradek::replication {
namespace {

Script Following(Options options = {}, std::optional<LogFacts> log = std::nullopt) {
  Script script(options, std::move(log));
  script.Is(Script::Led(2, 5, 7, {1, 2, 3}));
  return script;
}

TEST(ReplicationFollower, FetchesFromItsEndWithItsLastEpoch) {
  Script script;
  EXPECT_EQ(script.Is(Script::Led(2, 5, 7, {1, 2, 3})), "follower in epoch 5, led by 2\n");
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
}

TEST(ReplicationFollower, AsksNobodyWhileNobodyLeads) {
  Script script;
  EXPECT_EQ(script.Is(Script::Led(-1, 5, 7, {})), "follower in epoch 5, led by -1\n");
  EXPECT_EQ(script.Wants(), "nothing");
}

TEST(ReplicationFollower, AppendsWhatContinuesItsLog) {
  Script script = Following();
  EXPECT_EQ(script.Do(script.Reply({Script::Batch(5, 7, 2), Script::Batch(9, 10, 5)}, 8)),
            "append 2 to 10\nhigh watermark 8\n");
  EXPECT_EQ(script.Wants(), "fetch at 10 after epoch 5 in 5, start 0");
}

// R11: what the leader says is brought into our own bounds (KAFKA-3978).
TEST(ReplicationFollower, ItsHighWatermarkIsAtMostItsEnd) {
  Script script = Following();
  EXPECT_EQ(script.Do(script.Reply({Script::Batch(5, 6, 2)}, 100)), "append 1 to 6\nhigh watermark 6\n");
  EXPECT_EQ(script.Do(script.Reply({}, -1)), "");
  EXPECT_EQ(script.Do(script.Reply({}, 2)), "");
  EXPECT_EQ(script.replica().high_watermark(), Offset(6));
}

// KAFKA-15510 (RP16): an empty answer changes nothing of what is asked.
TEST(ReplicationFollower, AnEmptyAnswerKeepsTheLastEpoch) {
  Script script = Following();
  script.Do(script.Reply({}, 3));
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
}

// RP26 and K of its own: offsets that fall, epochs that fall, epochs that are not yet.
TEST(ReplicationFollower, RefusesWhatDoesNotContinueItsLog) {
  const std::vector<std::vector<FetchedBatch>> wrong = {
      {Script::Batch(4, 6, 2)},                          // below the end
      {Script::Batch(5, 5, 2)},                          // empty
      {Script::Batch(5, 7, 1)},                          // an earlier epoch
      {Script::Batch(5, 7, 6)},                          // the leader's is 5
      {Script::Batch(5, 7, 3), Script::Batch(6, 8, 3)},  // overlap
      {Script::Batch(5, 7, 3), Script::Batch(7, 8, 2)},
  };
  for (const std::vector<FetchedBatch>& batches : wrong) {
    Script script = Following();
    EXPECT_EQ(script.Do(script.Reply(batches, 8)), "trouble: fetched out of order\n");
    EXPECT_EQ(script.Wants(), "nothing");
    EXPECT_EQ(script.replica().next_deadline(), script.now() + Duration::Seconds(1));
    script.At(2000).Tick();
    EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
  }
}

// KIP-966's checks f and g: answers to what was asked before are not for us any more.
TEST(ReplicationFollower, IgnoresAnswersToEarlierFetches) {
  Script script = Following();
  const Fetched old = script.Reply({Script::Batch(5, 6, 2)}, 3);
  script.Do(old);
  EXPECT_EQ(script.Do(old), "");
  const Fetched late = script.Reply({Script::Batch(6, 7, 5)}, 3);
  script.Is(Script::Led(2, 6, 8, {1, 2, 3}));
  EXPECT_EQ(script.Do(late), "");
  // The leader is the same, its epoch is not: fetching begins anew (KAFKA-7164, RP12).
  EXPECT_EQ(script.Wants(), "fetch at 6 after epoch 2 in 6, start 0");
}

// KIP-966's check a: a change within the epoch does not disturb it.
TEST(ReplicationFollower, GoesOnWithinTheSameEpoch) {
  Script script = Following();
  const Fetched reply = script.Reply({Script::Batch(5, 6, 2)}, 3);
  EXPECT_EQ(script.Is(Script::Led(2, 5, 8, {2, 3})), "");
  EXPECT_EQ(script.Do(reply), "append 1 to 6\n");
}

// KIP-595, KIP-320; SEMANTICS 26.
TEST(ReplicationFollower, TruncatesWhereTheLogsPart) {
  struct Case {
    int32_t epoch;
    int64_t end;
    std::string effects;
    std::string then;
  };
  const std::vector<Case> cases = {
      {2, 4, "truncate to 4\n", "fetch at 4 after epoch 2 in 5, start 0"},
      {2, 9, "truncate to 5\n", "nothing"},  // nothing to truncate, and still they part: wait
      {1, 2, "truncate to 2\ntrouble: truncates below the high watermark\n", "fetch at 2 after epoch 1 in 5, start 0"},
      {1, 3, "truncate to 3\n", "fetch at 3 after epoch 1 in 5, start 0"},
      // Of epoch 1 the leader has more than we: our end of it is where we part.
      {1, 4, "truncate to 3\n", "fetch at 3 after epoch 1 in 5, start 0"},
  };
  for (const Case& c : cases) {
    Script script = Following();
    EXPECT_EQ(script.Do(script.Diverge(c.epoch, c.end)), c.effects) << c.epoch << " " << c.end;
    EXPECT_EQ(script.Wants(), c.then);
  }
}

// KIP-279: the leader's epoch is one that we do not know; we go back behind our next one and ask again.
TEST(ReplicationFollower, TruncatesStepByStepIfEpochsAreUnknown) {
  Script script = Following({}, Script::Log(0, 9, 2, {{1, 0}, {3, 4}, {4, 7}}));
  EXPECT_EQ(script.Do(script.Diverge(2, 8)), "truncate to 4\n");
  EXPECT_EQ(script.Wants(), "fetch at 4 after epoch 1 in 5, start 0");
}

// RP13 (KAFKA-10706): a leader that had appended nothing has an epoch without records, and must get rid of it.
TEST(ReplicationFollower, ForgetsAnEpochWithoutRecords) {
  Script script;
  script.Is(Script::Led(1, 4, 6, {1, 2, 3}));
  script.Is(Script::Led(2, 5, 7, {1, 2, 3}));
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 4 in 5, start 0");
  EXPECT_EQ(script.Do(script.Diverge(2, 5)), "truncate to 5\n");
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
}

TEST(ReplicationFollower, DoesNotTruncateForAnEpochThatItDidNotAskAbout) {
  Script script = Following();
  EXPECT_EQ(script.Do(script.Diverge(3, 2)), "trouble: diverges in a later epoch\n");
  EXPECT_EQ(script.replica().log().end(), Offset(5));
}

// SEMANTICS 24: a diverging answer's watermarks are not for a log that parts.
TEST(ReplicationFollower, DivergenceComesBeforeTheHighWatermark) {
  Script script = Following();
  Fetched fetched = script.Diverge(2, 4);
  fetched.high_watermark = Offset(5);
  fetched.log_start = Offset(4);
  EXPECT_EQ(script.Do(fetched), "truncate to 4\n");
  EXPECT_EQ(script.replica().high_watermark(), Offset(3));
}

TEST(ReplicationFollower, TakesOverTheLeadersLogStart) {
  Script script = Following();
  EXPECT_EQ(script.Do(script.Reply({}, 5, 4)), "log start 4\nhigh watermark 5\n");
  // Not above what it knows to be committed.
  Script behind = Following();
  EXPECT_EQ(behind.Do(behind.Reply({}, 3, 4)), "log start 3\n");
}

// --- out of range: KAFKA-2143 (RP27), KAFKA-9491 (RP28) ---

OffsetsAnswered Located(const Script& script, int64_t start, int64_t end) {
  const auto asked = std::get<OffsetsQuestion>(script.replica().NextQuestion(script.now()).value());
  return {.asked = asked, .error = ErrorCode::kNone, .log_start = Offset(start), .log_end = Offset(end)};
}

TEST(ReplicationFollower, FarBehindItBeginsAtTheLeadersStart) {
  Script script = Following();
  EXPECT_EQ(script.Do(script.Fail(ErrorCode::kOffsetOutOfRange)), "");
  EXPECT_EQ(script.Wants(), "offsets in 5");
  EXPECT_EQ(script.Do(Located(script, 20, 30)), "restart at 20\n");
  EXPECT_EQ(script.Wants(), "fetch at 20 after epoch -1 in 5, start 20");
  EXPECT_EQ(script.replica().high_watermark(), Offset(20));
}

TEST(ReplicationFollower, AheadItTruncatesToTheLeadersEnd) {
  Script script = Following();
  script.Do(script.Fail(ErrorCode::kOffsetOutOfRange));
  EXPECT_EQ(script.Do(Located(script, 0, 4)), "truncate to 4\n");
  EXPECT_EQ(script.Wants(), "fetch at 4 after epoch 2 in 5, start 0");
}

TEST(ReplicationFollower, InRangeAgainItGoesOnAfterAWhile) {
  Script script = Following();
  script.Do(script.Fail(ErrorCode::kOffsetOutOfRange));
  EXPECT_EQ(script.Do(Located(script, 0, 10)), "");
  EXPECT_EQ(script.Wants(), "nothing");
  script.At(2000).Tick();
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
}

TEST(ReplicationFollower, ALeadersStartInsideABatchBringsTheWholeBatch) {
  Script script = Following({}, Script::Log(20, 20, 20, {}));
  EXPECT_EQ(script.Do(script.Reply({Script::Batch(18, 22, 3)}, 22, 20)),
            "restart at 18\nappend 1 to 22\nlog start 20\nhigh watermark 22\n");
}

TEST(ReplicationFollower, AnswersOfWhereTheLeadersLogIsMustBelongToItsOwnEnd) {
  Script script = Following();
  script.Do(script.Fail(ErrorCode::kOffsetOutOfRange));
  OffsetsAnswered answer = Located(script, 0, 4);
  answer.asked.own_end = Offset(6);
  EXPECT_EQ(script.Do(answer), "");
  answer = Located(script, 9, 4);
  EXPECT_EQ(script.Do(answer), "");
  EXPECT_EQ(script.replica().log().end(), Offset(5));
}

// --- errors ---

TEST(ReplicationFollower, BacksOffAfterAnError) {
  for (const ErrorCode error : {ErrorCode::kUnknownLeaderEpoch, ErrorCode::kNotLeaderOrFollower,
                                ErrorCode::kNetworkException, ErrorCode::kUnknownTopicId}) {
    Script script = Following();
    EXPECT_EQ(script.Do(script.Fail(error)), "");
    EXPECT_EQ(script.Wants(), "nothing");
    EXPECT_EQ(script.replica().next_deadline(), script.now() + Duration::Seconds(1));
    script.At(2000).Tick();
    EXPECT_EQ(script.replica().next_deadline(), MonoTime::Never());
    EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
  }
}

TEST(ReplicationFollower, FencedItWaitsForTheMetadata) {
  Script script = Following();
  script.Do(script.Fail(ErrorCode::kFencedLeaderEpoch));
  EXPECT_EQ(script.Wants(), "nothing");
  EXPECT_EQ(script.replica().next_deadline(), MonoTime::Never());
  script.Is(Script::Led(3, 6, 8, {1, 3}));
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 6, start 0");
}

// --- OffsetForLeaderEpoch, for leaders of old versions (KIP-101, KIP-279) ---

Script Asking(const LogFacts& log) {
  Options options;
  options.truncation = Truncation::kByEpochRequest;
  return Following(options, log);
}
EpochEndAnswered EndOf(const Script& script, int32_t epoch, int64_t end) {
  const auto asked = std::get<EpochEndQuestion>(script.replica().NextQuestion(script.now()).value());
  return {.asked = asked, .error = ErrorCode::kNone, .end = {LeaderEpoch(epoch), Offset(end)}};
}

TEST(ReplicationFollower, AsksForTheEndOfItsEpochFirst) {
  Script script = Asking(Script::OldLog());
  EXPECT_EQ(script.Wants(), "end of epoch 2 in 5");
  EXPECT_EQ(script.Do(EndOf(script, 2, 9)), "truncate to 5\n");
  EXPECT_EQ(script.Wants(), "fetch at 5 after epoch 2 in 5, start 0");
}

// RP10: the leader answers for an epoch that we do not know; one truncation is not enough.
TEST(ReplicationFollower, AsksAgainUntilItKnowsTheEpoch) {
  Script script = Asking(Script::Log(0, 9, 2, {{1, 0}, {3, 4}, {4, 7}}));
  EXPECT_EQ(script.Do(EndOf(script, 2, 8)), "truncate to 4\n");
  EXPECT_EQ(script.Wants(), "end of epoch 1 in 5");
  EXPECT_EQ(script.Do(EndOf(script, 1, 3)), "truncate to 3\n");
  EXPECT_EQ(script.Wants(), "fetch at 3 after epoch 1 in 5, start 0");
}

// RP15, KIP-101: without any epoch of the leader's only the high watermark is left. Version 0 does not name the epoch.
TEST(ReplicationFollower, FallsBackIfTheLeaderKnowsNoEpoch) {
  Script script = Asking(Script::OldLog());
  EXPECT_EQ(script.Do(EndOf(script, -1, -1)), "truncate to 3\n");
  Script old = Asking(Script::OldLog());
  EXPECT_EQ(old.Do(EndOf(old, -1, 4)), "truncate to 4\n");
}

TEST(ReplicationFollower, AnEmptyLogHasNothingToTruncate) {
  Script script = Asking(LogFacts());
  EXPECT_EQ(script.Wants(), "fetch at 0 after epoch -1 in 5, start 0");
}

// --- consumers ---

// RP42: what it has not got yet is not out of range.
TEST(ReplicationFollower, ServesConsumersWhatItKnowsToBeCommitted) {
  Script script = Following();
  const auto read = [&script](int64_t offset, int32_t last_epoch, ConsumerFetch::From from) {
    ConsumerFetch fetch;
    fetch.position = {LeaderEpoch(5), Offset(offset), LeaderEpoch(last_epoch), kNoOffset};
    fetch.from = from;
    return ToText(script.replica().AnswerTo(fetch, script.around()));
  };
  constexpr auto kAny = ConsumerFetch::From::kAnyReplica;
  EXPECT_EQ(read(1, 1, kAny), "[1, 3) high watermark 3 start 0");
  EXPECT_EQ(read(4, 2, kAny), "[4, 4) high watermark 3 start 0");
  EXPECT_EQ(read(6, 2, kAny), "OFFSET_NOT_AVAILABLE");
  EXPECT_EQ(read(5, 4, kAny), "OFFSET_NOT_AVAILABLE");
  EXPECT_EQ(read(4, 1, kAny), "diverging, epoch 1 ends at 3");
  EXPECT_EQ(read(-1, -1, kAny), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(read(1, 1, ConsumerFetch::From::kLeaderOnly), "NOT_LEADER_OR_FOLLOWER, leader 2 in 5");
}

// --- changes of role ---

TEST(ReplicationFollower, AsTheLeaderItKeepsWhatItHas) {
  Script script = Following();
  script.Do(script.Reply({Script::Batch(5, 7, 5)}, 6));
  EXPECT_EQ(script.Is(Script::Led(1, 6, 8, {1, 3})),
            "epoch 6 begins at 7\nleader in epoch 6, led by 1\nisr [1 3] in 8\n");
  EXPECT_EQ(script.replica().high_watermark(), Offset(6));
}

TEST(ReplicationFollower, IsNothingIfItIsNoReplica) {
  Script script = Following();
  EXPECT_EQ(script.Is(Script::Led(2, 6, 8, {2, 3}, {2, 3})), "none in epoch 6, led by -1\n");
  EXPECT_EQ(script.Wants(), "nothing");
  // Added again, in the same leader epoch.
  EXPECT_EQ(script.Is(Script::Led(2, 6, 9, {2, 3}, {1, 2, 3})), "follower in epoch 6, led by 2\n");
}

TEST(ReplicationFollower, KnowsWhetherItMayBeThrottled) {
  Script script = Following();
  EXPECT_FALSE(script.replica().is_in_sync_follower());
  script.Do(script.Reply({Script::Batch(5, 6, 2)}, 9));
  EXPECT_FALSE(script.replica().is_in_sync_follower());
  script.Do(script.Reply({Script::Batch(6, 9, 2)}, 9));
  EXPECT_TRUE(script.replica().is_in_sync_follower());
}

}  // namespace
}  // namespace odradek::replication
