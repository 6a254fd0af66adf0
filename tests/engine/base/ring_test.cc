#include "engine/base/ring.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace odradek::base {
namespace {

RC_GTEST_PROP(Ring, IsADeque, (const std::vector<uint8_t>& steps)) {
  Ring<std::string> ring;
  std::deque<std::string> naive;
  for (const uint8_t step : steps) {
    if (step % 3 == 0 && !naive.empty()) {
      ring.pop_front();
      naive.pop_front();
    } else {
      // Longer than a string holds inside itself.
      ring.push_back("an element of some length " + std::to_string(step));
      naive.push_back(ring.back());
    }
    RC_ASSERT(ring.size() == naive.size());
    for (size_t i = 0; i < naive.size(); ++i) RC_ASSERT(ring[i] == naive[i]);
  }
}

TEST(Ring, DestroysWhatIsPopped) {
  Ring<std::shared_ptr<int>> ring;
  const auto value = std::make_shared<int>(7);
  ring.push_back(value);
  ring.push_back(value);
  ring.pop_front();
  EXPECT_EQ(value.use_count(), 2);
  ring.clear();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Ring, PartitionPointIsTheFirstThatDoesNotHold) {
  Ring<int> ring;
  EXPECT_EQ(ring.PartitionPoint([](int) { return true; }), 0u);
  for (int i = 0; i < 6; ++i) ring.push_back(i);
  for (int i = 0; i < 4; ++i) ring.pop_front();
  for (int i = 6; i < 10; ++i) ring.push_back(i);  // around the end of the memory
  for (int limit = 4; limit <= 10; ++limit) {
    EXPECT_EQ(ring.PartitionPoint([limit](int value) { return value < limit; }), static_cast<size_t>(limit - 4));
  }
}

}  // namespace
}  // namespace odradek::base
