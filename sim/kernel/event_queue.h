// Events by (time, tie): a heap with four children per node, which keeps the children of a node in two cache lines.
// Most events push one that comes later: taking the first one leaves a hole at the top, and the next push goes in there
// and sinks, which is one walk through the heap instead of two.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/base/check.h"
#include "sim/kernel/event.h"

namespace odradek::sim {

class EventQueue {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return heap_.size() - (has_hole_ ? 1 : 0); }

  // Whether every event comes after `time_ns`.
  bool IsAfter(int64_t time_ns) const {
    if (!has_hole_) return heap_.empty() || heap_.front().time_ns > time_ns;
    const size_t end = std::min(heap_.size(), kChildren + 1);
    for (size_t child = 1; child < end; ++child) {
      if (heap_[child].time_ns <= time_ns) return false;
    }
    return true;
  }

  // REQUIRES: not empty.
  int64_t next_time_ns() {
    Settle();
    REQUIRES(!heap_.empty());
    return heap_.front().time_ns;
  }

  void Push(const Event& event) {
    if (has_hole_) {
      has_hole_ = false;
      return SiftDown(event);
    }
    size_t hole = heap_.size();
    heap_.push_back(event);
    while (hole > 0) {
      const size_t parent = (hole - 1) / kChildren;
      if (!Before(event, heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  Event Pop() {
    Settle();
    REQUIRES(!heap_.empty());
    has_hole_ = true;
    return heap_.front();
  }

 private:
  static constexpr size_t kChildren = 4;

  // Time above tie: one comparison without a branch. REQUIRES of Push: times are not negative.
  static unsigned __int128 KeyOf(const Event& event) {
    return (static_cast<unsigned __int128>(static_cast<uint64_t>(event.time_ns)) << 64) | event.tie;
  }
  static bool Before(const Event& a, const Event& b) { return KeyOf(a) < KeyOf(b); }

  void Settle() {
    if (!has_hole_) return;
    has_hole_ = false;
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) SiftDown(last);
  }

  void SiftDown(const Event& event) {
    const size_t size = heap_.size();
    const unsigned __int128 key = KeyOf(event);
    Event* const heap = heap_.data();
    size_t hole = 0;
    while (true) {
      const size_t begin = hole * kChildren + 1;
      size_t least = begin;
      if (begin + kChildren <= size) {
        const size_t left = begin + (Before(heap[begin + 1], heap[begin]) ? 1 : 0);
        const size_t right = begin + 2 + (Before(heap[begin + 3], heap[begin + 2]) ? 1 : 0);
        least = Before(heap[right], heap[left]) ? right : left;
      } else {
        if (begin >= size) break;
        for (size_t child = begin + 1; child < size; ++child) {
          if (Before(heap[child], heap[least])) least = child;
        }
      }
      if (key <= KeyOf(heap[least])) break;
      heap[hole] = heap[least];
      hole = least;
    }
    heap[hole] = event;
  }

  std::vector<Event> heap_;
  bool has_hole_ = false;  // heap_.front() was taken
};

}  // namespace odradek::sim
