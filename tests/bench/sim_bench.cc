// What the simulator costs: fiber switches, timers, messages over simulated TCP, the history hash.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/kernel/event_queue.h"
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
    executor.RunAll(scheduler);
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

// What an echo between a pair of nodes looks like, there and in the programs of tests/bench/peers: eight messages of a
// pair are on their way at any time.
constexpr int kMessageBytes = 64;
constexpr int kConnectionsPerPair = 8;
constexpr Duration kLatencyMin = Duration::Millis(1);
constexpr Duration kLatencyMax = Duration::Millis(10);
constexpr Duration kWarmUp = Duration::Millis(200);

// One whole message. False: the connection has ended.
bool ReceiveMessage(fiber::Fiber& self, env::Connection& connection, MutableBytes message) {
  while (!message.empty()) {
    const env::ReadResult read = connection.ReadSome(self, {&message, 1});
    if (read.error != env::NetError::kNone) return false;
    message = message.subspan(static_cast<size_t>(read.size_bytes));
  }
  return true;
}

void Echo(fiber::Fiber& self, env::Connection& connection) {
  ByteBuffer message(kMessageBytes);
  while (ReceiveMessage(self, connection, message)) {
    if (SendAll(self, connection, message) != env::NetError::kNone) return;
  }
}

void Serve(fiber::Fiber& self, env::Network& network, int32_t port) {
  const std::unique_ptr<env::Listener> listener = network.Listen(self, {"", port}).listener;
  std::vector<std::unique_ptr<env::Connection>> connections;
  fiber::TaskGroup group(self);
  for (int i = 0; i < kConnectionsPerPair; ++i) {
    connections.push_back(listener->Accept(self).connection);
    group.Spawn("echo", [&connection = *connections.back()](fiber::Fiber& child) { Echo(child, connection); });
  }
  group.Join(self);
}

void Ask(fiber::Fiber& self, env::Network& network, const env::Address& to, int64_t& message_count) {
  fiber::SleepFor(self, Duration::Millis(1));
  const std::unique_ptr<env::Connection> connection = network.Connect(self, to, MonoTime::Never()).connection;
  ByteBuffer message(kMessageBytes, std::byte{1});
  while (SendAll(self, *connection, message) == env::NetError::kNone && ReceiveMessage(self, *connection, message)) {
    message_count += 2;
  }
}

// The network's faults stay possible, and none is drawn: the peers have none that would cost them anything.
NetworkWorld::Options EchoOptions(int64_t node_count) {
  NetworkWorld::Options options;
  options.hosts.clear();
  for (int64_t i = 0; i < node_count; ++i) options.hosts.push_back("n" + std::to_string(i));
  options.network.link = {
      .latency_min = kLatencyMin, .latency_spread = kLatencyMax - kLatencyMin, .tail_ppm = 0, .tail_unit = {}};
  options.network.short_read_ppm = 0;
  options.network.one_byte_stream_ppm = 0;
  options.network.split_send_ppm = 0;
  options.network.yield_ppm = 0;
  options.network.fold_payloads = false;
  return options;
}

// Pairs of nodes: 64 bytes there and back, in the history by time, connection and size. Items: messages, each direction
// counts.
void RunEcho(benchmark::State& state, const NetworkWorld::Options& options) {
  NetworkWorld world(options);
  int64_t message_count = 0;
  for (size_t i = 0; i + 1 < options.hosts.size(); i += 2) {
    const std::string& server = options.hosts[i];
    const std::string& client = options.hosts[i + 1];
    world.node(server).Spawn("serve", [&](fiber::Fiber& self) { Serve(self, world.net(server), 7); });
    for (int j = 0; j < kConnectionsPerPair; ++j) {
      world.node(client).Spawn("ask", [&](fiber::Fiber& self) {
        Ask(self, world.net(client), {server, 7}, message_count);
      });
    }
  }
  world.RunFor(kWarmUp);
  message_count = 0;
  const uint64_t events_before = world.kernel.event_number();
  for (auto _ : state) world.RunFor(Duration::Millis(100));
  state.SetItemsProcessed(message_count);
  state.counters["events_per_message"] =
      static_cast<double>(world.kernel.event_number() - events_before) / static_cast<double>(message_count);
}

void BM_Echo(benchmark::State& state) {
  RunEcho(state, EchoOptions(state.range(0)));
}
BENCHMARK(BM_Echo)->ArgName("nodes")->Arg(6)->Arg(20)->Arg(200);

void BM_EchoWithoutHistoryHash(benchmark::State& state) {
  NetworkWorld::Options options = EchoOptions(state.range(0));
  options.kernel.hashes_history = false;
  RunEcho(state, options);
}
BENCHMARK(BM_EchoWithoutHistoryHash)->ArgName("nodes")->Arg(6)->Arg(20)->Arg(200);

// With the CRC of every payload in the history, as in a run of a cluster.
void BM_EchoWithPayloadsInHistory(benchmark::State& state) {
  NetworkWorld::Options options = EchoOptions(state.range(0));
  options.network.fold_payloads = true;
  RunEcho(state, options);
}
BENCHMARK(BM_EchoWithPayloadsInHistory)->ArgName("nodes")->Arg(6)->Arg(20)->Arg(200);

void BM_EchoUnderPct(benchmark::State& state) {
  NetworkWorld::Options options = EchoOptions(state.range(0));
  options.kernel.strategy = Strategy::kPct;
  RunEcho(state, options);
}
BENCHMARK(BM_EchoUnderPct)->ArgName("nodes")->Arg(6)->Arg(20);

// As many events wait as the argument says; one is taken and another one pushed.
void BM_EventQueue(benchmark::State& state) {
  EventQueue queue;
  base::Prng prng(1);
  const auto push = [&](int64_t now_ns) {
    queue.Push({.time_ns = now_ns + prng.Between(1'000'000, 10'000'000), .tie = prng.Next(), .handler = HandlerId(0)});
  };
  for (int64_t i = 0; i < state.range(0); ++i) push(0);
  for (auto _ : state) push(queue.Pop().time_ns);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_EventQueue)->ArgName("waiting")->Arg(24)->Arg(80)->Arg(800)->Arg(10'000);

}  // namespace sim_bench
}  // namespace odradek::sim
