#include "engine/real/timers.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "engine/base/prng.h"

namespace odradek::real {
namespace {

MonoTime At(int64_t nanos) {
  return MonoTime::FromNanos(nanos);
}

// Timers never looks into a fiber: any address serves.
fiber::Fiber& FakeFiber(uint64_t number) {
  return *reinterpret_cast<fiber::Fiber*>((number + 1) * 64);
}

TEST(Timers, FireByInstantAndThenByOrderOfArming) {
  Timers timers;
  timers.Arm(At(5), FakeFiber(1));
  timers.Arm(At(3), FakeFiber(2));
  timers.Arm(At(5), FakeFiber(3));
  EXPECT_EQ(timers.Next(), At(3));
  EXPECT_EQ(timers.PopDue(At(2)), nullptr);
  EXPECT_EQ(timers.PopDue(At(9)), &FakeFiber(2));
  EXPECT_EQ(timers.PopDue(At(9)), &FakeFiber(1));
  EXPECT_EQ(timers.PopDue(At(9)), &FakeFiber(3));
  EXPECT_EQ(timers.PopDue(At(9)), nullptr);
  EXPECT_EQ(timers.Next(), MonoTime::Never());
}

TEST(Timers, DisarmedOnesDoNotFireAlthoughTheirSlotIsUsedAgain) {
  Timers timers;
  const fiber::TimerHandle first = timers.Arm(At(1), FakeFiber(1));
  timers.Disarm(first);
  timers.Arm(At(2), FakeFiber(2));
  EXPECT_EQ(timers.Next(), At(2));
  EXPECT_EQ(timers.PopDue(At(9)), &FakeFiber(2));
  EXPECT_EQ(timers.PopDue(At(9)), nullptr);
}

TEST(Timers, TombstonesDoNotPileUp) {
  Timers timers;
  for (uint64_t i = 0; i < 100000; ++i) {
    const fiber::TimerHandle handle = timers.Arm(At(1000000), FakeFiber(i));
    timers.Disarm(handle);
  }
  EXPECT_EQ(timers.armed_count(), 0u);
  EXPECT_LT(timers.heap_count(), 1000u);
}

TEST(Timers, AgreeWithAnOrderedMap) {
  base::Prng prng(7);
  Timers timers;
  std::map<std::pair<MonoTime, uint64_t>, std::pair<fiber::TimerHandle, fiber::Fiber*>> model;
  uint64_t order = 0;
  int64_t now = 0;
  for (int step = 0; step < 20000; ++step) {
    const uint64_t choice = prng.Next() % 4;
    if (choice < 2) {
      const MonoTime at = At(now + static_cast<int64_t>(prng.Next() % 100));
      fiber::Fiber& fiber = FakeFiber(order);
      const fiber::TimerHandle handle = timers.Arm(at, fiber);
      model.emplace(std::pair(at, order++), std::pair(handle, &fiber));
    } else if (choice == 2 && !model.empty()) {
      auto victim = model.begin();
      std::advance(victim, prng.Next() % model.size());
      timers.Disarm(victim->second.first);
      model.erase(victim);
    } else {
      now += static_cast<int64_t>(prng.Next() % 60);
      while (!model.empty() && model.begin()->first.first <= At(now)) {
        ASSERT_EQ(timers.PopDue(At(now)), model.begin()->second.second);
        model.erase(model.begin());
      }
      ASSERT_EQ(timers.PopDue(At(now)), nullptr);
    }
    ASSERT_EQ(timers.Next(), model.empty() ? MonoTime::Never() : model.begin()->first.first);
    ASSERT_EQ(timers.armed_count(), model.size());
  }
}

}  // namespace
}  // namespace odradek::real
