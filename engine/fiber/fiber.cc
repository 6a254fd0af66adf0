#include "engine/fiber/fiber.h"

#include <cxxabi.h>

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstring>
#include <utility>

#include "engine/base/check.h"

#if defined(ODRADEK_FIBER_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#define ODRADEK_FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ODRADEK_FIBER_TSAN 1
#endif
#endif
#if defined(ODRADEK_FIBER_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace odradek::fiber {
namespace {

namespace fc = boost::context::detail;

// Stacks that all begin at the same alignment compete for the same cache sets (SPEED_DESIGN.md 6).
constexpr size_t kStaggerBytes = 192;
constexpr size_t kStaggerSlots = 16;

// The exceptions in flight belong to a fiber, not to the thread: without this a switch inside a catch block lets
// another fiber rethrow ours (TOOLCHAIN.md 1.2).
void SwapExceptionGlobals(void* globals, uint64_t (&save)[2], const uint64_t (&load)[2]) {
  std::memcpy(save, globals, sizeof(save));
  std::memcpy(globals, load, sizeof(load));
}

// A fiber that has slept for long finds nothing of its stack in the caches. What it will touch first lies together: the
// saved registers and the frames of the wait. Asking for all of it at once hides most of the time that it takes.
void PrefetchStack(const void* context) {
  constexpr size_t kLineBytes = 64;
  constexpr size_t kLines = 8;
  if (context == nullptr) return;  // it has not run yet
  const auto* const begin = static_cast<const std::byte*>(context);
  for (size_t line = 0; line < kLines; ++line) __builtin_prefetch(begin + line * kLineBytes);
}

}  // namespace

MonoTime Fiber::Now() const {
  return scheduler_->executor().Now();
}

struct Scheduler::EntryPoint {
  // Where things lie, in bytes: for tools/gdb/odradek.py, since a release's debug information has no types.
  static const uint32_t kLayout[12];

  static void Run(fc::transfer_t from) {
    Scheduler& scheduler = *static_cast<Scheduler*>(from.data);
    scheduler.loop_context_ = from.fctx;
#if defined(ODRADEK_FIBER_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.loop_stack_low_, &scheduler.loop_stack_bytes_);
#endif
    Fiber& self = *scheduler.current_;
    if (!self.killed_) {
      try {
        self.body_(self);
      } catch (const Killed&) {
      }
    }
    self.body_ = nullptr;
    self.state_ = Fiber::State::kIdle;
    SwapExceptionGlobals(scheduler.thread_exception_globals_, self.exception_globals_,
                         scheduler.loop_exception_globals_);
#if defined(ODRADEK_FIBER_ASAN)
    __sanitizer_start_switch_fiber(nullptr, scheduler.loop_stack_low_, scheduler.loop_stack_bytes_);
#endif
#if defined(ODRADEK_FIBER_TSAN)
    __tsan_switch_to_fiber(scheduler.loop_tsan_fiber_, 0);
#endif
    fc::jump_fcontext(scheduler.loop_context_, nullptr);
    INVARIANT(!"a finished fiber was resumed");
  }
};

inline bool Scheduler::WaitsForChildren(const Fiber& fiber) {
  if (!fiber.killed_) return false;
  return std::any_of(fiber.owned_groups_.begin(), fiber.owned_groups_.end(),
                     [](const TaskGroup* group) { return group->count() > 0; });
}

inline void Scheduler::MakeReady(Fiber& fiber, Wake wake) {
  if (dead_) return;
  INVARIANT(fiber.state_ == Fiber::State::kWaiting || fiber.state_ == Fiber::State::kIdle);
  if (WaitsForChildren(fiber)) return;  // Finish of the last child comes back to it
  fiber.state_ = Fiber::State::kReady;
  fiber.wake_ = wake;
  PrefetchStack(fiber.context_);
  executor_.MakeReady(fiber);
}

inline void Scheduler::Suspend(Fiber& self) {
  REQUIRES(current_ == &self);
  SwapExceptionGlobals(thread_exception_globals_, self.exception_globals_, loop_exception_globals_);
#if defined(ODRADEK_FIBER_ASAN)
  __sanitizer_start_switch_fiber(&self.asan_fake_stack_, loop_stack_low_, loop_stack_bytes_);
#endif
#if defined(ODRADEK_FIBER_TSAN)
  __tsan_switch_to_fiber(loop_tsan_fiber_, 0);
#endif
  const fc::transfer_t from = fc::jump_fcontext(loop_context_, nullptr);
  loop_context_ = from.fctx;
#if defined(ODRADEK_FIBER_ASAN)
  __sanitizer_finish_switch_fiber(self.asan_fake_stack_, &loop_stack_low_, &loop_stack_bytes_);
#endif
}

inline void Scheduler::LeaveIfKilled(Fiber& self) {
  if (!self.killed_) return;
  while (!dead_ && WaitsForChildren(self)) {
    self.state_ = Fiber::State::kWaiting;
    Suspend(self);
  }
  throw Killed{};
}

