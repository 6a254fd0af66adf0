// The timers of one reactor: a binary heap by (instant, order of arming). Disarming leaves a tombstone in the heap,
// which is swept when tombstones are the majority. Never suspends; used by the reactor's thread only.
//
// Invariants: a slot belongs to at most one live heap entry; an entry whose stamp differs from its slot's is dead.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/time.h"
#include "engine/fiber/executor.h"

namespace odradek::real {

class Timers {
 public:
  fiber::TimerHandle Arm(MonoTime at, fiber::Fiber& fiber);
  // REQUIRES: armed and not fired.
  void Disarm(fiber::TimerHandle handle);
  // The earliest timer that is due at `now`, disarmed; nullptr: none.
  fiber::Fiber* PopDue(MonoTime now);
  // Never(): no timer is armed.
  MonoTime Next();
  void Clear();

  size_t armed_count() const { return armed_count_; }
  // Heap entries, dead ones included.
  size_t heap_count() const { return heap_.size(); }

 private:
  struct Slot {
    fiber::Fiber* fiber = nullptr;
    uint32_t stamp = 1;
  };
  struct Entry {
    MonoTime at;
    uint64_t order;
    uint32_t slot;
    uint32_t stamp;
  };
  static bool Later(const Entry& a, const Entry& b) {
    if (a.at != b.at) return a.at > b.at;
    return a.order > b.order;
  }

  bool IsDead(const Entry& entry) const { return slots_[entry.slot].stamp != entry.stamp; }
  fiber::Fiber* FreeSlot(uint32_t slot);
  void PopTop();
  void DropDeadTop();
  void SweepIfMostlyDead();

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<Entry> heap_;
  uint64_t next_order_ = 0;
  size_t armed_count_ = 0;
};

}  // namespace odradek::real
