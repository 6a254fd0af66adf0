#include "sim/kernel/pct.h"

#include <algorithm>

#include "engine/base/check.h"
#include "sim/kernel/draw.h"

namespace odradek::sim {
namespace {

// Priorities that were never lowered have this bit.
constexpr uint64_t kHigh = uint64_t{1} << 63;

bool ComesBefore(const Event& a, const Event& b) {
  return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.tie < b.tie;
}

}  // namespace

PctPriorities::PctPriorities(const PctOptions& options, uint64_t seed) : options_(options), seed_(seed) {
  REQUIRES(options.depth > 0);
  REQUIRES(options.steps > 0);
  REQUIRES(options.window >= Duration());
  BeginPeriod();
}

void PctPriorities::BeginPeriod() {
  DrawStream draws(seed_, EntityOf("kernel"), Purpose(base::Mix64(PurposeOf("pct").value() ^ period_)));
  ++period_;
  step_ = 0;
  lowered_.clear();
  period_key_ = draws.Next();
  changes_.clear();
  for (uint32_t i = 1; i < options_.depth; ++i) changes_.push_back(static_cast<uint32_t>(draws.Below(options_.steps)));
  FindChange();
}

void PctPriorities::FindChange() {
  change_ = 0;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i] == step_) change_ = static_cast<uint32_t>(i) + 1;
  }
}

uint64_t PctPriorities::Of(ChainId chain) const {
  for (size_t i = lowered_.size(); i > 0; --i) {
    if (lowered_[i - 1].first == chain) return lowered_[i - 1].second;
  }
  return base::Mix64(period_key_ ^ base::Mix64(chain.value())) | kHigh;
}

void PctPriorities::Lower(ChainId chain) {
  REQUIRES(change_ != 0);
  lowered_.emplace_back(chain, change_);
}

void PctPriorities::NextStep() {
  if (++step_ == options_.steps) return BeginPeriod();
  FindChange();
}

size_t PctQueue::First() const {
  size_t first = 0;
  for (size_t i = 1; i < waiting_.size(); ++i) {
    if (ComesBefore(waiting_[i].event, waiting_[first].event)) first = i;
  }
  return first;
}

int64_t PctQueue::next_time_ns() const {
  REQUIRES(!waiting_.empty());
  return waiting_[First()].event.time_ns;
}

size_t PctQueue::Choose(size_t first, int64_t until_ns) const {
  if (waiting_[first].chain == kNoChain) return first;
  const int64_t last_ns = std::min(until_ns, waiting_[first].event.time_ns + options_.window.nanos());
  size_t best = first;
  uint64_t best_priority = priorities_.Of(waiting_[first].chain);
  for (size_t i = 0; i < waiting_.size(); ++i) {
    const Waiting& other = waiting_[i];
    if (other.event.time_ns > last_ns || other.chain == kNoChain || i == first) continue;
    const uint64_t priority = priorities_.Of(other.chain);
    // Of one chain the earlier one; two chains hardly ever share a priority, and then the earlier one will do.
    if (priority < best_priority) continue;
    if (priority == best_priority && !ComesBefore(other.event, waiting_[best].event)) continue;
    best = i;
    best_priority = priority;
  }
  return best;
}

Event PctQueue::Pop(int64_t until_ns) {
  const size_t first = First();
  REQUIRES(waiting_[first].event.time_ns <= until_ns);
  size_t chosen = Choose(first, until_ns);
  if (priorities_.is_change() && waiting_[chosen].chain != kNoChain) {
    priorities_.Lower(waiting_[chosen].chain);
    chosen = Choose(first, until_ns);
  }
  const uint64_t first_tie = waiting_[first].event.tie;
  pass_count_ = chosen != first && first_tie == first_tie_ ? pass_count_ + 1 : 0;
  first_tie_ = first_tie;
  if (pass_count_ > options_.passes_max) chosen = first;
  const Event event = waiting_[chosen].event;
  waiting_[chosen] = waiting_.back();
  waiting_.pop_back();
  return event;
}

}  // namespace odradek::sim
