// Events by (time, tie): a heap with four children per node, which keeps the children of a node in two cache lines.
// What is pushed for the present instant waits beside the heap: half of all events are, a delivery that wakes a shard
// that is idle.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/base/check.h"
#include "sim/kernel/event.h"

namespace odradek::sim {

class EventQueue {
 public:
  bool empty() const { return heap_.empty() && present_.empty(); }
  size_t size() const { return heap_.size() + present_.size(); }

  size_t present_count() const { return present_.size(); }

  // REQUIRES: not empty.
  int64_t next_time_ns() const {
    REQUIRES(!empty());
    return present_.empty() ? heap_.front().time_ns : present_.front().time_ns;
  }

  void Push(const Event& event) {
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
  // REQUIRES: no event in the queue is earlier, and those that were pushed this way have the same time.
  void PushPresent(const Event& event) {
    REQUIRES(present_.empty() || present_.front().time_ns == event.time_ns);
    present_.push_back(event);
  }

  Event Pop() {
    REQUIRES(!empty());
    if (!present_.empty()) {
      size_t least = 0;
      for (size_t i = 1; i < present_.size(); ++i) {
        if (Before(present_[i], present_[least])) least = i;
      }
      if (heap_.empty() || Before(present_[least], heap_.front())) {
        const Event first = present_[least];
        present_.erase(present_.begin() + static_cast<std::ptrdiff_t>(least));
        return first;
      }
    }
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) SiftDown(last);
    return first;
  }

 private:
  static constexpr size_t kChildren = 4;

  // Time above tie: one comparison without a branch. REQUIRES of Push: times are not negative.
  static unsigned __int128 KeyOf(const Event& event) {
    return (static_cast<unsigned __int128>(static_cast<uint64_t>(event.time_ns)) << 64) | event.tie;
  }
  static bool Before(const Event& a, const Event& b) { return KeyOf(a) < KeyOf(b); }

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
  std::vector<Event> present_;
};

}  // namespace odradek::sim
