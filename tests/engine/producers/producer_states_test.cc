#include "engine/producers/producer_states.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/producers/snapshot.h"
#include "tests/engine/producers/model.h"

namespace odradek::producers {
namespace states_test {

using testing_model::Header;
using testing_model::kSequenceMax;
using testing_model::MarkerHeader;
using testing_model::NaiveProducers;
using testing_model::Sent;

Admission CheckClient(const ProducerStates& states, const Sent& sent) {
  base::NullContext context;
  return states.Check(Header(sent), Origin::kClient, context);
}

Verdict VerdictOn(const ProducerStates& states, const Sent& sent) {
  return CheckClient(states, sent).verdict;
}

// Ten-record batches of producer 1, epoch 0, from sequence 0 on, at the offsets 0, 10, 20, …
ProducerStates AfterBatches(int32_t batches) {
  ProducerStates states(ProducersConfig{});
  for (int32_t i = 0; i < batches; ++i) {
    states.Update(Header({.first_sequence = i * 10, .count = 10, .timestamp = 1000 + i}, i * 10));
  }
  return states;
}

TEST(ProducerStates, ResentBatchAmongTheLastFiveIsADuplicateWithItsOffset) {
  const ProducerStates states = AfterBatches(8);
  for (int32_t i = 3; i < 8; ++i) {
    const Admission a = CheckClient(states, {.first_sequence = i * 10, .count = 10});
    EXPECT_EQ(a.verdict, Verdict::kDuplicate) << i;
    EXPECT_EQ(a.base_offset, Offset(i * 10));
    EXPECT_EQ(a.last_offset, Offset(i * 10 + 9));
    EXPECT_EQ(a.timestamp, Timestamp(1000 + i));
  }
}

TEST(ProducerStates, OlderThanTheWindowIsOutOfOrder) {
  EXPECT_EQ(VerdictOn(AfterBatches(8), {.first_sequence = 20, .count = 10}), Verdict::kOutOfOrderSequence);
}

TEST(ProducerStates, DuplicateNeedsEpochFirstAndLastSequence) {
  const ProducerStates states = AfterBatches(3);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 20, .count = 9}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 20, .count = 11}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 21, .count = 9}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.epoch = 1, .first_sequence = 20, .count = 10}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 20, .count = 10}), Verdict::kDuplicate);
}

TEST(ProducerStates, NextSequenceIsAppendedAGapIsRefused) {
  const ProducerStates states = AfterBatches(2);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 20}), Verdict::kAppend);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 21}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 19}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(CheckClient(states, {.first_sequence = 21}).what, "producer 1 epoch 0: sequence 21, expected 20");
}

TEST(ProducerStates, UnknownProducerMayBeginAnywhere) {
  EXPECT_EQ(VerdictOn(AfterBatches(0), {.first_sequence = 77}), Verdict::kAppend);
  EXPECT_EQ(VerdictOn(AfterBatches(2), {.producer = 2, .first_sequence = 77}), Verdict::kAppend);
}

TEST(ProducerStates, NewEpochBeginsWithZero) {
  const ProducerStates states = AfterBatches(2);
  EXPECT_EQ(VerdictOn(states, {.epoch = 1, .first_sequence = 0}), Verdict::kAppend);
  EXPECT_EQ(VerdictOn(states, {.epoch = 1, .first_sequence = 20}), Verdict::kOutOfOrderSequence);
}

TEST(ProducerStates, OlderEpochIsRefused) {
  ProducerStates states = AfterBatches(2);
  states.Update(Header({.epoch = 3, .first_sequence = 0}, 20));
  EXPECT_EQ(VerdictOn(states, {.epoch = 2, .first_sequence = 1}), Verdict::kInvalidProducerEpoch);
  EXPECT_EQ(VerdictOn(states, {.epoch = 0, .first_sequence = 0, .count = 10}), Verdict::kInvalidProducerEpoch);
}

