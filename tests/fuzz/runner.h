// Runs a function on a fiber, thousands of times a second. A new fiber is a new shadow stack of the address sanitizer,
// whose pages cost more than opening a log: so there is one that stays, beside what it starts itself, and no wait
// allocates. Never suspends.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/ring.h"
#include "engine/fiber/fiber.h"

namespace odradek::fuzz {

// fifo; time moves only when nothing is ready.
class Runner final : private fiber::Executor {
 public:
  Runner() : scheduler_(*this, stacks_) {
    scheduler_.Spawn("runner", [this](fiber::Fiber& self) {
      while (true) {
        if (body_) std::exchange(body_, nullptr)(self);
        has_body_.Wait(self);
      }
    });
  }
  ~Runner() override {
    while (!ready_.empty()) ready_.pop_front();
    timers_.clear();
    scheduler_.KillAll();
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  fiber::Scheduler& scheduler() { return scheduler_; }
  MonoTime Now() const override { return now_; }
  // Until nothing can go on. REQUIRES: the body, and every fiber that it starts, comes to its end.
  void Run(fiber::Body body) {
    body_ = std::move(body);
    has_body_.WakeAll();
    while (RunOne()) continue;
    REQUIRES(!body_ && !has_body_.empty() && scheduler_.fiber_count() == 1);
  }

 private:
  struct Timer {
    MonoTime at;
    fiber::TimerHandle handle;
    fiber::Fiber* fiber;
  };

  void MakeReady(fiber::Fiber& fiber) override { ready_.push_back(&fiber); }
  fiber::TimerHandle ArmTimer(MonoTime at, fiber::Fiber& fiber) override {
    const auto handle = static_cast<fiber::TimerHandle>(++last_timer_);
    timers_.push_back({at, handle, &fiber});
    return handle;
  }
  void DisarmTimer(fiber::TimerHandle handle) override {
    std::erase_if(timers_, [handle](const Timer& timer) { return timer.handle == handle; });
  }
  bool RunOne() {
    if (!ready_.empty()) {
      fiber::Fiber* const fiber = ready_.front();
      ready_.pop_front();
      scheduler_.Resume(*fiber);
      return true;
    }
    if (timers_.empty()) return false;
    // A handful at most.
    const auto first =
        std::ranges::min_element(timers_, {}, [](const Timer& timer) { return std::pair(timer.at, timer.handle); });
    const Timer timer = *first;
    timers_.erase(first);
    now_ = std::max(now_, timer.at);
    scheduler_.OnTimer(*timer.fiber);
    return true;
  }

  MonoTime now_;
  base::Ring<fiber::Fiber*> ready_;
  uint64_t last_timer_ = 0;
  std::vector<Timer> timers_;
  fiber::StackPool stacks_{{.stacks_per_slab = 8}};
  fiber::Scheduler scheduler_;
  fiber::Body body_;
  fiber::WaitQueue has_body_;
};

}  // namespace odradek::fuzz
