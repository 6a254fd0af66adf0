// Events by (time, tie): a heap with four children per node, which keeps the children of a node in two cache lines.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/base/check.h"
#include "sim/kernel/event.h"

namespace odradek::sim {

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  // REQUIRES: not empty.
  const Event& top() const { return heap_.front(); }

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

  Event Pop() {
    REQUIRES(!heap_.empty());
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) SiftDown(last);
    return first;
  }

 private:
  static constexpr size_t kChildren = 4;

  static bool Before(const Event& a, const Event& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.tie < b.tie;
  }

  void SiftDown(const Event& event) {
    const size_t size = heap_.size();
    size_t hole = 0;
    while (true) {
      const size_t begin = hole * kChildren + 1;
      if (begin >= size) break;
      const size_t end = begin + kChildren < size ? begin + kChildren : size;
      size_t least = begin;
      for (size_t child = begin + 1; child < end; ++child) {
        if (Before(heap_[child], heap_[least])) least = child;
      }
      if (!Before(heap_[least], event)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = event;
  }

  std::vector<Event> heap_;
};

}  // namespace odradek::sim