inline void WaitQueue::Remove(Fiber& fiber) {
  INVARIANT(fiber.queue_ == this);
  (fiber.queue_prev_ != nullptr ? fiber.queue_prev_->queue_next_ : head_) = fiber.queue_next_;
  (fiber.queue_next_ != nullptr ? fiber.queue_next_->queue_prev_ : tail_) = fiber.queue_prev_;
  fiber.queue_ = nullptr;
  fiber.queue_prev_ = nullptr;
  fiber.queue_next_ = nullptr;
}

inline void Scheduler::SwitchTo(Fiber& fiber) {
  REQUIRES(current_ == nullptr);
  if (!fiber.started_) {
    fiber.started_ = true;
    fiber.stack_ = stacks_.Acquire();
    const size_t stagger = (fiber.id_ % kStaggerSlots) * kStaggerBytes;
    fiber.context_ =
        fc::make_fcontext(fiber.stack_.top() - stagger, fiber.stack_.size_bytes - stagger, &EntryPoint::Run);
    fiber.exception_globals_[0] = 0;
    fiber.exception_globals_[1] = 0;
#if defined(ODRADEK_FIBER_TSAN)
    fiber.tsan_fiber_ = __tsan_create_fiber(0);
#endif
  }
  current_ = &fiber;
  fiber.state_ = Fiber::State::kRunning;
  ++switch_count_;
  // Asked for at every switch to a fiber: a scheduler may be built on one thread and run on another.
  thread_exception_globals_ = abi::__cxa_get_globals();
  SwapExceptionGlobals(thread_exception_globals_, loop_exception_globals_, fiber.exception_globals_);
#if defined(ODRADEK_FIBER_ASAN)
  __sanitizer_start_switch_fiber(&loop_asan_fake_stack_, fiber.stack_.low, fiber.stack_.size_bytes);
#endif
#if defined(ODRADEK_FIBER_TSAN)
  loop_tsan_fiber_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber.tsan_fiber_, 0);
#endif
  const fc::transfer_t back = fc::jump_fcontext(fiber.context_, this);
#if defined(ODRADEK_FIBER_ASAN)
  __sanitizer_finish_switch_fiber(loop_asan_fake_stack_, nullptr, nullptr);
#endif
  fiber.context_ = back.fctx;
  current_ = nullptr;
  if (fiber.state_ == Fiber::State::kIdle) Finish(fiber);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
[[gnu::used]] const uint32_t Scheduler::EntryPoint::kLayout[12] = {
    1,  // of this table
    offsetof(Scheduler, live_),
    offsetof(Scheduler, current_),
    offsetof(Fiber, scheduler_),
    offsetof(Fiber, id_),
    offsetof(Fiber, name_),
    offsetof(Fiber, state_),
    offsetof(Fiber, started_),
    offsetof(Fiber, killed_),
    offsetof(Fiber, timer_),
    offsetof(Fiber, context_),
    offsetof(Fiber, stack_),
};
#pragma GCC diagnostic pop

Scheduler::Scheduler(Executor& executor, StackPool& stacks) : executor_(executor), stacks_(stacks) {}

Scheduler::~Scheduler() {
  INVARIANT(live_.empty());
  for (Fiber* fiber : spare_) delete fiber;
}

void Scheduler::Spawn(std::string_view name, Body body) {
  SpawnFiber(name, std::move(body), nullptr);
}

Fiber* Scheduler::SpawnFiber(std::string_view name, Body body, TaskGroup* group) {
  if (dead_) return nullptr;
  Fiber* fiber = nullptr;
  if (spare_.empty()) {
    fiber = new Fiber();
  } else {
    fiber = spare_.back();
    spare_.pop_back();
  }
  INVARIANT(fiber->state_ == Fiber::State::kIdle);
  fiber->scheduler_ = this;
  fiber->id_ = ++last_id_;
  fiber->name_ = name;
  fiber->started_ = false;
  fiber->killed_ = false;
  fiber->body_ = std::move(body);
  fiber->member_of_ = group;
  live_.push_back(fiber);
  if (group != nullptr) group->children_.push_back(fiber);
  MakeReady(*fiber, Wake::kSignalled);
  return fiber;
}

void Scheduler::Resume(Fiber& fiber) {
  REQUIRES(!dead_);
  REQUIRES(fiber.state_ == Fiber::State::kReady);
  if (WaitsForChildren(fiber)) {
    fiber.state_ = Fiber::State::kWaiting;
    return;
  }
  SwitchTo(fiber);
}

void Scheduler::OnTimer(Fiber& fiber) {
  REQUIRES(!dead_);
  fiber.timer_ = TimerHandle::kNone;
  if (fiber.state_ != Fiber::State::kWaiting) return;
  if (fiber.queue_ != nullptr) fiber.queue_->Remove(fiber);
  MakeReady(fiber, Wake::kTimeout);
}

