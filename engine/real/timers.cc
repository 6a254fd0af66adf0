#include "engine/real/timers.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

// Below this many entries a sweep saves nothing.
constexpr size_t kSweepEntriesMin = 256;

}  // namespace

fiber::TimerHandle Timers::Arm(MonoTime at, fiber::Fiber& fiber) {
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  INVARIANT(slots_[slot].fiber == nullptr);
  slots_[slot].fiber = &fiber;
  const uint32_t stamp = slots_[slot].stamp;
  heap_.push_back({at, next_order_++, slot, stamp});
  std::push_heap(heap_.begin(), heap_.end(), Later);
  ++armed_count_;
  return static_cast<fiber::TimerHandle>((uint64_t{stamp} << 32) | slot);
}

void Timers::Disarm(fiber::TimerHandle handle) {
  const auto raw = static_cast<uint64_t>(handle);
  const auto slot = static_cast<uint32_t>(raw);
  REQUIRES(slot < slots_.size());
  REQUIRES(slots_[slot].stamp == static_cast<uint32_t>(raw >> 32));
  FreeSlot(slot);
  SweepIfMostlyDead();
}

fiber::Fiber* Timers::FreeSlot(uint32_t slot) {
  fiber::Fiber* fiber = slots_[slot].fiber;
  INVARIANT(fiber != nullptr);
  slots_[slot].fiber = nullptr;
  // 0 would make the handle of slot 0 equal to kNone.
  if (++slots_[slot].stamp == 0) slots_[slot].stamp = 1;
  free_slots_.push_back(slot);
  --armed_count_;
  return fiber;
}

void Timers::PopTop() {
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  heap_.pop_back();
}

void Timers::DropDeadTop() {
  while (!heap_.empty() && IsDead(heap_.front())) PopTop();
}

MonoTime Timers::Next() {
  DropDeadTop();
  return heap_.empty() ? MonoTime::Never() : heap_.front().at;
}

fiber::Fiber* Timers::PopDue(MonoTime now) {
  DropDeadTop();
  if (heap_.empty() || heap_.front().at > now) return nullptr;
  const uint32_t slot = heap_.front().slot;
  PopTop();
  return FreeSlot(slot);
}

void Timers::SweepIfMostlyDead() {
  if (heap_.size() < kSweepEntriesMin || heap_.size() < 2 * armed_count_) return;
  std::erase_if(heap_, [this](const Entry& entry) { return IsDead(entry); });
  std::make_heap(heap_.begin(), heap_.end(), Later);
  INVARIANT(heap_.size() == armed_count_);
}

void Timers::Clear() {
  slots_.clear();
  free_slots_.clear();
  heap_.clear();
  armed_count_ = 0;
}

}  // namespace odradek::real
