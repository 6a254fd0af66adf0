// Small programs for tests of clusters and fault plans: a server that answers, and a client that counts answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sim/cluster/cluster.h"

namespace odradek::sim {

inline const env::Address kEchoAddress{.host = "n1", .port = 9092};

// Runs one fiber on shard 0.
class FiberProgram final : public ProgramInstance {
 public:
  using Main = std::function<void(fiber::Fiber&, env::Env&)>;
  FiberProgram(env::Env& env, const Main& main) {
    env.scheduler.Spawn("main", [&env, main](fiber::Fiber& self) { main(self, env); });
  }
};
inline Program RunMain(FiberProgram::Main main) {
  return [main = std::move(main)](std::span<env::Env* const> shards) {
    return std::make_unique<FiberProgram>(*shards[0], main);
  };
}

// Sends back what it gets, on as many connections as come.
inline void EchoServer(fiber::Fiber& self, env::Env& env) {
  env::ListenResult listening = env.network.Listen(self, {.host = "", .port = kEchoAddress.port});
  if (listening.error != env::NetError::kNone) env.process.Fatal(self, ToString(listening.error));
  fiber::TaskGroup group(self);
  while (true) {
    env::ConnectionResult accepted = listening.listener->Accept(self);
    if (accepted.error != env::NetError::kNone) continue;
    REACHED(env.context, "echo.accepted");
    group.Spawn("echo", [&env, c = std::move(accepted.connection)](fiber::Fiber& fiber) {
      std::byte buffer[256];
      const MutableBytes into = buffer;
      while (true) {
        const env::ReadResult read = c->ReadSome(fiber, {&into, 1});
        if (read.error != env::NetError::kNone) return;
        REACHED(env.context, "echo.read");
        const env::Part part = Bytes(into.first(static_cast<size_t>(read.size_bytes)));
        if (c->Send(fiber, {&part, 1}) != env::NetError::kNone) return;
      }
    });
  }
}

// Closes the connection when a second goes by without an answer: a peer that lost its power never says so.
inline void Watch(fiber::Fiber& self, env::Connection& connection, const int64_t& answers) {
  int64_t before = -1;
  while (before != answers) {
    before = answers;
    fiber::SleepFor(self, Duration::Seconds(1));
  }
  connection.Close();
}

// Sends a word and reads it back. False: the connection is of no more use.
inline bool AskOnce(fiber::Fiber& self, env::Connection& connection) {
  const env::Part word = AsBytes("word");
  if (connection.Send(self, {&word, 1}) != env::NetError::kNone) return false;
  std::byte buffer[4];
  size_t got = 0;
  while (got < sizeof(buffer)) {
    const MutableBytes into = MutableBytes(buffer).subspan(got);
    const env::ReadResult read = connection.ReadSome(self, {&into, 1});
    if (read.error != env::NetError::kNone) return false;
    got += static_cast<size_t>(read.size_bytes);
  }
  return true;
}

// Connects, asks again and again, and counts the answers.
inline FiberProgram::Main EchoClient(int64_t& answers) {
  return [&answers](fiber::Fiber& self, env::Env& env) {
    while (true) {
      fiber::SleepFor(self, Duration::Millis(5));
      env::ConnectionResult connected = env.network.Connect(self, kEchoAddress, self.Now() + Duration::Millis(500));
      if (connected.error != env::NetError::kNone) continue;
      env::Connection& connection = *connected.connection;
      fiber::TaskGroup group(self);
      group.Spawn("watchdog", [&](fiber::Fiber& watchdog) { Watch(watchdog, connection, answers); });
      while (AskOnce(self, connection)) {
        ++answers;
        fiber::SleepFor(self, Duration::Millis(1));
      }
      group.Cancel();
      group.Join(self);
    }
  };
}

}  // namespace odradek::sim
