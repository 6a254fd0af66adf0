// Stackful fibers for shell code: straight-line functions that wait. A function that may suspend takes `Fiber& self`
// first, and no reference into shared state may be held across such a call.
//
// Invariants:
//  1. One scheduler runs one fiber at a time, on one thread.
//  2. A fiber suspends only in WaitQueue::Wait… (everything else is built on it).
//  3. A killed or cancelled fiber leaves by the exception Killed, thrown by the wait in which it stands and by every
//     later one: swallowing it is harmless. No destructor may suspend; catch (...) must rethrow.
//  4. Children in a TaskGroup are gone before the fiber that owns the group unwinds.
//  5. In a dead scheduler wake-ups and spawns do nothing.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/base/time.h"
#include "engine/fiber/executor.h"
#include "engine/fiber/stack_pool.h"

namespace odradek::fiber {

class Scheduler;
class TaskGroup;
class WaitQueue;

// Leaves a fiber that is killed. The only exception that crosses interfaces.
struct Killed {};

enum class Wake : uint8_t { kSignalled, kTimeout };

using Body = absl::AnyInvocable<void(Fiber&)>;

class Fiber {
 public:
  Scheduler& scheduler() const { return *scheduler_; }
  // Unique within the scheduler, ascending in the order of spawning.
  uint64_t id() const { return id_; }
  // A literal given at the spawn.
  std::string_view name() const { return name_; }
  MonoTime Now() const;
  // Whether a wait would throw now.
  bool is_killed() const { return killed_; }

  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

 private:
  friend class Scheduler;
  friend class TaskGroup;
  friend class WaitQueue;
  enum class State : uint8_t { kIdle, kReady, kRunning, kWaiting };

  Fiber() = default;

  Scheduler* scheduler_ = nullptr;
  uint64_t id_ = 0;
  std::string_view name_;
  State state_ = State::kIdle;
  bool started_ = false;
  bool killed_ = false;
  Wake wake_ = Wake::kSignalled;
  Stack stack_;
  void* context_ = nullptr;             // fcontext of the suspended fiber
  uint64_t exception_globals_[2] = {};  // what __cxa_get_globals() holds for this fiber
  [[maybe_unused]] void* asan_fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_fiber_ = nullptr;
  Body body_;
  TimerHandle timer_ = TimerHandle::kNone;
  WaitQueue* queue_ = nullptr;
  Fiber* queue_prev_ = nullptr;
  Fiber* queue_next_ = nullptr;
  TaskGroup* member_of_ = nullptr;
  std::vector<TaskGroup*> owned_groups_;
};

// Runs the fibers of one shard. Owned by the env of the shard, which is also its executor.
class Scheduler {
 public:
  Scheduler(Executor& executor, StackPool& stacks);
  // REQUIRES: no fiber is left (KillAll, or all have finished).
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // A fiber of its own life: it ends by itself or with the scheduler. `name` is a literal.
  void Spawn(std::string_view name, Body body);

  // For the executor only.
  void Resume(Fiber& fiber);
  void OnTimer(Fiber& fiber);

  // Unwinds every fiber, the youngest first, and refuses new ones. The executor must have dropped this scheduler's
  // ready fibers and timers, and its I/O must be cut off. REQUIRES: not called from one of its fibers.
  void KillAll();

  bool is_dead() const { return dead_; }
  size_t fiber_count() const { return live_.size(); }
  // The fiber that runs now; nullptr outside.
  Fiber* current() const { return current_; }
  Executor& executor() const { return executor_; }
  // How many times a fiber was switched to: a benchmark counter.
  uint64_t switch_count() const { return switch_count_; }
  // Names of all live fibers in the order of their ids: for crash reports.
  std::vector<std::string_view> FiberNames() const;

 private:
  friend class Fiber;
  friend class TaskGroup;
  friend class WaitQueue;

  struct EntryPoint;

  Fiber* SpawnFiber(std::string_view name, Body body, TaskGroup* group);
  void MakeReady(Fiber& fiber, Wake wake);
  // A killed fiber goes on only when the children of its groups are gone.
  static bool WaitsForChildren(const Fiber& fiber);
  // From the running fiber back to the loop.
  void Suspend(Fiber& self);
  void LeaveIfKilled(Fiber& self);
  void SwitchTo(Fiber& fiber);
  void Finish(Fiber& fiber);
  void Cancel(Fiber& fiber);

  Executor& executor_;
  StackPool& stacks_;
  std::vector<Fiber*> live_;  // ascending ids
  std::vector<Fiber*> spare_;
  uint64_t last_id_ = 0;
  uint64_t switch_count_ = 0;
  bool dead_ = false;
  Fiber* current_ = nullptr;
  void* loop_context_ = nullptr;
  uint64_t loop_exception_globals_[2] = {};
  void* thread_exception_globals_ = nullptr;  // of the thread that runs the current fiber
  [[maybe_unused]] void* loop_asan_fake_stack_ = nullptr;
  [[maybe_unused]] const void* loop_stack_low_ = nullptr;
  [[maybe_unused]] size_t loop_stack_bytes_ = 0;
  [[maybe_unused]] void* loop_tsan_fiber_ = nullptr;
};

// The one wait primitive: fibers in first-come order. A wake-up is not remembered: waiters test their condition first
// and again afterwards.
class WaitQueue {
 public:
  WaitQueue() = default;
  // REQUIRES: nobody waits.
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;

  void Wait(Fiber& self) { WaitUntil(self, MonoTime::Never()); }
  Wake WaitUntil(Fiber& self, MonoTime deadline);
  void WakeOne();
  void WakeAll();
  bool empty() const { return head_ == nullptr; }

 private:
  friend class Scheduler;
  void Remove(Fiber& fiber);

  Fiber* head_ = nullptr;
  Fiber* tail_ = nullptr;
};

// Children that end before their owner does. Lives on the owner's stack, or in an object that only the owner uses.
class TaskGroup {
 public:
  explicit TaskGroup(Fiber& owner);
  // REQUIRES: all children have finished (Join, or Cancel and Join); a killed owner's children are gone already.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void Spawn(std::string_view name, Body body);
  // Asks every child to leave by Killed, its own children first. Does not wait.
  void Cancel();
  // Returns when no child is left.
  void Join(Fiber& self);
  size_t count() const { return children_.size(); }

 private:
  friend class Scheduler;
  Fiber& owner_;
  std::vector<Fiber*> children_;
  WaitQueue changed_;
};

// Lets other ready fibers run.
void Yield(Fiber& self);
void SleepUntil(Fiber& self, MonoTime at);
void SleepFor(Fiber& self, Duration duration);

}  // namespace odradek::fiber
