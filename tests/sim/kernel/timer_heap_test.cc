#include "sim/kernel/timer_heap.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <utility>

namespace odradek::sim {
namespace {

// The heap only hands the pointers on.
fiber::Fiber& FakeFiber(uint64_t number) {
  return *reinterpret_cast<fiber::Fiber*>(number * 16);
}

RC_GTEST_PROP(TimerHeapProperty, AgreesWithAnOrderedMap, ()) {
  TimerHeap heap;
  std::map<std::pair<int64_t, uint64_t>, fiber::TimerHandle> model;  // by (at, number)
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 4), rc::gen::inRange(0, 50)));
  uint64_t number = 0;
  for (const auto& [what, value] : steps) {
    if (what < 2) {
      ++number;
      const fiber::TimerHandle handle = heap.Arm(MonoTime::FromNanos(value), FakeFiber(number));
      model[{value, number}] = handle;
    } else if (!model.empty() && what == 2) {
      auto at = model.begin();
      std::advance(at, static_cast<size_t>(value) % model.size());
      heap.Disarm(at->second);
      model.erase(at);
    } else if (!model.empty()) {
      RC_ASSERT(heap.earliest().nanos() == model.begin()->first.first);
      RC_ASSERT(&heap.PopEarliest() == &FakeFiber(model.begin()->first.second));
      model.erase(model.begin());
    }
    RC_ASSERT(heap.size() == model.size());
  }
}

}  // namespace
}  // namespace odradek::sim
