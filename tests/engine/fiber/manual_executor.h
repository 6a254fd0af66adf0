// The simplest executor: fifo, and time that moves only when nothing is ready.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "engine/fiber/fiber.h"

namespace odradek::fiber {

class ManualExecutor final : public Executor {
 public:
  MonoTime Now() const override { return now_; }
  void MakeReady(Fiber& fiber) override { ready_.push_back(&fiber); }
  TimerHandle ArmTimer(MonoTime at, Fiber& fiber) override {
    const auto handle = static_cast<TimerHandle>(++last_timer_);
    timers_.emplace(std::pair(at, handle), &fiber);
    due_.emplace(handle, at);
    return handle;
  }
  void DisarmTimer(TimerHandle handle) override {
    timers_.erase({due_.at(handle), handle});
    due_.erase(handle);
  }

  // Until nothing is ready and no timer is armed.
  void RunAll(Scheduler& scheduler) {
    while (!ready_.empty() || !timers_.empty()) RunOne(scheduler);
  }
  void RunReady(Scheduler& scheduler) {
    while (!ready_.empty()) RunOne(scheduler);
  }
  void Kill(Scheduler& scheduler) {
    ready_.clear();
    timers_.clear();
    due_.clear();
    scheduler.KillAll();
  }

 private:
  void RunOne(Scheduler& scheduler) {
    if (!ready_.empty()) {
      Fiber* fiber = ready_.front();
      ready_.pop_front();
      scheduler.Resume(*fiber);
      return;
    }
    const auto first = timers_.begin();
    now_ = std::max(now_, first->first.first);
    Fiber* fiber = first->second;
    due_.erase(first->first.second);
    timers_.erase(first);
    scheduler.OnTimer(*fiber);
  }

  MonoTime now_;
  std::deque<Fiber*> ready_;
  uint64_t last_timer_ = 0;
  std::map<std::pair<MonoTime, TimerHandle>, Fiber*> timers_;
  std::map<TimerHandle, MonoTime> due_;
};

}  // namespace odradek::fiber