void Scheduler::Finish(Fiber& fiber) {
  INVARIANT(fiber.queue_ == nullptr);
  INVARIANT(fiber.timer_ == TimerHandle::kNone);
  INVARIANT(fiber.owned_groups_.empty());
#if defined(ODRADEK_FIBER_TSAN)
  if (fiber.tsan_fiber_ != nullptr) __tsan_destroy_fiber(fiber.tsan_fiber_);
  fiber.tsan_fiber_ = nullptr;
#endif
  if (fiber.stack_.low != nullptr) stacks_.Release(fiber.stack_);
  fiber.stack_ = {};
  fiber.context_ = nullptr;
  fiber.body_ = nullptr;
  const auto at = std::lower_bound(live_.begin(), live_.end(), fiber.id_,
                                   [](const Fiber* live, uint64_t id) { return live->id_ < id; });
  INVARIANT(at != live_.end() && *at == &fiber);
  live_.erase(at);
  if (TaskGroup* group = std::exchange(fiber.member_of_, nullptr); group != nullptr) {
    std::erase(group->children_, &fiber);
    group->changed_.WakeAll();
    Fiber& owner = group->owner_;
    // A cancelled owner waits for its last child before it unwinds itself.
    if (!dead_ && group->children_.empty() && owner.killed_) Cancel(owner);
  }
  spare_.push_back(&fiber);
}

void Scheduler::Cancel(Fiber& fiber) {
  if (dead_) return;
  fiber.killed_ = true;
  size_t children_count = 0;
  for (TaskGroup* group : fiber.owned_groups_) {
    group->Cancel();
    children_count += group->children_.size();
  }
  if (children_count > 0 || fiber.state_ != Fiber::State::kWaiting) return;
  if (fiber.queue_ != nullptr) fiber.queue_->Remove(fiber);
  if (fiber.timer_ != TimerHandle::kNone) executor_.DisarmTimer(std::exchange(fiber.timer_, TimerHandle::kNone));
  MakeReady(fiber, Wake::kSignalled);
}

void Scheduler::KillAll() {
  REQUIRES(current_ == nullptr);
  dead_ = true;
  while (!live_.empty()) {
    Fiber& youngest = *live_.back();
    youngest.killed_ = true;
    youngest.timer_ = TimerHandle::kNone;
    if (youngest.queue_ != nullptr) youngest.queue_->Remove(youngest);
    if (youngest.started_) {
      SwitchTo(youngest);
    } else {
      youngest.state_ = Fiber::State::kIdle;
      Finish(youngest);
    }
    INVARIANT(live_.empty() || live_.back() != &youngest);
  }
}

std::vector<std::string_view> Scheduler::FiberNames() const {
  std::vector<std::string_view> names;
  for (const Fiber* fiber : live_) names.push_back(fiber->name_);
  return names;
}

WaitQueue::~WaitQueue() {
  INVARIANT(head_ == nullptr);
}

Wake WaitQueue::WaitUntil(Fiber& self, MonoTime deadline) {
  Scheduler& scheduler = self.scheduler();
  REQUIRES(scheduler.current_ == &self);
  scheduler.LeaveIfKilled(self);
  self.queue_ = this;
  self.queue_prev_ = tail_;
  self.queue_next_ = nullptr;
  (tail_ != nullptr ? tail_->queue_next_ : head_) = &self;
  tail_ = &self;
  if (deadline != MonoTime::Never()) self.timer_ = scheduler.executor_.ArmTimer(deadline, self);
  self.state_ = Fiber::State::kWaiting;
  scheduler.Suspend(self);
  scheduler.LeaveIfKilled(self);
  return self.wake_;
}

void WaitQueue::WakeOne() {
  if (head_ == nullptr) return;
  Fiber& fiber = *head_;
  Scheduler& scheduler = fiber.scheduler();
  if (scheduler.dead_) return;
  Remove(fiber);
  if (fiber.timer_ != TimerHandle::kNone) {
    scheduler.executor_.DisarmTimer(std::exchange(fiber.timer_, TimerHandle::kNone));
  }
  scheduler.MakeReady(fiber, Wake::kSignalled);
}

void WaitQueue::WakeAll() {
  while (head_ != nullptr && !head_->scheduler().dead_) WakeOne();
}

TaskGroup::TaskGroup(Fiber& owner) : owner_(owner) {
  owner_.owned_groups_.push_back(this);
}

TaskGroup::~TaskGroup() {
  INVARIANT(children_.empty());
  std::erase(owner_.owned_groups_, this);
}

void TaskGroup::Spawn(std::string_view name, Body body) {
  // Nothing new begins below a fiber that is on its way out: it would never be joined.
  if (owner_.killed_) return;
  owner_.scheduler().SpawnFiber(name, std::move(body), this);
}

void TaskGroup::Cancel() {
  const std::vector<Fiber*> children = children_;
  for (Fiber* child : children) owner_.scheduler().Cancel(*child);
}

void TaskGroup::Join(Fiber& self) {
  while (!children_.empty()) changed_.Wait(self);
}

void Yield(Fiber& self) {
  SleepUntil(self, self.Now());
}

void SleepUntil(Fiber& self, MonoTime at) {
  WaitQueue nobody;
  nobody.WaitUntil(self, at);
}

void SleepFor(Fiber& self, Duration duration) {
  SleepUntil(self, self.Now() + duration);
}

}  // namespace odradek::fiber
