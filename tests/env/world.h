// What a conformance test sees of a back end: a node of 2 shards with an empty disk. Tests are written once and run
// over every back end of BackEnds(); the simulator runs them with many seeds.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/env/env.h"
#include "engine/fiber/sync.h"

namespace odradek::env_test {

class World {
 public:
  virtual ~World() = default;

  virtual env::Env& env(ShardId shard) = 0;
  env::Env& env() { return env(ShardId(0)); }
  env::Disk& disk() { return env().disk; }
  env::Network& network() { return env().network; }

  // Runs the body in a fiber of shard 0 until it returns; false if it does not. Once per world.
  virtual bool Run(fiber::Body body) = 0;
  // After Run: cuts the node's I/O off and unwinds its fibers.
  virtual void Kill() = 0;
  // After Kill, past the engine: -1 if there is no such file.
  virtual int64_t FileSize(std::string_view path) = 0;

  // Any free port of this node.
  virtual env::Address AnyPort() const = 0;
  // Nobody ever answers there.
  virtual env::Address Silence() const = 0;
  // More than everything between a sender and a receiver that does not read can hold.
  virtual int64_t more_than_buffers_bytes() const = 0;
};

struct BackEnd {
  std::string name;
  // A test runs once in each.
  std::vector<std::function<std::unique_ptr<World>()>> worlds;
};

// For test names.
inline void PrintTo(const BackEnd& back_end, std::ostream* out) {
  *out << back_end.name;
}

BackEnd SimulatedBackEnd();
BackEnd RealBackEnd();

class Conformance : public testing::TestWithParam<BackEnd> {
 protected:
  // One world after the other.
  template <typename Test>
  void ForEachWorld(Test test) {
    for (size_t i = 0; i < GetParam().worlds.size(); ++i) {
      SCOPED_TRACE("world " + std::to_string(i));
      const std::unique_ptr<World> world = GetParam().worlds[i]();
      test(*world);
      if (HasFailure()) return;
    }
  }
  // The test is a fiber's body.
  template <typename Test>
  void InEachWorld(Test test) {
    ForEachWorld([&](World& world) {
      EXPECT_TRUE(world.Run([&](fiber::Fiber& self) { test(self, world); })) << "the fiber did not end";
    });
  }
};

// At the end of every file of tests.
#define ODRADEK_CONFORMANCE_SUITE(suite)                           \
  INSTANTIATE_TEST_SUITE_P(                                        \
      , suite, testing::Values(SimulatedBackEnd(), RealBackEnd()), \
      [](const testing::TestParamInfo<BackEnd>& back_end) -> std::string { return back_end.param.name; })

}  // namespace odradek::env_test
