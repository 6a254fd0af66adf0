// The example program and the client library on real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "engine/broker/node.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "tests/real/real_world.h"

namespace odradek::client {
namespace {

struct Finished {
  int status = -1;
  std::string output;
};

Finished RunProgram(const std::string& command) {
  Finished finished;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return finished;
  char buffer[256];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) finished.output += buffer;
  finished.status = pclose(pipe);
  return finished;
}

TEST(Example, WritesAndReadsItsRecordsOnRealSockets) {
  real::RealWorld world;
  config::StaticConfig properties;
  for (const auto& [key, value] : {std::pair{"listeners", "PLAINTEXT://127.0.0.1:0"}, {"log.dirs", "data"}}) {
    ASSERT_TRUE(config::AddStaticProperty("test", key, value, properties).ok());
  }
  broker::NodeOptions options;
  options.static_properties = properties.properties;
  auto resolved = config::ResolveBrokerConfig({.static_broker = &options.static_properties});
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  options.config = std::move(*resolved);
  options.log_directories = options.config.log_dirs;
  auto node = std::make_unique<broker::Node>(broker::ShardEnvs{&world.env()}, std::move(options));
  Finished finished;
  std::thread user;
  world.env().scheduler.Spawn("starter", [&](fiber::Fiber& self) {
    node->WaitUntilServing(self);
    const std::string command = std::string(ODRADEK_EXAMPLE) + " " + env::ToString(node->address());
    user = std::thread([&finished, &node, &world, command] {
      finished = RunProgram(command);
      world.node().Stop();
    });
  });
  world.env().scheduler.Spawn("node", [&](fiber::Fiber& self) { EXPECT_TRUE(node->Run(self).ok()); });
  world.node().Run();
  user.join();
  world.node().Kill();
  node.reset();
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_THAT(finished.output, ::testing::StartsWith("0: hello 0\n1: hello 1\n"));
  EXPECT_THAT(finished.output, ::testing::HasSubstr("9: hello 9\n"));
}

}  // namespace
}  // namespace odradek::client
