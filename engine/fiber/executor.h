// The seam between fibers and the event loop that runs them. `env` implements it in both worlds: the loop owns the
// queue of ready fibers and the timers, and so decides in which order things happen.
#pragma once

#include <cstdint>

#include "engine/base/time.h"

namespace odradek::fiber {

class Fiber;

// Names one arming of a timer. 0 is none.
enum class TimerHandle : uint64_t { kNone = 0 };

class Executor {
 public:
  virtual ~Executor() = default;

  // The instant of the current round: it does not move while a fiber runs.
  virtual MonoTime Now() const = 0;

  // `fiber` can go on. The executor calls Scheduler::Resume(fiber) exactly once, later, unless the fiber's scheduler
  // is killed before.
  virtual void MakeReady(Fiber& fiber) = 0;

  // Calls Scheduler::OnTimer(fiber) once at or after `at`, unless it is disarmed or the scheduler is killed before.
  virtual TimerHandle ArmTimer(MonoTime at, Fiber& fiber) = 0;
  virtual void DisarmTimer(TimerHandle handle) = 0;
};

}  // namespace odradek::fiber
