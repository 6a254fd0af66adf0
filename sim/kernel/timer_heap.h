// The timers of one shard, earliest first, with real removal: most deadlines are disarmed long before they are due, and
// what is disarmed must not stay in a queue until then.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/check.h"
#include "engine/fiber/executor.h"

namespace odradek::sim {

class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  // REQUIRES: not empty.
  MonoTime earliest() const { return slots_[heap_.front()].at; }

  fiber::TimerHandle Arm(MonoTime at, fiber::Fiber& fiber) {
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Slot& timer = slots_[slot];
    timer.at = at;
    timer.sequence = ++last_sequence_;
    timer.fiber = &fiber;
    ++timer.generation;
    heap_.push_back(slot);
    Up(heap_.size() - 1);
    return static_cast<fiber::TimerHandle>((uint64_t{timer.generation} << 32) | (slot + 1));
  }

  // REQUIRES: armed.
  void Disarm(fiber::TimerHandle handle) {
    const auto slot = static_cast<uint32_t>(static_cast<uint64_t>(handle)) - 1;
    const auto generation = static_cast<uint32_t>(static_cast<uint64_t>(handle) >> 32);
    REQUIRES(slot < slots_.size());
    REQUIRES(slots_[slot].generation == generation);
    REQUIRES(slots_[slot].fiber != nullptr);
    Remove(slot);
  }

  // REQUIRES: not empty.
  fiber::Fiber& PopEarliest() {
    const uint32_t slot = heap_.front();
    fiber::Fiber& fiber = *slots_[slot].fiber;
    Remove(slot);
    return fiber;
  }

  void Clear() {
    heap_.clear();
    slots_.clear();
    free_.clear();
  }

 private:
  struct Slot {
    MonoTime at;
    uint64_t sequence = 0;
    fiber::Fiber* fiber = nullptr;
    uint32_t position = 0;
    uint32_t generation = 0;
  };

  bool Before(uint32_t a, uint32_t b) const {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.at != y.at ? x.at < y.at : x.sequence < y.sequence;
  }
  void Place(size_t position, uint32_t slot) {
    heap_[position] = slot;
    slots_[slot].position = static_cast<uint32_t>(position);
  }
  void Up(size_t position) {
    const uint32_t slot = heap_[position];
    while (position > 0) {
      const size_t parent = (position - 1) / 2;
      if (!Before(slot, heap_[parent])) break;
      Place(position, heap_[parent]);
      position = parent;
    }
    Place(position, slot);
  }
  void Down(size_t position) {
    const uint32_t slot = heap_[position];
    while (true) {
      size_t child = 2 * position + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
      if (!Before(heap_[child], slot)) break;
      Place(position, heap_[child]);
      position = child;
    }
    Place(position, slot);
  }
  void Remove(uint32_t slot) {
    const size_t position = slots_[slot].position;
    INVARIANT(heap_[position] == slot);
    const uint32_t last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
      Place(position, last);
      Up(position);
      Down(slots_[last].position);
    }
    slots_[slot].fiber = nullptr;
    free_.push_back(slot);
  }

  std::vector<Slot> slots_;
  std::vector<uint32_t> heap_;
  std::vector<uint32_t> free_;
  uint64_t last_sequence_ = 0;
};

}  // namespace odradek::sim
