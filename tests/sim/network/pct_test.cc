// Probabilistic concurrency testing over deliveries (sim/kernel/pct.h), seen from clients of a server.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/sim/network/world.h"

namespace odradek::sim {
namespace {

// The same bug behind real streams: a client asks twice, and everything that another one has to ask twelve times comes
// between the two. How often it comes to that.
int64_t CountSplits(Strategy strategy, int64_t seed_count) {
  constexpr int kSteps = 12;
  int64_t split_count = 0;
  for (int64_t seed = 0; seed < seed_count; ++seed) {
    NetworkWorld::Options options;
    options.kernel = {.seed = static_cast<uint64_t>(seed),
                      .strategy = strategy,
                      .pct = {.depth = 2, .steps = 200, .window = Duration::Millis(100)}};
    options.network.link.tail_ppm = 0;
    options.hosts = {"server", "a", "b"};
    NetworkWorld world(options);
    std::string served;
    const auto serve = [&](const char* name, int32_t port, char letter) {
      world.node("server").Spawn(name, [&, port, letter](fiber::Fiber& self) {
        const std::unique_ptr<env::Listener> listener = world.net("server").Listen(self, {"", port}).listener;
        const std::unique_ptr<env::Connection> connection = listener->Accept(self).connection;
        for (ByteBuffer question; ReadInto(self, *connection, question, 1) == env::NetError::kNone;) {
          served += letter;
          SendAll(self, *connection, question);
          question.clear();
        }
      });
    };
    const auto ask = [&](const std::string& name, int32_t port, int count) {
      world.node(name).Spawn("ask", [&, name, port, count](fiber::Fiber& self) {
        fiber::SleepFor(self, Duration::Millis(1));
        // The server may be late, and refuses until it listens.
        std::unique_ptr<env::Connection> connection;
        while (connection == nullptr) {
          connection = world.net(name).Connect(self, {"server", port}, MonoTime::Never()).connection;
        }
        ByteBuffer answer;
        for (int i = 0; i < count; ++i) {
          SendAll(self, *connection, ByteBuffer(1));
          ReadInto(self, *connection, answer, 1);
        }
      });
    };
    serve("serves a", 1, 'a');
    serve("serves b", 2, 'b');
    ask("a", 1, 2);
    ask("b", 2, kSteps);
    world.RunFor(Duration::Seconds(10));
    EXPECT_EQ(served.size(), static_cast<size_t>(kSteps + 2)) << "seed " << seed;
    split_count += served == "a" + std::string(kSteps, 'b') + "a" ? 1 : 0;
  }
  return split_count;
}

TEST(Pct, SplitsAConversationThatLatenciesAloneNeverSplit) {
  // Ten chains (four ends of streams, three shards, three fibers of the server), 200 steps, depth 2: one seed in 2,000.
  constexpr int64_t kSeeds = 1000;
  EXPECT_EQ(CountSplits(Strategy::kRandom, kSeeds), 0);
  EXPECT_GT(CountSplits(Strategy::kPct, kSeeds) * 2000, kSeeds);
}

}  // namespace
}  // namespace odradek::sim
