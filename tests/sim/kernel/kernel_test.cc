#include "sim/kernel/kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

MonoTime AtNanos(int64_t nanos) {
  return MonoTime::FromNanos(nanos);
}

class Recorder final : public EventHandler {
 public:
  void OnEvent(const Event& event) override { seen.push_back(event.arg); }
  std::vector<uint64_t> seen;
};

std::vector<uint64_t> OrderOfTies(const KernelOptions& options) {
  Kernel kernel(options);
  Recorder recorder;
  const HandlerId id = kernel.AddHandler(recorder);
  for (uint64_t arg = 0; arg < 16; ++arg) kernel.Push(AtNanos(5), id, {.arg = arg});
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  return recorder.seen;
}

TEST(Kernel, RunsEventsInTheOrderOfTime) {
  Kernel kernel({});
  Recorder recorder;
  const HandlerId id = kernel.AddHandler(recorder);
  base::Prng prng(7);
  std::vector<uint64_t> times;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t time = prng.Below(5000);
    times.push_back(time);
    kernel.Push(AtNanos(static_cast<int64_t>(time)), id, {.arg = time});
  }
  std::sort(times.begin(), times.end());
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(recorder.seen, times);
  EXPECT_EQ(kernel.event_number(), 1000u);
}

TEST(Kernel, FifoRunsTiesInTheOrderOfInsertion) {
  const std::vector<uint64_t> order = OrderOfTies({.strategy = Strategy::kFifo});
  for (uint64_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
}

TEST(Kernel, RandomRunsTiesInAnOrderOfTheSeed) {
  EXPECT_EQ(OrderOfTies({.seed = 1}), OrderOfTies({.seed = 1}));
  EXPECT_NE(OrderOfTies({.seed = 1}), OrderOfTies({.seed = 2}));
  EXPECT_NE(OrderOfTies({.seed = 0}), OrderOfTies({.strategy = Strategy::kFifo}));
}

TEST(Kernel, DropsEventsOfARemovedHandler) {
  Kernel kernel({});
  Recorder recorder;
  const HandlerId id = kernel.AddHandler(recorder);
  kernel.Push(AtNanos(1), id, {.arg = 1});
  kernel.RemoveHandler(id);
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_TRUE(recorder.seen.empty());
}

TEST(Kernel, CancelledControlDoesNotRun) {
  Kernel kernel({});
  std::string said;
  const ControlId first = kernel.At(AtNanos(1), [&] { said += "a"; });
  kernel.At(AtNanos(2), [&] { said += "b"; });
  kernel.Cancel(first);
  kernel.Cancel(first);
  kernel.At(AtNanos(3), [&] { said += "c"; });
  kernel.Run({});
  EXPECT_EQ(said, "bc");
}

TEST(Kernel, AfterEventRunsBeforeTheNextEvent) {
  Kernel kernel({.strategy = Strategy::kFifo});
  std::string said;
  kernel.At(AtNanos(1), [&] {
    kernel.AfterEvent([&] { said += "deferred "; });
    said += "first ";
  });
  kernel.At(AtNanos(1), [&] { said += "second"; });
  kernel.Run({});
  EXPECT_EQ(said, "first deferred second");
}

TEST(Kernel, StopsAtTheLimits) {
  Kernel kernel({});
  for (int64_t i = 1; i <= 10; ++i) kernel.At(AtNanos(i * 10), [] {});
  EXPECT_EQ(kernel.Run({.until = AtNanos(35)}), RunOutcome::kTimeLimit);
  EXPECT_EQ(kernel.Now(), AtNanos(35));
  EXPECT_EQ(kernel.event_number(), 3u);
  EXPECT_EQ(kernel.Run({.events_max = 2}), RunOutcome::kEventLimit);
  EXPECT_EQ(kernel.event_number(), 5u);
  kernel.At(AtNanos(65), [&] { kernel.Stop(); });
  EXPECT_EQ(kernel.Run({}), RunOutcome::kStopped);
  EXPECT_EQ(kernel.Now(), AtNanos(65));
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(kernel.event_number(), 11u);
}

TEST(Kernel, FindsALivelockAtOneInstant) {
  Kernel kernel({.events_per_instant_max = 1000});
  class Again final : public EventHandler {
   public:
    explicit Again(Kernel& kernel) : kernel_(kernel), id_(kernel.AddHandler(*this)) { OnEvent({}); }
    void OnEvent(const Event&) override { kernel_.Push(kernel_.Now(), id_, {}); }

   private:
    Kernel& kernel_;
    HandlerId id_;
  };
  Again again(kernel);
  EXPECT_EQ(kernel.Run({}), RunOutcome::kLivelock);
  EXPECT_EQ(kernel.Now(), AtNanos(0));
}

TEST(Kernel, DrawsAreNotChangedByOtherConsumers) {
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{42}}) {
    Kernel with({.seed = seed});
    Kernel without({.seed = seed});
    for (int i = 0; i < 100; ++i) {
      with.Draw(EntityOf("other"), PurposeOf("latency"));
      with.Draw(EntityOf("n1"), PurposeOf("other"));
      const uint64_t a = with.Draw(EntityOf("n1"), PurposeOf("latency"));
      const uint64_t b = without.Draw(EntityOf("n1"), PurposeOf("latency"));
      EXPECT_EQ(a, b);
    }
  }
}