TEST(ProducerStates, SequenceWrapsToZero) {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.first_sequence = kSequenceMax - 4, .count = 5}, 0));
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 0}), Verdict::kAppend);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 1}), Verdict::kOutOfOrderSequence);
}

TEST(ProducerStates, BatchMaySpanTheWrap) {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.first_sequence = kSequenceMax - 2, .count = 10}, 100));
  EXPECT_EQ(states.entries().at(ProducerId(1)).last_sequence(), 6);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 7}), Verdict::kAppend);
  const Admission a = CheckClient(states, {.first_sequence = kSequenceMax - 2, .count = 10});
  EXPECT_EQ(a.verdict, Verdict::kDuplicate);
  EXPECT_EQ(a.base_offset, Offset(100));
}

TEST(ProducerStates, ReplicatedBatchesAreNotChecked) {
  base::NullContext context;
  ProducerStates states = AfterBatches(2);
  const record::BatchHeader gap = Header({.first_sequence = 500}, 20);
  EXPECT_EQ(states.Check(gap, Origin::kReplication, context).verdict, Verdict::kAppend);
  EXPECT_EQ(states.Check(gap, Origin::kCoordinator, context).verdict, Verdict::kAppend);
  states.Update(Header({.epoch = 4, .first_sequence = 9}, 20));
  EXPECT_EQ(states.Check(gap, Origin::kReplication, context).verdict, Verdict::kAppend);
  EXPECT_EQ(states.Check(gap, Origin::kCoordinator, context).verdict, Verdict::kInvalidProducerEpoch);
  states.Update(Header({.epoch = 2, .first_sequence = 3}, 30));
  EXPECT_EQ(states.entries().at(ProducerId(1)).epoch, ProducerEpoch(2));
}

TEST(ProducerStates, BatchesWithoutProducerIdLeaveNoTrace) {
  ProducerStates states(ProducersConfig{});
  record::BatchHeader h = Header({.producer = -1});
  h.base_sequence = record::kNoSequence;
  base::NullContext context;
  EXPECT_EQ(states.Check(h, Origin::kClient, context).verdict, Verdict::kAppend);
  states.Update(h);
  EXPECT_TRUE(states.entries().empty());
}

TEST(ProducerStates, WindowSizeIsConfiguration) {
  ProducerStates states(ProducersConfig{.window_batches = 2});
  for (int32_t i = 0; i < 5; ++i) states.Update(Header({.first_sequence = i}, i));
  EXPECT_EQ(states.entries().at(ProducerId(1)).window.size(), 2u);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 3}), Verdict::kDuplicate);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 2}), Verdict::kOutOfOrderSequence);
}

TEST(ProducerStates, ExpiresByItsLastTimestamp) {
  ProducerStates states(ProducersConfig{.expiration = Duration::Seconds(10)});
  states.Update(Header({.producer = 1, .timestamp = 1000}, 0));
  states.Update(Header({.producer = 2, .timestamp = 5000}, 1));
  states.Update(Header({.producer = 3, .timestamp = std::numeric_limits<int64_t>::max()}, 2));
  states.Update(Header({.producer = 4, .timestamp = std::numeric_limits<int64_t>::min()}, 3));
  states.ExpireAt(WallTime::FromUnixMillis(10999));
  EXPECT_EQ(states.entries().size(), 3u);
  EXPECT_FALSE(states.entries().contains(ProducerId(4)));
  states.ExpireAt(WallTime::FromUnixMillis(11000));
  EXPECT_FALSE(states.entries().contains(ProducerId(1)));
  EXPECT_TRUE(states.entries().contains(ProducerId(2)));
  states.ExpireAt(WallTime::FromUnixMillis(-5));
  EXPECT_EQ(states.entries().size(), 2u);
}

TEST(ProducerStates, ExpirationNeverIsNever) {
  ProducerStates states(ProducersConfig{.expiration = Duration::kMax});
  states.Update(Header({.timestamp = 0}, 0));
  states.ExpireAt(WallTime::FromUnixMillis(int64_t{1} << 43));
  EXPECT_EQ(states.entries().size(), 1u);
}

