// What the simulator costs: fiber switches, timers, messages over simulated TCP, the history hash.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/kernel/history_hash.h"
#include "tests/engine/fiber/manual_executor.h"
#include "tests/sim/network/world.h"

namespace odradek::sim {
namespace sim_bench {

void BM_FiberSwitch(benchmark::State& state) {
  fiber::StackPool stacks;
  fiber::ManualExecutor executor;
  fiber::Scheduler scheduler(executor, stacks);
  for (auto _ : state) {
    scheduler.Spawn("yields", [](fiber::Fiber& self) {
      for (int i = 0; i < 1000; ++i) fiber::Yield(self);
    });
    executor.RunReady(scheduler);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1000);
  executor.Kill(scheduler);
}
BENCHMARK(BM_FiberSwitch);

void BM_SpawnFiber(benchmark::State& state) {
  fiber::StackPool stacks;
  fiber::ManualExecutor executor;
  fiber::Scheduler scheduler(executor, stacks);
  for (auto _ : state) {
    scheduler.Spawn("ends", [](fiber::Fiber&) {});
    executor.RunReady(scheduler);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  executor.Kill(scheduler);
}
BENCHMARK(BM_SpawnFiber);

void BM_HistoryHash(benchmark::State& state) {
  HistoryHash hash;
  uint64_t i = 0;
  for (auto _ : state) {
    ++i;
    hash.Fold(i, i * 3);
  }
  benchmark::DoNotOptimize(hash.value());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_HistoryHash);

// Every node has ten fibers that sleep a millisecond at a time. Items: sleeps.
void BM_Sleepers(benchmark::State& state) {
  constexpr int kSleepersPerNode = 10;
  NetworkWorld::Options options;
  options.hosts.clear();
  for (int64_t i = 0; i < state.range(0); ++i) options.hosts.push_back("n" + std::to_string(i));
  NetworkWorld world(options);
  int64_t sleep_count = 0;
  for (const std::string& host : options.hosts) {
    for (int i = 0; i < kSleepersPerNode; ++i) {
      world.node(host).Spawn("sleeper", [&](fiber::Fiber& self) {
        for (;; ++sleep_count) fiber::SleepFor(self, Duration::Millis(1));
      });
    }
  }
  for (auto _ : state) world.RunFor(Duration::Millis(100));
  state.SetItemsProcessed(sleep_count);
}
BENCHMARK(BM_Sleepers)->ArgName("nodes")->Arg(3)->Arg(30)->Arg(100);

constexpr int kMessageBytes = 64;
constexpr int kOutstanding = 8;

void Echo(fiber::Fiber& self, env::Network& network, int32_t port) {
  const std::unique_ptr<env::Listener> listener = network.Listen(self, {"", port}).listener;
  const std::unique_ptr<env::Connection> connection = listener->Accept(self).connection;
  ByteBuffer buffer(kMessageBytes * kOutstanding);
  for (;;) {
    const MutableBytes into = buffer;
    const env::ReadResult read = connection->ReadSome(self, {&into, 1});
    if (read.error != env::NetError::kNone) return;
    if (SendAll(self, *connection, Bytes(buffer).first(static_cast<size_t>(read.size_bytes))) != env::NetError::kNone) {
      return;
    }
  }
}

void Ask(fiber::Fiber& self, env::Network& network, const env::Address& to, int64_t& message_count) {
  const std::unique_ptr<env::Connection> connection = network.Connect(self, to, MonoTime::Never()).connection;
  const ByteBuffer message(kMessageBytes, std::byte{1});
  ByteBuffer buffer(kMessageBytes * kOutstanding);
  for (int i = 0; i < kOutstanding; ++i) SendAll(self, *connection, message);
  int64_t bytes = 0;
  for (;;) {
    const MutableBytes into = buffer;
    const env::ReadResult read = connection->ReadSome(self, {&into, 1});
    if (read.error != env::NetError::kNone) return;
    bytes += read.size_bytes;
    for (; bytes >= kMessageBytes; bytes -= kMessageBytes) {
      message_count += 2;
      if (SendAll(self, *connection, message) != env::NetError::kNone) return;
    }
  }
}

// Pairs of nodes: 64 bytes there and back, eight at a time, random latency, faults compiled in, history hash on. Items:
// messages, each direction counts.
void BM_Echo(benchmark::State& state) {
  NetworkWorld::Options options;
  options.hosts.clear();
  for (int64_t i = 0; i < state.range(0); ++i) options.hosts.push_back("n" + std::to_string(i));
  options.network.short_read_ppm = 0;
  options.network.one_byte_stream_ppm = 0;
  options.network.split_send_ppm = 0;
  options.network.yield_ppm = 0;
  NetworkWorld world(options);
  int64_t message_count = 0;
  for (size_t i = 0; i + 1 < options.hosts.size(); i += 2) {
    const std::string& server = options.hosts[i];
    const std::string& client = options.hosts[i + 1];
    world.node(server).Spawn("echo", [&](fiber::Fiber& self) { Echo(self, world.net(server), 7); });
    world.node(client).Spawn("ask", [&](fiber::Fiber& self) {
      fiber::SleepFor(self, Duration::Millis(1));
      Ask(self, world.net(client), {server, 7}, message_count);
    });
  }
  world.RunFor(Duration::Millis(10));
  message_count = 0;
  for (auto _ : state) world.RunFor(Duration::Millis(20));
  state.SetItemsProcessed(message_count);
}
BENCHMARK(BM_Echo)->ArgName("nodes")->Arg(6)->Arg(20)->Arg(200);

}  // namespace sim_bench
}  // namespace odradek::sim