TEST(DrawStream, IsTheSequenceOfKeyedDraws) {
  DrawStream stream(7, EntityOf("n1"), PurposeOf("latency"));
  for (uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(stream.Next(), base::KeyedDraw(7, EntityOf("n1").value(), PurposeOf("latency").value(), i));
  }
}

TEST(EventQueue, GivesEventsInTheOrderOfTimeAndTie) {
  base::Prng prng(3);
  EventQueue queue;
  std::vector<std::pair<int64_t, uint64_t>> model;  // what should be in the queue
  const auto push = [&](int64_t time_ns) {
    model.emplace_back(time_ns, prng.Next());
    queue.Push({.time_ns = time_ns, .tie = model.back().second, .handler = HandlerId(0)});
  };
  for (int i = 0; i < 200; ++i) push(prng.Between(0, 40));
  for (int popped = 0; !queue.empty(); ++popped) {
    ASSERT_EQ(queue.size(), model.size());
    const auto first = std::min_element(model.begin(), model.end());
    // With the place of the last event still open, or filled.
    if (prng.Below(2) == 0) {
      EXPECT_EQ(queue.next_time_ns(), first->first);
    }
    EXPECT_TRUE(queue.IsAfter(first->first - 1));
    EXPECT_FALSE(queue.IsAfter(first->first));
    const Event event = queue.Pop();
    ASSERT_EQ(std::pair(event.time_ns, event.tie), *first);
    model.erase(first);
    for (uint64_t more = prng.Below(3); more > 0 && popped < 500; --more) push(event.time_ns + prng.Between(0, 5));
  }
  EXPECT_TRUE(model.empty());
}

TEST(Kernel, EventsOfThePresentInstantKeepTheirOrder) {
  Kernel kernel({.strategy = Strategy::kFifo});
  std::string said;
  kernel.At(AtNanos(5), [&] {
    said += "a";
    kernel.At(AtNanos(5), [&] { said += "c"; });
    kernel.At(AtNanos(5), [&] { said += "d"; });
    kernel.At(AtNanos(6), [&] { said += "f"; });
  });
  kernel.At(AtNanos(5), [&] { said += "b"; });
  kernel.At(AtNanos(7), [&] {
    said += "g";
    kernel.At(AtNanos(7), [&] { said += "h"; });
    EXPECT_EQ(kernel.pending_event_count(), 1u);
  });
  EXPECT_EQ(kernel.Run({.events_max = 4}), RunOutcome::kEventLimit);
  said += "e";
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(said, "abcdefgh");
}