TEST(ProducerTxn, OpenTransactionHoldsTheStableOffsetAndNeverExpires) {
  ProducerStates states(ProducersConfig{.expiration = Duration::Seconds(1)});
  states.Update(Header({.producer = 1, .count = 3, .transactional = true}, 10));
  states.Update(Header({.producer = 2, .transactional = true}, 13));
  states.Update(Header({.producer = 1, .first_sequence = 3, .transactional = true}, 14));
  EXPECT_EQ(states.first_unstable_offset(), Offset(10));
  states.ExpireAt(WallTime::FromUnixMillis(1'000'000));
  EXPECT_EQ(states.entries().size(), 2u);
}

TEST(ProducerTxn, MarkerEndsTheTransactionAndTheHighWatermarkDecidesIt) {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.producer = 1, .transactional = true}, 10));
  states.Update(Header({.producer = 2, .transactional = true}, 11));
  const auto completed = states.UpdateMarker(MarkerHeader(1, 0, 12), {record::ControlType::kAbort, 5});
  EXPECT_EQ(completed, (CompletedTxn{ProducerId(1), Offset(10), Offset(12), record::ControlType::kAbort}));
  EXPECT_EQ(states.LastStableOffsetAfter(*completed), Offset(11));
  EXPECT_EQ(states.first_unstable_offset(), Offset(10));
  states.OnHighWatermark(Offset(12));
  EXPECT_EQ(states.first_unstable_offset(), Offset(10));
  states.OnHighWatermark(Offset(13));
  EXPECT_EQ(states.first_unstable_offset(), Offset(11));
  const auto second = states.UpdateMarker(MarkerHeader(2, 0, 13), {record::ControlType::kCommit, 5});
  EXPECT_EQ(states.LastStableOffsetAfter(*second), Offset(14));
  states.OnHighWatermark(Offset(14));
  EXPECT_EQ(states.first_unstable_offset(), std::nullopt);
}

TEST(ProducerTxn, MarkerKeepsTheWindowOfItsEpochAndClearsAnOlder) {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.first_sequence = 0, .count = 5, .transactional = true}, 0));
  states.UpdateMarker(MarkerHeader(1, 0, 5, 2000), {record::ControlType::kCommit, 1});
  EXPECT_EQ(states.entries().at(ProducerId(1)).last_timestamp, Timestamp(2000));
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 5, .transactional = true}), Verdict::kAppend);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 0, .count = 5, .transactional = true}), Verdict::kDuplicate);
  states.UpdateMarker(MarkerHeader(1, 1, 6), {record::ControlType::kAbort, 1});
  EXPECT_EQ(VerdictOn(states, {.epoch = 1, .first_sequence = 5, .transactional = true}), Verdict::kOutOfOrderSequence);
  EXPECT_EQ(VerdictOn(states, {.epoch = 1, .first_sequence = 0, .transactional = true}), Verdict::kAppend);
}

TEST(ProducerTxn, MarkerWithoutOpenTransactionChangesNoStableOffset) {
  ProducerStates states(ProducersConfig{});
  EXPECT_EQ(states.UpdateMarker(MarkerHeader(1, 0, 0), {record::ControlType::kCommit, 1}), std::nullopt);
  EXPECT_EQ(states.first_unstable_offset(), std::nullopt);
  EXPECT_EQ(states.entries().at(ProducerId(1)).coordinator_epoch, 1);
}

