// Probabilistic concurrency testing over deliveries and timers (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010; chains instead of threads as in
// Ozkan et al., OOPSLA 2018).
//
// What the paper calls a thread is a chain here: whatever has an order of its own, such as what arrives at one end of a
// stream, the wake-ups of a shard, a mailbox, a fiber. Each chain has a random priority; of what could happen, the
// chain with the highest one goes on. At `depth` - 1 steps of a period, drawn evenly, the chain that would go on falls
// below all others. So a period of k steps over n chains shows a bug that needs `depth` ordering constraints with a
// probability of at least 1 / (n * k^(depth - 1)). A run is many periods, each with priorities of its own: k need not
// be as long as the run, and need not be known.
//
// What could happen: latencies and due times are no order but earliest instants, so every event within `window` of the
// first one that waits can come first. Time then stands at the later one, and what was passed over happens late.
//
// Invariants:
//  1. Within a chain events keep their order.
//  2. No event is later than `window`: what is due after it by more than that never comes before it. Nobody starves,
//     however high the priority of a chain that always has something to do: a timer is at most `window` late.
//  3. No event is passed over more than passes_max times in a row, so a chain that makes no time pass cannot hold up
//     the others either: what ends at all under another strategy ends under this one.
//  4. An event without a chain (faults, phases) comes in the order of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "sim/kernel/event.h"

namespace odradek::sim {

struct PctOptions {
  uint32_t depth = 3;     // at least 1
  uint32_t steps = 1000;  // of a period
  Duration window = Duration::Millis(5);
  uint32_t passes_max = 1000;
};

// The priorities of chains.
class PctPriorities {
 public:
  PctPriorities(const PctOptions& options, uint64_t seed);

  // Higher goes first. Linear in depth.
  uint64_t Of(ChainId chain) const;
  // At a step at which priorities change: whoever is about to go on falls, and the choice is made again.
  bool is_change() const { return change_ != 0; }
  // REQUIRES: is_change().
  void Lower(ChainId chain);
  // The current step is over.
  void NextStep();

 private:
  void BeginPeriod();
  void FindChange();

  const PctOptions options_;
  const uint64_t seed_;
  uint64_t period_ = 0;
  uint64_t period_key_ = 0;
  uint32_t step_ = 0;
  uint32_t change_ = 0;            // the priority that the change of this step gives; 0: none
  std::vector<uint32_t> changes_;  // the step of each change point
  std::vector<std::pair<ChainId, uint64_t>> lowered_;
};

// What waits to happen. A choice is linear in what is due within the window: tens of events.
class PctQueue {
 public:
  struct Waiting {
    Event event;
    ChainId chain;
  };
  PctQueue(const PctOptions& options, uint64_t seed) : options_(options), priorities_(options, seed) {}

  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  // REQUIRES: not empty.
  int64_t next_time_ns() const;
  void Push(const Waiting& waiting) { waiting_.push_back(waiting); }
  // What happens next; nothing that is due after `until_ns`. REQUIRES: next_time_ns() <= until_ns.
  Event Pop(int64_t until_ns);

  PctPriorities& priorities() { return priorities_; }

 private:
  size_t First() const;
  size_t Choose(size_t first, int64_t until_ns) const;

  const PctOptions options_;
  PctPriorities priorities_;
  std::vector<Waiting> waiting_;
  uint64_t first_tie_ = 0;  // of the event that came first at the last choice
  uint32_t pass_count_ = 0;
};

}  // namespace odradek::sim