TEST(Kernel, AnEventThatWaitsAtAnEventLimitIsNotLost) {
  Kernel kernel({.strategy = Strategy::kFifo});
  std::string said;
  kernel.At(AtNanos(5), [&] { kernel.At(AtNanos(5), [&] { said += "a"; }); });
  EXPECT_EQ(kernel.Run({.events_max = 1}), RunOutcome::kEventLimit);
  EXPECT_EQ(kernel.pending_event_count(), 1u);
  kernel.At(AtNanos(5), [&] { said += "b"; });
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(said, "ab");
}

TEST(Kernel, DrawsOfSeedZeroDiffer) {
  Kernel kernel({.seed = 0});
  const uint64_t a = kernel.Draw(EntityOf("n1"), PurposeOf("latency"));
  const uint64_t b = kernel.Draw(EntityOf("n1"), PurposeOf("latency"));
  const uint64_t c = kernel.Draw(EntityOf("n2"), PurposeOf("latency"));
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
}

TEST(Kernel, HashesTellHistoriesApart) {
  const auto hash_of = [](uint64_t arg, int64_t nanos) {
    Kernel kernel({});
    Recorder recorder;
    const HandlerId id = kernel.AddHandler(recorder);
    kernel.Push(AtNanos(nanos), id, {.arg = arg});
    kernel.Run({});
    return kernel.hash();
  };
  EXPECT_EQ(hash_of(1, 1), hash_of(1, 1));
  EXPECT_NE(hash_of(1, 1), hash_of(2, 1));
  EXPECT_NE(hash_of(1, 1), hash_of(1, 2));
}

TEST(Kernel, HashLogFindsTheFirstEventThatDiffers) {
  const auto run = [](uint64_t odd_one, HashLog& log) {
    Kernel kernel({.strategy = Strategy::kFifo});
    Recorder recorder;
    const HandlerId id = kernel.AddHandler(recorder);
    for (uint64_t i = 1; i <= 100; ++i) {
      kernel.Push(AtNanos(static_cast<int64_t>(i)), id, {.arg = i == 61 ? odd_one : i});
    }
    kernel.SetHashLog(&log);
    kernel.Run({});
  };
  HashLog a{.first_event = 1, .every = 1};
  HashLog b{.first_event = 1, .every = 1};
  run(61, a);
  run(62, b);
  ASSERT_EQ(a.points.size(), 100u);
  ASSERT_EQ(b.points.size(), 100u);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(a.points[i] == b.points[i], i < 60) << i;
}

TEST(Kernel, TraceIsReadableAndChangesNothing) {
  TraceRing ring(10);
  const auto run = [](TraceSink* sink) {
    Kernel kernel({.seed = 3});
    kernel.SetTrace(sink);
    const NodeIndex node = kernel.AddNode("n1");
    kernel.At(AtNanos(1'500'000'000),
              [&] { kernel.TraceAt({.node = node}, TraceKind::kFault, [] { return std::string("cut"); }); });
    kernel.Run({});
    return kernel.hash();
  };
  EXPECT_EQ(run(nullptr), run(&ring));
  ASSERT_EQ(ring.entries().size(), 1u);
  EXPECT_EQ(FormatTrace(ring.entries()[0]), "    1.500000000 #1       n1                   fault: cut");
}

TEST(KernelDeathTest, FailedAssertionSaysWhereTheRunStands) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Kernel kernel({.seed = 42});
  const NodeIndex node = kernel.AddNode("n1");
  kernel.At(AtNanos(17), [&] {
    kernel.SetPlace({.node = node, .shard = ShardId(0), .fiber = 3, .fiber_name = "appender"});
    INVARIANT(kernel.Now() == AtNanos(18));
  });
  EXPECT_DEATH(kernel.Run({}), "at node n1/0 fiber appender.3., virtual time 17 ns, seed 42, event 1");
}

TEST(TraceRing, KeepsTheLastEntries) {
  TraceRing ring(2);
  for (const char* text : {"a", "b", "c"}) {
    TraceEntry entry;
    entry.text = text;
    ring.Add(std::move(entry));
  }
  ASSERT_EQ(ring.entries().size(), 2u);
  EXPECT_EQ(ring.entries()[0].text, "b");
  EXPECT_EQ(ring.dropped_count(), 1u);
}

}  // namespace
}  // namespace odradek::sim