TEST(ProducerTxn, OlderMarkersAreRefused) {
  ProducerStates states(ProducersConfig{});
  states.UpdateMarker(MarkerHeader(1, 3, 0), {record::ControlType::kCommit, 7});
  const record::EndTxnMarker old_coordinator{record::ControlType::kCommit, 6};
  const record::EndTxnMarker coordinator{record::ControlType::kCommit, 7};
  const auto verdict = [&](int16_t epoch, const record::EndTxnMarker& marker, Origin origin) {
    return states.CheckMarker(MarkerHeader(1, epoch, 1), marker, origin).verdict;
  };
  EXPECT_EQ(verdict(3, coordinator, Origin::kCoordinator), Verdict::kAppend);
  EXPECT_EQ(verdict(3, old_coordinator, Origin::kCoordinator), Verdict::kCoordinatorFenced);
  EXPECT_EQ(verdict(2, coordinator, Origin::kCoordinator), Verdict::kInvalidProducerEpoch);
  EXPECT_EQ(verdict(2, old_coordinator, Origin::kReplication), Verdict::kAppend);
}

TEST(ProducerTxn, PlainBatchInsideATransactionIsRefused) {
  ProducerStates states(ProducersConfig{});
  states.Update(Header({.transactional = true}, 0));
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 1, .transactional = false}), Verdict::kInvalidTxnState);
  EXPECT_EQ(VerdictOn(states, {.first_sequence = 1, .transactional = true}), Verdict::kAppend);
}

TEST(ProducerStates, ApplyReadsMarkersAndRefusesOffsetsThatGoBack) {
  ProducerStates states(ProducersConfig{});
  EXPECT_EQ(states.Apply(Header({.transactional = true}, 5), {}).completed, std::nullopt);
  record::EndTxnBatchOptions options;
  options.base_offset = Offset(6);
  options.producer_id = ProducerId(1);
  options.producer_epoch = ProducerEpoch(0);
  ByteBuffer marker = record::BuildEndTxnBatch(options, {record::ControlType::kCommit, 2});
  const Applied applied = states.Apply(record::ParseHeader(marker).header, marker);
  ASSERT_TRUE(applied.completed.has_value()) << applied.problem.what;
  EXPECT_EQ(applied.completed->first_offset, Offset(5));
  EXPECT_EQ(states.Apply(record::ParseHeader(marker).header, marker).problem.error, record::BatchError::kBadBaseOffset);
  EXPECT_EQ(states.Apply(Header({.first_sequence = 1}, 6), {}).problem.error, record::BatchError::kBadBaseOffset);
  record::PatchBaseOffset(marker, Offset(7));
  marker[record::kBatchOverheadBytes] = std::byte{0xff};
  EXPECT_NE(states.Apply(record::ParseHeader(marker).header, marker).problem.error, record::BatchError::kNone);
}

TEST(ProducerStates, TruncationAboveTheLastTraceNeedsNoReplay) {
  ProducerStates states = AfterBatches(2);
  const ProducerStates before = states;
  EXPECT_EQ(states.TruncateTo(Offset(20)), Rollback::kNothingToDo);
  EXPECT_EQ(states, before);
  EXPECT_EQ(states.TruncateTo(Offset(19)), Rollback::kReplayNeeded);
  EXPECT_TRUE(states.entries().empty());
  EXPECT_EQ(states.end_offset(), Offset(0));
}

RC_GTEST_PROP(ProducerStates, AgreesWithTheNaiveModel, ()) {
  NaiveProducers naive;
  ProducerStates states(ProducersConfig{});
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    Sent sent;
    sent.producer = *rc::gen::inRange<int64_t>(1, 4);
    sent.epoch = *rc::gen::element<int16_t>(0, 0, 0, 0, 1, 2);
    sent.count = *rc::gen::inRange(1, 4);
    const int what = *rc::gen::inRange(0, 10);
    sent.first_sequence = naive.NextSequence(sent.producer);
    if (what == 0) sent.first_sequence = *rc::gen::element(0, 1, kSequenceMax, kSequenceMax - 1);
    if (what >= 7 && !naive.log().empty()) sent = (*rc::gen::elementOf(naive.log())).sent;
    if (what == 9) sent.count = *rc::gen::inRange(1, 4);
    const NaiveProducers::Answer expected = naive.Check(sent);
    const Admission got = CheckClient(states, sent);
    RC_ASSERT(got.verdict == expected.verdict);
    if (got.verdict == Verdict::kDuplicate) RC_ASSERT(got.base_offset == Offset(expected.base_offset));
    if (got.verdict != Verdict::kAppend) continue;
    const int64_t base_offset = naive.Append(sent);
    states.Update(Header(sent, base_offset));
  }
}

