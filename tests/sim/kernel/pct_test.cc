#include "sim/kernel/pct.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sim/kernel/kernel.h"

namespace odradek::sim {
namespace {

// Goes on step by step, each after a time that is drawn, and writes its letter at each.
class Walker final : public EventHandler {
 public:
  Walker(Kernel& kernel, char letter, int steps, std::string& said)
      : kernel_(kernel),
        id_(kernel.AddHandler(*this)),
        draws_(kernel.options().seed, EntityOf(std::string_view(&letter, 1)), PurposeOf("step")),
        letter_(letter),
        left_(steps),
        said_(said) {
    Next();
  }
  void OnEvent(const Event&) override {
    said_ += letter_;
    if (--left_ > 0) Next();
  }

 private:
  void Next() { kernel_.Push(kernel_.Now() + Duration::Nanos(draws_.Between(1, 1000)), id_, {}); }

  Kernel& kernel_;
  const HandlerId id_;
  DrawStream draws_;
  const char letter_;
  int left_;
  std::string& said_;
};

struct Walk {
  char letter = 'a';
  int steps = 1;
};

std::string OrderOf(const KernelOptions& options, const std::vector<Walk>& walks) {
  Kernel kernel(options);
  std::string said;
  std::vector<std::unique_ptr<Walker>> walkers;
  for (const Walk& walk : walks) walkers.push_back(std::make_unique<Walker>(kernel, walk.letter, walk.steps, said));
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  return said;
}

// The steps of a and b alone.
std::string OnlyAandB(std::string order) {
  std::erase_if(order, [](char letter) { return letter != 'a' && letter != 'b'; });
  return order;
}

struct Found {
  int64_t by_pct = 0;
  int64_t by_random = 0;
};

// In how many of the seeds the order of a and b is `bug`.
Found CountBugs(const std::vector<Walk>& walks, uint32_t depth, const std::string& bug, uint64_t seed_count) {
  uint32_t steps = 0;
  for (const Walk& walk : walks) steps += static_cast<uint32_t>(walk.steps);
  Found found;
  for (uint64_t seed = 0; seed < seed_count; ++seed) {
    const KernelOptions pct{.seed = seed,
                            .strategy = Strategy::kPct,
                            .pct = {.depth = depth, .steps = steps, .window = Duration::Millis(1)}};
    found.by_pct += OnlyAandB(OrderOf(pct, walks)) == bug ? 1 : 0;
    found.by_random += OnlyAandB(OrderOf({.seed = seed}, walks)) == bug ? 1 : 0;
  }
  return found;
}

// One constraint: all of a before all of b. One priority is enough.
TEST(Pct, FindsADepth1BugAtLeastAsOftenAsPromised) {
  const std::vector<Walk> walks = {{'a', 8}, {'b', 8}, {'c', 8}};
  constexpr int64_t kSeeds = 2000;
  const Found found = CountBugs(walks, 1, "aaaaaaaabbbbbbbb", kSeeds);
  EXPECT_GE(found.by_pct, kSeeds / 3);  // 1 / n
  EXPECT_LT(found.by_random * 20, found.by_pct);
}

// Two constraints: b begins after a's fourth step and ends before a's fifth.
TEST(Pct, FindsADepth2BugAtLeastAsOftenAsPromised) {
  const std::vector<Walk> walks = {{'a', 8}, {'b', 8}, {'c', 8}};
  constexpr int64_t kSeeds = 10'000;
  const Found found = CountBugs(walks, 2, "aaaabbbbbbbbaaaa", kSeeds);
  EXPECT_GE(found.by_pct, kSeeds / (3 * 24));  // 1 / (n * k)
  EXPECT_LT(found.by_random * 20, found.by_pct);
}

// Three constraints: moreover the rest of a comes before b's fifth step.
TEST(Pct, FindsADepth3BugAtLeastAsOftenAsPromised) {
  const std::vector<Walk> walks = {{'a', 8}, {'b', 8}, {'c', 4}};
  constexpr int64_t kSeeds = 30'000;
  const Found found = CountBugs(walks, 3, "aaaabbbbaaaabbbb", kSeeds);
  EXPECT_GE(found.by_pct, kSeeds / (3 * 20 * 20));  // 1 / (n * k^2)
  EXPECT_LT(found.by_random * 10, found.by_pct);
}

TEST(Pct, OneChangePointCannotShowADepth3Bug) {
  EXPECT_EQ(CountBugs({{'a', 8}, {'b', 8}, {'c', 4}}, 2, "aaaabbbbaaaabbbb", 10'000).by_pct, 0);
}

// Says how late its events are, and keeps them in the order of its chain.
class Late final : public EventHandler {
 public:
  Late(Kernel& kernel, int64_t every_ns, int64_t count)
      : kernel_(kernel), id_(kernel.AddHandler(*this)), every_ns_(every_ns), left_(count) {
    Next();
  }
  void OnEvent(const Event& event) override {
    EXPECT_EQ(event.arg, next_arg_);
    ++next_arg_;
    latest_ns = std::max(latest_ns, kernel_.Now().nanos() - due_ns_);
    if (--left_ > 0) Next();
  }
  int64_t latest_ns = 0;

 private:
  void Next() {
    due_ns_ = kernel_.Now().nanos() + every_ns_;
    kernel_.Push(MonoTime::FromNanos(due_ns_), id_, {.arg = pushed_++});
  }

  Kernel& kernel_;
  const HandlerId id_;
  const int64_t every_ns_;
  int64_t left_;
  int64_t due_ns_ = 0;
  uint64_t pushed_ = 0;
  uint64_t next_arg_ = 0;
};

TEST(Pct, NoEventIsLaterThanTheWindow) {
  constexpr int64_t kWindowNanos = 1000;
  int64_t latest_ns = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Kernel kernel({.seed = seed,
                   .strategy = Strategy::kPct,
                   .pct = {.depth = 3, .steps = 300, .window = Duration::Nanos(kWindowNanos)}});
    // Chains that always have something to do, and timers that come again and again.
    std::vector<std::unique_ptr<Late>> chains;
    for (const int64_t every_ns : {1, 1, 3, 100, 700, 5000}) {
      chains.push_back(std::make_unique<Late>(kernel, every_ns, 20'000 / every_ns));
    }
    ASSERT_EQ(kernel.Run({}), RunOutcome::kIdle);
    for (const auto& chain : chains) {
      EXPECT_LE(chain->latest_ns, kWindowNanos);
      latest_ns = std::max(latest_ns, chain->latest_ns);
    }
  }
  EXPECT_GT(latest_ns, kWindowNanos / 2) << "nothing was held up: this test has shown nothing";
}

// A chain that waits for another one and makes no time pass meanwhile.
TEST(Pct, AChainThatSpinsDoesNotHoldUpTheOthers) {
  class Spins final : public EventHandler {
   public:
    Spins(Kernel& kernel, const bool& is_done) : kernel_(kernel), id_(kernel.AddHandler(*this)), is_done_(is_done) {
      kernel_.Push(kernel_.Now(), id_, {});
    }
    void OnEvent(const Event&) override {
      if (!is_done_) kernel_.Push(kernel_.Now(), id_, {});
    }

   private:
    Kernel& kernel_;
    const HandlerId id_;
    const bool& is_done_;
  };
  class Ends final : public EventHandler {
   public:
    Ends(Kernel& kernel, bool& is_done) : is_done_(is_done) { kernel.Push(kernel.Now(), kernel.AddHandler(*this), {}); }
    void OnEvent(const Event&) override { is_done_ = true; }

   private:
    bool& is_done_;
  };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Kernel kernel(
        {.seed = seed, .strategy = Strategy::kPct, .pct = {.passes_max = 100}, .events_per_instant_max = 300});
    bool is_done = false;
    const Spins spins(kernel, is_done);
    const Ends ends(kernel, is_done);
    EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle) << "seed " << seed;
    EXPECT_TRUE(is_done);
  }
}

TEST(Pct, ControlsComeInTheOrderOfTime) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Kernel kernel({.seed = seed, .strategy = Strategy::kPct, .pct = {.window = Duration::Nanos(500)}});
    const Late busy(kernel, 7, 1000);
    std::vector<int64_t> seen;
    for (int64_t at_ns = 100; at_ns <= 2000; at_ns += 100) {
      kernel.At(MonoTime::FromNanos(at_ns), [&, at_ns] {
        seen.push_back(at_ns);
        EXPECT_GE(kernel.Now().nanos(), at_ns);
        EXPECT_LE(kernel.Now().nanos(), at_ns + 500);
      });
    }
    EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  }
}

TEST(Pct, NothingHappensAfterTheTimeLimit) {
  Kernel kernel({.seed = 3, .strategy = Strategy::kPct, .pct = {.window = Duration::Nanos(500)}});
  const Late first(kernel, 10, 100);
  const Late second(kernel, 13, 100);
  for (int64_t until_ns = 100; until_ns <= 900; until_ns += 100) {
    EXPECT_EQ(kernel.Run({.until = MonoTime::FromNanos(until_ns)}), RunOutcome::kTimeLimit);
    EXPECT_EQ(kernel.Now(), MonoTime::FromNanos(until_ns));
  }
  EXPECT_EQ(kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(kernel.event_number(), 200u);
}

TEST(PctPriorities, FallBelowAllOthersAtAChangeAndAreDrawnAnewInEachPeriod) {
  const PctOptions options{.depth = 3, .steps = 50};
  PctPriorities priorities(options, 12);
  const ChainId chain(1);
  const ChainId other(2);
  const uint64_t first = priorities.Of(chain);
  int change_count = 0;
  for (uint32_t step = 0; step < options.steps; ++step) {
    if (priorities.is_change()) {
      ++change_count;
      priorities.Lower(chain);
      EXPECT_LT(priorities.Of(chain), priorities.Of(other));
      EXPECT_LT(priorities.Of(chain), options.depth);
    }
    priorities.NextStep();
  }
  EXPECT_EQ(change_count, 2);
  EXPECT_NE(priorities.Of(chain), first);
  EXPECT_GT(priorities.Of(chain), options.depth);
}

}  // namespace
}  // namespace odradek::sim
