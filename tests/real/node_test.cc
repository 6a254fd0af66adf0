#include "engine/real/node.h"

#include <gtest/gtest.h>

#include "tests/real/real_world.h"

namespace odradek::real {
namespace {

TEST(RealNode, RunsAFiberAndStops) {
  RealWorld world;
  bool ran = false;
  world.Run([&](fiber::Fiber&) { ran = true; });
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace odradek::real