// A random log of data batches and markers as a leader would have admitted it.
struct LogEntry {
  record::BatchHeader header;
  std::optional<record::EndTxnMarker> marker;
};

std::vector<LogEntry> RandomLog() {
  std::vector<LogEntry> log;
  int64_t end = 0;
  const int steps = *rc::gen::inRange(1, 40);
  for (int i = 0; i < steps; ++i) {
    Sent sent;
    sent.producer = *rc::gen::inRange<int64_t>(1, 4);
    sent.epoch = *rc::gen::inRange<int16_t>(0, 3);
    sent.first_sequence = *rc::gen::inRange(0, 100);
    sent.count = *rc::gen::inRange(1, 5);
    sent.timestamp = *rc::gen::inRange<int64_t>(0, 100000);
    sent.transactional = *rc::gen::arbitrary<bool>();
    LogEntry entry{Header(sent, end), std::nullopt};
    if (*rc::gen::inRange(0, 4) == 0) {
      entry.header = MarkerHeader(sent.producer, sent.epoch, end, sent.timestamp);
      entry.marker = {record::ControlType::kAbort, *rc::gen::inRange(0, 9)};
    }
    end = entry.header.next_offset().value();
    log.push_back(entry);
  }
  return log;
}

void Replay(ProducerStates& states, const LogEntry& entry) {
  if (entry.marker) {
    states.UpdateMarker(entry.header, *entry.marker);
  } else {
    states.Update(entry.header);
  }
}

RC_GTEST_PROP(ProducerStates, SnapshotAndReplayGiveTheStateInMemory, ()) {
  const std::vector<LogEntry> log = RandomLog();
  const auto cut = *rc::gen::inRange<size_t>(0, log.size() + 1);
  ProducerStates memory(ProducersConfig{});
  for (size_t i = 0; i < cut; ++i) Replay(memory, log[i]);
  const Offset snapshot_offset = cut == 0 ? Offset(0) : log[cut - 1].header.next_offset();
  const SnapshotPlace place{.end_offset = snapshot_offset, .log = "t-0"};
  absl::StatusOr<ProducerStates> restarted = DecodeSnapshot(EncodeSnapshot(memory, place), place, ProducersConfig{});
  RC_ASSERT(restarted.ok());
  RC_ASSERT(restarted->Fingerprint() == memory.Fingerprint());
  for (size_t i = cut; i < log.size(); ++i) {
    Replay(memory, log[i]);
    Replay(*restarted, log[i]);
  }
  RC_ASSERT(restarted->Fingerprint() == memory.Fingerprint());
  for (const auto& [id, entry] : restarted->entries()) {
    const ProducerEntry& original = memory.entries().at(id);
    RC_ASSERT(entry.current_txn_first_offset == original.current_txn_first_offset);
    RC_ASSERT(entry.window.size() <= original.window.size());
    for (size_t i = 0; i < entry.window.size(); ++i) {
      const CachedBatch& ours = entry.window[entry.window.size() - 1 - i];
      const CachedBatch& theirs = original.window[original.window.size() - 1 - i];
      RC_ASSERT(ours.last_sequence == theirs.last_sequence);
      RC_ASSERT(ours.last_offset == theirs.last_offset);
      RC_ASSERT(ours.offset_delta == theirs.offset_delta);
    }
  }
}

