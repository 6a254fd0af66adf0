#include "sim/network/network.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/network/world.h"

namespace odradek::sim {
namespace {

using env::NetError;

const env::Address kServer{.host = "n1", .port = 9092};

ByteBuffer Pattern(size_t size_bytes, uint64_t seed) {
  ByteBuffer bytes(size_bytes);
  base::Prng prng(seed);
  for (std::byte& b : bytes) b = static_cast<std::byte>(prng.Next());
  return bytes;
}

MonoTime Seconds(int64_t seconds) {
  return MonoTime::FromNanos(0) + Duration::Seconds(seconds);
}

// A server fiber on n1 that accepts one connection and hands it to `body`.
template <typename Body>
void Serve(NetworkWorld& world, Body body) {
  world.node("n1").Spawn("server", [&world, body](fiber::Fiber& self) {
    env::ListenResult listening = world.net("n1").Listen(self, kServer);
    ASSERT_EQ(listening.error, NetError::kNone);
    env::ConnectionResult accepted = listening.listener->Accept(self);
    ASSERT_EQ(accepted.error, NetError::kNone);
    body(self, *accepted.connection);
  });
}
// A client fiber on c1 that connects after the server has had time to listen.
template <typename Body>
void Use(NetworkWorld& world, Body body) {
  world.node("c1").Spawn("client", [&world, body](fiber::Fiber& self) {
    fiber::SleepFor(self, Duration::Millis(1));
    env::ConnectionResult connected = world.net("c1").Connect(self, kServer, MonoTime::Never());
    ASSERT_EQ(connected.error, NetError::kNone);
    body(self, *connected.connection);
  });
}

struct Echoed {
  Hash128 hash;
  bool is_equal = false;
};
// Sends pieces of drawn sizes through a server that sends all back.
Echoed Echo(const NetworkWorld::Options& options, size_t size_bytes) {
  NetworkWorld world(options);
  const ByteBuffer sent = Pattern(size_bytes, options.kernel.seed + 1);
  ByteBuffer back;
  NetError last = NetError::kNone;
  Serve(world, [](fiber::Fiber& self, env::Connection& connection) {
    while (true) {
      ByteBuffer piece;
      if (ReadInto(self, connection, piece, 3000) != NetError::kNone) break;
      EXPECT_EQ(SendAll(self, connection, piece), NetError::kNone);
    }
    connection.ShutdownSend();
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& sender) {
      base::Prng prng(options.kernel.seed);
      Bytes left = sent;
      while (!left.empty()) {
        const size_t piece = std::min(left.size(), 1 + prng.Below(10'000));
        const size_t head = piece / 3;
        const env::Part parts[] = {left.first(head), left.subspan(head, piece - head)};
        EXPECT_EQ(connection.Send(sender, parts), NetError::kNone);
        left = left.subspan(piece);
      }
      connection.ShutdownSend();
    });
    last = ReadAll(self, connection, back);
    group.Join(self);
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(last, NetError::kEnd);
  return {.hash = world.kernel.hash(), .is_equal = back == sent};
}

TEST(SimNetwork, KeepsBytesInOrderUnderPartialReadsAndWrites) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    NetworkWorld::Options options;
    options.kernel.seed = seed;
    options.network.short_read_ppm = 300'000;
    options.network.split_send_ppm = 300'000;
    options.network.one_byte_stream_ppm = seed % 5 == 0 ? 1'000'000 : 0;
    options.network.window_bytes_min = 1024;
    options.network.window_bytes_max = 16 * 1024;
    options.network.link.tail_ppm = 100'000;
    if (seed % 3 == 0) options.network.link.bytes_per_second = 5'000'000;
    EXPECT_TRUE(Echo(options, seed % 5 == 0 ? 3'000 : 60'000).is_equal) << seed;
  }
}

TEST(SimNetwork, SameSeedGivesTheSameHash) {
  for (const Strategy strategy : {Strategy::kFifo, Strategy::kRandom}) {
    NetworkWorld::Options options;
    options.kernel = {.seed = 5, .strategy = strategy};
    const Hash128 first = Echo(options, 50'000).hash;
    EXPECT_EQ(Echo(options, 50'000).hash, first);
    mallopt(M_PERTURB, 0xa5);
    EXPECT_EQ(Echo(options, 50'000).hash, first);
    mallopt(M_PERTURB, 0);
    options.kernel.seed = 6;
    EXPECT_NE(Echo(options, 50'000).hash, first);
  }
}

TEST(SimNetwork, CorruptsPayloadsOnlyWhenAsked) {
  NetworkWorld::Options options;
  options.network.link.corrupt_ppm = 1'000'000;
  EXPECT_FALSE(Echo(options, 5'000).is_equal);
}

TEST(SimNetwork, RefusesWhereNobodyListens) {
  NetworkWorld world({});
  std::vector<NetError> errors;
  world.node("c1").Spawn("client", [&](fiber::Fiber& self) {
    errors.push_back(world.net("c1").Connect(self, kServer, MonoTime::Never()).error);
    errors.push_back(world.net("c1").Connect(self, {.host = "nowhere", .port = 1}, MonoTime::Never()).error);
  });
  world.kernel.Run({});
  EXPECT_EQ(errors, (std::vector{NetError::kRefused, NetError::kBadAddress}));
}

TEST(SimNetwork, ListensOnFreePortsOfItsOwnHostOnly) {
  NetworkWorld world({});
  world.node("n1").Spawn("server", [&](fiber::Fiber& self) {
    env::ListenResult first = world.net("n1").Listen(self, kServer);
    EXPECT_EQ(first.error, NetError::kNone);
    EXPECT_EQ(world.net("n1").Listen(self, kServer).error, NetError::kAddressInUse);
    EXPECT_EQ(world.net("n1").Listen(self, {.host = "c1", .port = 1}).error, NetError::kBadAddress);
    env::ListenResult any = world.net("n1").Listen(self, {.host = "", .port = 0});
    EXPECT_EQ(any.error, NetError::kNone);
    EXPECT_GT(any.listener->address().port, 0);
    first.listener->Close();
    EXPECT_EQ(first.listener->Accept(self).error, NetError::kClosed);
    EXPECT_EQ(world.net("n1").Listen(self, kServer).error, NetError::kNone);
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(world.network.held_count(world.node("n1").node()), 0u);
}

TEST(SimNetwork, ConnectTimesOutOverACutLinkAndRepeatsAfterIt) {
  NetworkWorld world({});
  world.network.Cut(world.From("c1", "n1"));
  std::vector<NetError> errors;
  Serve(world, [](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer nothing;
    ReadAll(self, connection, nothing);
  });
  world.node("c1").Spawn("client", [&](fiber::Fiber& self) {
    errors.push_back(world.net("c1").Connect(self, kServer, self.Now() + Duration::Millis(500)).error);
    errors.push_back(world.net("c1").Connect(self, kServer, self.Now() + Duration::Seconds(20)).error);
  });
  world.kernel.At(Seconds(2), [&] { world.network.Mend(world.From("c1", "n1")); });
  world.RunFor(Duration::Seconds(60));
  EXPECT_EQ(errors, (std::vector{NetError::kTimedOut, NetError::kNone}));
}

TEST(SimNetwork, RefusesConnectionsByFaultUntilAdmitted) {
  NetworkWorld world({});
  world.network.Refuse(world.From("c1", "n1"));
  std::vector<NetError> errors;
  Serve(world, [](fiber::Fiber&, env::Connection&) {});
  world.node("c1").Spawn("client", [&](fiber::Fiber& self) {
    fiber::SleepFor(self, Duration::Millis(1));
    errors.push_back(world.net("c1").Connect(self, kServer, MonoTime::Never()).error);
    world.network.Heal();
    errors.push_back(world.net("c1").Connect(self, kServer, MonoTime::Never()).error);
  });
  world.kernel.Run({});
  EXPECT_EQ(errors, (std::vector{NetError::kRefused, NetError::kNone}));
}

TEST(SimNetwork, HalfCloseLetsTheOtherDirectionGoOn) {
  NetworkWorld world({});
  ByteBuffer at_server;
  ByteBuffer at_client;
  NetError server_saw = NetError::kNone;
  NetError client_saw = NetError::kNone;
  NetError after = NetError::kNone;
  Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
    server_saw = ReadAll(self, connection, at_server);
    EXPECT_EQ(SendAll(self, connection, AsBytes("answer")), NetError::kNone);
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    EXPECT_EQ(SendAll(self, connection, AsBytes("question")), NetError::kNone);
    connection.ShutdownSend();
    after = SendAll(self, connection, AsBytes("more"));
    client_saw = ReadAll(self, connection, at_client);
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(AsString(at_server), "question");
  EXPECT_EQ(AsString(at_client), "answer");
  EXPECT_EQ(server_saw, NetError::kEnd);
  EXPECT_EQ(client_saw, NetError::kEnd);
  EXPECT_EQ(after, NetError::kClosed);
}

TEST(SimNetwork, FullWindowStopsTheSender) {
  NetworkWorld::Options options;
  options.network.window_bytes_min = 4096;
  options.network.window_bytes_max = 4096;
  options.network.one_byte_stream_ppm = 0;
  NetworkWorld world(options);
  const ByteBuffer sent = Pattern(64 * 1024, 1);
  ByteBuffer got;
  MonoTime send_done;
  bool is_reading = false;
  Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
    fiber::SleepFor(self, Duration::Seconds(10));
    is_reading = true;
    EXPECT_EQ(ReadAll(self, connection, got), NetError::kEnd);
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    EXPECT_EQ(SendAll(self, connection, sent), NetError::kNone);
    EXPECT_TRUE(is_reading);
    send_done = self.Now();
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_GT(send_done, Seconds(10));
  EXPECT_EQ(got, sent);
}

TEST(SimNetwork, CloseByAnotherFiberEndsWaitingCalls) {
  NetworkWorld world({});
  NetError reader_saw = NetError::kNone;
  Serve(world, [](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer nothing;
    EXPECT_EQ(ReadAll(self, connection, nothing), NetError::kEnd);
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    fiber::TaskGroup group(self);
    group.Spawn("reader", [&](fiber::Fiber& reader) {
      ByteBuffer nothing;
      reader_saw = ReadAll(reader, connection, nothing);
    });
    fiber::SleepFor(self, Duration::Millis(50));
    connection.Close();
    EXPECT_EQ(SendAll(self, connection, AsBytes("x")), NetError::kClosed);
    group.Join(self);
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(reader_saw, NetError::kClosed);
}

TEST(SimNetwork, ClosingWithUnreadBytesResetsThePeer) {
  NetworkWorld world({});
  NetError client_saw = NetError::kNone;
  Serve(world, [](fiber::Fiber& self, env::Connection&) { fiber::SleepFor(self, Duration::Millis(100)); });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    EXPECT_EQ(SendAll(self, connection, AsBytes("nobody reads this")), NetError::kNone);
    ByteBuffer nothing;
    client_saw = ReadAll(self, connection, nothing);
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(client_saw, NetError::kReset);
}

// What the client sees when the server says "hello" and then dies in some way while the client reads.
struct Death {
  std::string heard;
  NetError error = NetError::kNone;
  MonoTime at;
};
template <typename Kill>
Death WatchDeath(NetworkWorld& world, Kill kill) {
  Death death;
  Serve(world, [](fiber::Fiber& self, env::Connection& connection) {
    EXPECT_EQ(SendAll(self, connection, AsBytes("hello")), NetError::kNone);
    while (true) fiber::SleepFor(self, Duration::Seconds(1));
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer got;
    death.error = ReadAll(self, connection, got);
    death.heard = AsString(got);
    death.at = self.Now();
  });
  world.kernel.At(Seconds(1), kill);
  world.RunFor(Duration::Seconds(100));
  return death;
}

TEST(SimNetwork, ProcessCrashEndsTheStream) {
  NetworkWorld world({});
  const Death death = WatchDeath(world, [&] { world.Crash("n1"); });
  EXPECT_EQ(death.heard, "hello");
  EXPECT_EQ(death.error, NetError::kEnd);
  EXPECT_LT(death.at, Seconds(2));
  EXPECT_EQ(world.network.held_count(world.node("n1").node()), 0u);
}

TEST(SimNetwork, PowerLossLeavesAReaderWaitingForEver) {
  NetworkWorld world({});
  const Death death = WatchDeath(world, [&] { world.PowerLoss("n1"); });
  EXPECT_EQ(death.error, NetError::kNone);
  EXPECT_EQ(world.network.held_count(world.node("n1").node()), 0u);
  EXPECT_EQ(world.network.held_count(world.node("c1").node()), 1u);
}

// The client keeps sending to a server that loses its power.
Death SendToTheDead(NetworkWorld& world) {
  Death death;
  Serve(world, [](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer nothing;
    ReadAll(self, connection, nothing);
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    while (death.error == NetError::kNone) {
      death.error = SendAll(self, connection, AsBytes("ping"));
      death.at = self.Now();
      fiber::SleepFor(self, Duration::Millis(100));
    }
  });
  world.kernel.At(Seconds(1), [&] { world.PowerLoss("n1"); });
  world.RunFor(Duration::Seconds(200));
  return death;
}

TEST(SimNetwork, SenderToAVanishedPeerIsResetWhenTheHostIsBack) {
  NetworkWorld world({});
  world.kernel.At(Seconds(10), [&] { world.network.PowerOn(world.node("n1").node()); });
  const Death death = SendToTheDead(world);
  EXPECT_EQ(death.error, NetError::kReset);
  EXPECT_GT(death.at, Seconds(10));
  EXPECT_LT(death.at, Seconds(12));
}

TEST(SimNetwork, SenderToAVanishedPeerGivesUp) {
  NetworkWorld world({});
  const Death death = SendToTheDead(world);
  EXPECT_EQ(death.error, NetError::kTimedOut);
  EXPECT_GT(death.at, Seconds(30));
  EXPECT_LT(death.at, Seconds(33));
}

// The client sends a word each 100 ms, the server remembers when it got how many bytes.
struct Flow {
  std::vector<std::pair<MonoTime, size_t>> received;
  NetError client_error = NetError::kNone;
  size_t before(MonoTime at) const {
    size_t bytes = 0;
    for (const auto& [time, size_bytes] : received) bytes += time < at ? size_bytes : 0;
    return bytes;
  }
};
Flow RunFlow(NetworkWorld& world, int word_count) {
  Flow flow;
  Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
    while (true) {
      ByteBuffer got;
      if (ReadInto(self, connection, got, 4096) != NetError::kNone) return;
      flow.received.emplace_back(self.Now(), got.size());
    }
  });
  Use(world, [&, word_count](fiber::Fiber& self, env::Connection& connection) {
    for (int i = 0; i < word_count; ++i) {
      flow.client_error = SendAll(self, connection, AsBytes("word"));
      if (flow.client_error != NetError::kNone) return;
      fiber::SleepFor(self, Duration::Millis(100));
    }
  });
  world.RunFor(Duration::Seconds(300));
  return flow;
}

TEST(SimNetwork, CutLinkHoldsBytesUntilItIsMended) {
  NetworkWorld world({});
  world.kernel.At(Seconds(1), [&] { world.network.Cut(world.From("c1", "n1")); });
  world.kernel.At(Seconds(3), [&] { world.network.Mend(world.From("c1", "n1")); });
  const Flow flow = RunFlow(world, 50);
  EXPECT_EQ(flow.client_error, NetError::kNone);
  EXPECT_LE(flow.before(Seconds(3)), 44u);
  EXPECT_EQ(flow.before(MonoTime::Never()), 200u);
}

TEST(SimNetwork, OneWayCutStopsOneDirectionOnly) {
  NetworkWorld world({});
  world.kernel.At(Seconds(1), [&] { world.network.Cut(world.From("n1", "c1")); });
  const Flow flow = RunFlow(world, 50);
  EXPECT_EQ(flow.client_error, NetError::kNone);
  EXPECT_EQ(flow.before(MonoTime::Never()), 200u);
}

TEST(SimNetwork, SenderWithoutAcknowledgementsGivesUpAlthoughItsBytesArrive) {
  NetworkWorld world({});
  world.kernel.At(Seconds(1), [&] { world.network.Cut(world.From("n1", "c1")); });
  const Flow flow = RunFlow(world, 500);
  EXPECT_EQ(flow.client_error, NetError::kTimedOut);
  EXPECT_GT(flow.before(MonoTime::Never()), 4 * 290u);
}

TEST(SimNetwork, SenderGivesUpOnALinkThatStaysCut) {
  NetworkWorld world({});
  world.kernel.At(Seconds(1), [&] { world.CutBoth("c1", "n1"); });
  const Flow flow = RunFlow(world, 500);
  EXPECT_EQ(flow.client_error, NetError::kTimedOut);
  EXPECT_LE(flow.before(MonoTime::Never()), 44u);
}

TEST(SimNetwork, StallOutlivesEveryPatience) {
  NetworkWorld world({});
  world.kernel.At(Seconds(1), [&] { world.network.Stall(world.From("c1", "n1")); });
  world.kernel.At(Seconds(200), [&] { world.network.Unstall(world.From("c1", "n1")); });
  const Flow flow = RunFlow(world, 50);
  EXPECT_EQ(flow.client_error, NetError::kNone);
  EXPECT_LE(flow.before(Seconds(200)), 44u);
  EXPECT_EQ(flow.before(MonoTime::Never()), 200u);
}

TEST(SimNetwork, ResetHitsBothEnds) {
  NetworkWorld world({});
  std::vector<NetError> seen;
  const auto read = [&](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer nothing;
    seen.push_back(ReadAll(self, connection, nothing));
    seen.push_back(SendAll(self, connection, AsBytes("x")));
  };
  Serve(world, read);
  Use(world, read);
  world.kernel.At(Seconds(1), [&] { world.network.ResetConnections(world.From("c1", "n1")); });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(seen, std::vector(4, NetError::kReset));
}

TEST(SimNetwork, HalfCloseByFaultEndsOneDirection) {
  NetworkWorld world({});
  NetError server_saw = NetError::kNone;
  Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer nothing;
    server_saw = ReadAll(self, connection, nothing);
    EXPECT_EQ(SendAll(self, connection, AsBytes("still here")), NetError::kNone);
  });
  std::string heard;
  NetError send_error = NetError::kNone;
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer got;
    ReadAll(self, connection, got);
    heard = AsString(got);
    send_error = SendAll(self, connection, AsBytes("x"));
  });
  world.kernel.At(Seconds(1), [&] { world.network.HalfClose(world.From("c1", "n1")); });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(server_saw, NetError::kEnd);
  EXPECT_EQ(heard, "still here");
  EXPECT_EQ(send_error, NetError::kReset);
}

TEST(SimNetwork, DrawsOfOneLinkIgnoreTheOthers) {
  const auto arrivals = [](bool with_other) {
    NetworkWorld::Options options;
    options.hosts = {"n1", "c1", "c2"};
    NetworkWorld world(options);
    if (with_other) {
      world.node("c2").Spawn("other", [&](fiber::Fiber& self) {
        for (int i = 0; i < 20; ++i) world.net("c2").Connect(self, {.host = "c1", .port = 1}, MonoTime::Never());
      });
    }
    const Flow flow = RunFlow(world, 20);
    return flow.received;
  };
  EXPECT_EQ(arrivals(true), arrivals(false));
}

// A file in memory that changes while it is being sent, as a log does that is truncated and appended to.
class MemoryFile final : public env::File {
 public:
  explicit MemoryFile(ByteBuffer bytes) : bytes_(std::move(bytes)) {}
  env::IoResult ReadAt(fiber::Fiber& self, MutableBytes into, int64_t offset) override {
    fiber::SleepFor(self, Duration::Micros(30));
    const int64_t left = std::max<int64_t>(0, static_cast<int64_t>(bytes_.size()) - offset);
    const auto size = std::min(into.size(), static_cast<size_t>(left));
    std::copy_n(bytes_.begin() + offset, size, into.begin());
    return {.size_bytes = static_cast<int64_t>(size)};
  }
  env::IoResult WriteAt(fiber::Fiber&, std::span<const Bytes>, int64_t) override { return {}; }
  env::DiskError Sync(fiber::Fiber&) override { return env::DiskError::kNone; }
  env::DiskError Truncate(fiber::Fiber&, int64_t) override { return env::DiskError::kNone; }
  env::IoResult Size(fiber::Fiber&) override { return {.size_bytes = static_cast<int64_t>(bytes_.size())}; }

 private:
  ByteBuffer bytes_;
};

TEST(SimNetwork, SendsRangesOfFilesBetweenBytes) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    NetworkWorld::Options options;
    options.kernel.seed = seed;
    NetworkWorld world(options);
    const ByteBuffer content = Pattern(100'000, seed);
    MemoryFile file(content);
    ByteBuffer got;
    Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
      EXPECT_EQ(ReadAll(self, connection, got), NetError::kEnd);
    });
    Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
      const env::Part parts[] = {AsBytes("head"), env::FileRange{.file = &file, .begin = 7, .size_bytes = 90'000},
                                 AsBytes("tail")};
      EXPECT_EQ(connection.Send(self, parts), NetError::kNone);
    });
    EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
    ByteBuffer wanted;
    AppendBytes(wanted, AsBytes("head"));
    AppendBytes(wanted, Bytes(content).subspan(7, 90'000));
    AppendBytes(wanted, AsBytes("tail"));
    EXPECT_EQ(got, wanted);
  }
}

TEST(SimNetwork, FileRangeThatIsTooShortBreaksTheConnection) {
  NetworkWorld world({});
  MemoryFile file(Pattern(100, 1));
  NetError client_saw = NetError::kNone;
  NetError again = NetError::kNone;
  NetError server_saw = NetError::kNone;
  Serve(world, [&](fiber::Fiber& self, env::Connection& connection) {
    ByteBuffer got;
    server_saw = ReadAll(self, connection, got);
  });
  Use(world, [&](fiber::Fiber& self, env::Connection& connection) {
    const env::Part part = env::FileRange{.file = &file, .begin = 50, .size_bytes = 100};
    client_saw = connection.Send(self, {&part, 1});
    again = SendAll(self, connection, AsBytes("x"));
  });
  EXPECT_EQ(world.kernel.Run({}), RunOutcome::kIdle);
  EXPECT_EQ(client_saw, NetError::kFile);
  EXPECT_EQ(again, NetError::kReset);
  EXPECT_EQ(server_saw, NetError::kReset);
}

TEST(SimNetwork, DeathInTheMiddleOfTrafficLeavesNothing) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    NetworkWorld::Options options;
    options.kernel.seed = seed;
    options.network.window_bytes_max = 8 * 1024;
    NetworkWorld world(options);
    const ByteBuffer content = Pattern(200'000, seed);
    world.node("n1").Spawn("server", [&](fiber::Fiber& self) {
      env::ListenResult listening = world.net("n1").Listen(self, kServer);
      fiber::TaskGroup group(self);
      while (true) {
        env::ConnectionResult accepted = listening.listener->Accept(self);
        ASSERT_EQ(accepted.error, NetError::kNone);
        group.Spawn("connection", [c = std::move(accepted.connection), &content](fiber::Fiber& fiber) {
          SendAll(fiber, *c, content);
        });
      }
    });
    for (int i = 0; i < 5; ++i) {
      world.node("c1").Spawn("client", [&](fiber::Fiber& self) {
        while (true) {
          env::ConnectionResult connected = world.net("c1").Connect(self, kServer, self.Now() + Duration::Seconds(3));
          if (connected.error != NetError::kNone) {
            fiber::SleepFor(self, Duration::Millis(10));
            continue;
          }
          ByteBuffer got;
          ReadAll(self, *connected.connection, got);
        }
      });
    }
    world.RunFor(Duration::Millis(static_cast<int64_t>(10 + seed)));
    if (seed % 2 == 0) {
      world.Crash("n1");
    } else {
      world.PowerLoss("n1");
    }
    EXPECT_EQ(world.network.held_count(world.node("n1").node()), 0u);
    EXPECT_EQ(world.node("n1").shard().holdings().fiber_count, 0u);
    world.RunFor(Duration::Seconds(5));
    world.Crash("c1");
    EXPECT_EQ(world.network.held_count(world.node("c1").node()), 0u);
    EXPECT_EQ(world.kernel.stacks().in_use_count(), 0u);
  }
}

}  // namespace
}  // namespace odradek::sim