RC_GTEST_PROP(ProducerStates, ReplayFromTheStartGivesAnEqualState, ()) {
  const std::vector<LogEntry> log = RandomLog();
  ProducerStates once(ProducersConfig{});
  ProducerStates again(ProducersConfig{});
  for (const LogEntry& entry : log) Replay(once, entry);
  for (const LogEntry& entry : log) Replay(again, entry);
  RC_ASSERT(once == again);
  RC_ASSERT(once.first_unstable_offset() == again.first_unstable_offset());
}

// The first unstable offset by scanning the log: what every producer has open, or has ended at or above
// `high_watermark`.
std::optional<Offset> NaiveFirstUnstable(const std::vector<LogEntry>& log, Offset high_watermark) {
  std::optional<Offset> first;
  const auto add = [&](Offset offset) { first = first ? std::min(*first, offset) : offset; };
  std::map<ProducerId, Offset> open;
  for (const LogEntry& entry : log) {
    const ProducerId id = entry.header.producer_id;
    if (!entry.marker) {
      if (entry.header.is_transactional()) open.emplace(id, entry.header.base_offset);
    } else if (open.contains(id)) {
      if (entry.header.last_offset() >= high_watermark) add(open.at(id));
      open.erase(id);
    }
  }
  for (const auto& [id, offset] : open) add(offset);
  return first;
}

RC_GTEST_PROP(ProducerTxn, FirstUnstableOffsetAgreesWithAScanOfTheLog, ()) {
  const std::vector<LogEntry> log = RandomLog();
  ProducerStates states(ProducersConfig{});
  for (const LogEntry& entry : log) Replay(states, entry);
  Offset high_watermark{0};
  while (high_watermark < states.end_offset()) {
    RC_ASSERT(states.first_unstable_offset() == NaiveFirstUnstable(log, high_watermark));
    high_watermark += *rc::gen::inRange<int64_t>(1, 10);
    states.OnHighWatermark(high_watermark);
  }
}

#if defined(ODRADEK_MUTATIONS)
class OneMutation final : public base::Context {
 public:
  explicit OneMutation(base::Mutation mutation) : mutation_(mutation) {}
  void Reached(std::string_view) override {}
  bool Buggify(std::string_view) override { return false; }
  bool HasMutation(base::Mutation mutation) const override { return mutation == mutation_; }

 private:
  base::Mutation mutation_;
};

TEST(ProducerMutations, EachChangesItsVerdict) {
  const ProducerStates states = AfterBatches(3);
  ProducerStates at_wrap(ProducersConfig{});
  at_wrap.Update(Header({.epoch = 1, .first_sequence = kSequenceMax}, 0));
  const auto verdict = [](const ProducerStates& s, const Sent& sent, base::Mutation mutation) {
    OneMutation context(mutation);
    return s.Check(Header(sent), Origin::kClient, context);
  };
  using base::Mutation;
  EXPECT_EQ(verdict(states, {.first_sequence = 20, .count = 10}, Mutation::kID01).verdict,
            Verdict::kOutOfOrderSequence);
  EXPECT_EQ(verdict(states, {.first_sequence = 10, .count = 10}, Mutation::kID02).verdict,
            Verdict::kOutOfOrderSequence);
  EXPECT_EQ(verdict(states, {.first_sequence = 20, .count = 4}, Mutation::kID04).verdict, Verdict::kDuplicate);
  EXPECT_EQ(verdict(states, {.first_sequence = 20, .count = 10}, Mutation::kID06).base_offset, Offset(30));
  EXPECT_EQ(verdict(at_wrap, {.epoch = 1, .first_sequence = 0}, Mutation::kID07).verdict, Verdict::kOutOfOrderSequence);
  EXPECT_EQ(verdict(states, {.epoch = 1, .first_sequence = 30}, Mutation::kID08).verdict, Verdict::kAppend);
  EXPECT_EQ(verdict(at_wrap, {.epoch = 0, .first_sequence = 5}, Mutation::kID09).verdict, Verdict::kAppend);
}
#endif

}  // namespace states_test
}  // namespace odradek::producers
