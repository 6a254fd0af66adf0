#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/env/world.h"

namespace odradek::env_test {
namespace network_conformance {

using env::NetError;

std::string Pattern(size_t size_bytes) {
  std::string text(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

NetError Send(fiber::Fiber& self, env::Connection& to, std::string_view text) {
  const env::Part part = AsBytes(text);
  return to.Send(self, {&part, 1});
}

// Until there are `size_bytes_max`, or an error, which goes to `error`.
std::string Receive(fiber::Fiber& self, env::Connection& from, size_t size_bytes_max, NetError* error = nullptr) {
  std::string text;
  std::string buffer(64 * 1024, '?');
  while (text.size() < size_bytes_max) {
    const size_t room = std::min(buffer.size(), size_bytes_max - text.size());
    const MutableBytes into = std::as_writable_bytes(std::span(buffer)).first(room);
    const env::ReadResult read = from.ReadSome(self, {&into, 1});
    if (error != nullptr) *error = read.error;
    EXPECT_EQ(read.size_bytes > 0, read.error == NetError::kNone);
    if (read.error != NetError::kNone) break;
    text += buffer.substr(0, static_cast<size_t>(read.size_bytes));
  }
  return text;
}

// What ends the stream, behind nothing else.
NetError EndOf(fiber::Fiber& self, env::Connection& from) {
  NetError error = NetError::kNone;
  EXPECT_EQ(Receive(self, from, 1, &error), "");
  return error;
}

class NetworkConformance : public Conformance {
 protected:
  struct Pair {
    std::unique_ptr<env::Connection> client;
    std::unique_ptr<env::Connection> server;
  };
  static std::unique_ptr<env::Listener> Listen(fiber::Fiber& self, World& world) {
    env::ListenResult listening = world.network().Listen(self, world.AnyPort());
    EXPECT_EQ(listening.error, NetError::kNone);
    return std::move(listening.listener);
  }
  static std::unique_ptr<env::Connection> Connect(fiber::Fiber& self, World& world, const env::Listener& to) {
    env::ConnectionResult connected = world.network().Connect(self, to.address(), MonoTime::Never());
    EXPECT_EQ(connected.error, NetError::kNone);
    return std::move(connected.connection);
  }
  static Pair MakePair(fiber::Fiber& self, World& world) {
    const auto listener = Listen(self, world);
    Pair pair;
    pair.client = Connect(self, world, *listener);
    env::ConnectionResult accepted = listener->Accept(self);
    EXPECT_EQ(accepted.error, NetError::kNone);
    pair.server = std::move(accepted.connection);
    return pair;
  }
};

TEST_P(NetworkConformance, BytesArriveInOrder) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const std::string text = Pattern(200'000);
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& sender) {
      base::Prng sizes(7);
      for (size_t at = 0; at < text.size();) {
        const size_t first = std::min<size_t>(text.size() - at, 1 + sizes.Below(3000));
        const size_t second = std::min<size_t>(text.size() - at - first, sizes.Below(3000));
        const env::Part parts[] = {AsBytes(text).subspan(at, first), Bytes(),
                                   AsBytes(text).subspan(at + first, second)};
        EXPECT_EQ(pair.client->Send(sender, parts), NetError::kNone);
        at += first + second;
      }
      pair.client->ShutdownSend();
    });
    NetError error = NetError::kNone;
    EXPECT_TRUE(Receive(self, *pair.server, text.size() + 1, &error) == text);
    EXPECT_EQ(error, NetError::kEnd);
    group.Join(self);
  });
}

TEST_P(NetworkConformance, BothDirectionsAreIndependent) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const std::string text = Pattern(50'000);
    fiber::TaskGroup group(self);
    for (env::Connection* end : {pair.client.get(), pair.server.get()}) {
      group.Spawn("sender", [&text, end](fiber::Fiber& f) { EXPECT_EQ(Send(f, *end, text), NetError::kNone); });
      group.Spawn("reader", [&text, end](fiber::Fiber& f) { EXPECT_TRUE(Receive(f, *end, text.size()) == text); });
    }
    group.Join(self);
  });
}

TEST_P(NetworkConformance, ReadFillsBuffersInOrder) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    ASSERT_EQ(Send(self, *pair.client, "abcdefgh"), NetError::kNone);
    std::string seen;
    while (seen.size() < 8) {
      std::string a(2, '?');
      std::string b(4, '?');
      const MutableBytes into[] = {std::as_writable_bytes(std::span(a)), MutableBytes(),
                                   std::as_writable_bytes(std::span(b))};
      const env::ReadResult read = pair.server->ReadSome(self, into);
      ASSERT_EQ(read.error, NetError::kNone);
      seen += (a + b).substr(0, static_cast<size_t>(read.size_bytes));
    }
    EXPECT_EQ(seen, "abcdefgh");
  });
}

TEST_P(NetworkConformance, WhatWasSentBeforeCloseIsDelivered) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const std::string text = Pattern(3000);
    ASSERT_EQ(Send(self, *pair.client, text), NetError::kNone);
    pair.client->Close();
    NetError error = NetError::kNone;
    EXPECT_TRUE(Receive(self, *pair.server, text.size() + 1, &error) == text);
    EXPECT_EQ(error, NetError::kEnd);
    EXPECT_EQ(EndOf(self, *pair.server), NetError::kEnd);
  });
}

TEST_P(NetworkConformance, DestructorCloses) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    ASSERT_EQ(Send(self, *pair.client, "bye"), NetError::kNone);
    pair.client.reset();
    EXPECT_EQ(Receive(self, *pair.server, 3), "bye");
    EXPECT_EQ(EndOf(self, *pair.server), NetError::kEnd);
  });
}

TEST_P(NetworkConformance, ClosedConnectionRefusesCalls) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    pair.client->Close();
    pair.client->Close();
    pair.client->ShutdownSend();
    EXPECT_EQ(Send(self, *pair.client, "x"), NetError::kClosed);
    EXPECT_EQ(EndOf(self, *pair.client), NetError::kClosed);
  });
}

TEST_P(NetworkConformance, CloseWakesAReader) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    fiber::TaskGroup group(self);
    group.Spawn("reader", [&](fiber::Fiber& f) { EXPECT_EQ(EndOf(f, *pair.client), NetError::kClosed); });
    fiber::SleepFor(self, Duration::Millis(2));
    pair.client->Close();
    group.Join(self);
  });
}

TEST_P(NetworkConformance, CloseWakesASender) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const std::string text = Pattern(static_cast<size_t>(world.more_than_buffers_bytes()));
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& f) { EXPECT_EQ(Send(f, *pair.client, text), NetError::kClosed); });
    fiber::SleepFor(self, Duration::Millis(50));
    pair.client->Close();
    group.Join(self);
  });
}

TEST_P(NetworkConformance, CloseWakesAccept) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto listener = Listen(self, world);
    fiber::TaskGroup group(self);
    group.Spawn("accept", [&](fiber::Fiber& f) { EXPECT_EQ(listener->Accept(f).error, NetError::kClosed); });
    fiber::SleepFor(self, Duration::Millis(2));
    listener->Close();
    group.Join(self);
    EXPECT_EQ(listener->Accept(self).error, NetError::kClosed);
  });
}

TEST_P(NetworkConformance, HalfClosedConnectionStillReceives) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    ASSERT_EQ(Send(self, *pair.client, "question"), NetError::kNone);
    pair.client->ShutdownSend();
    NetError error = NetError::kNone;
    EXPECT_EQ(Receive(self, *pair.server, 100, &error), "question");
    EXPECT_EQ(error, NetError::kEnd);
    ASSERT_EQ(Send(self, *pair.server, "answer"), NetError::kNone);
    EXPECT_EQ(Receive(self, *pair.client, 6), "answer");
    pair.server->Close();
    EXPECT_EQ(EndOf(self, *pair.client), NetError::kEnd);
  });
}

TEST_P(NetworkConformance, ClosingWithUnreadBytesResetsThePeer) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    ASSERT_EQ(Send(self, *pair.client, "never read"), NetError::kNone);
    fiber::SleepFor(self, Duration::Millis(100));
    pair.server->Close();
    EXPECT_EQ(EndOf(self, *pair.client), NetError::kReset);
  });
}

TEST_P(NetworkConformance, NobodyListensIsRefused) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    auto listener = Listen(self, world);
    const env::Address address = listener->address();
    EXPECT_NE(address.port, 0);
    listener->Close();
    EXPECT_EQ(world.network().Connect(self, address, MonoTime::Never()).error, NetError::kRefused);
  });
}

TEST_P(NetworkConformance, ConnectEndsByItsDeadline) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const MonoTime deadline = self.Now() + Duration::Millis(50);
    const NetError error = world.network().Connect(self, world.Silence(), deadline).error;
    EXPECT_EQ(error, NetError::kTimedOut);
    EXPECT_GE(self.Now(), deadline);
    EXPECT_LT(self.Now() - deadline, Duration::Seconds(10));
  });
}

TEST_P(NetworkConformance, PortIsTakenOnce) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    auto listener = Listen(self, world);
    const env::Address address = listener->address();
    EXPECT_EQ(world.network().Listen(self, address).error, NetError::kAddressInUse);
    listener.reset();
    EXPECT_EQ(world.network().Listen(self, address).error, NetError::kNone);
  });
}

TEST_P(NetworkConformance, PeersHaveAddresses) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const auto listener = Listen(self, world);
    const auto client = Connect(self, world, *listener);
    const env::ConnectionResult server = listener->Accept(self);
    ASSERT_EQ(server.error, NetError::kNone);
    EXPECT_EQ(client->peer().port, listener->address().port);
    EXPECT_NE(server.connection->peer().port, 0);
    EXPECT_FALSE(server.connection->peer().host.empty());
  });
}

TEST_P(NetworkConformance, FileRangesAreSentBetweenBytes) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const std::string content = Pattern(150'000);
    const env::OpenResult opened = world.disk().Open(self, "segment", env::OpenMode::kCreate);
    ASSERT_EQ(opened.error, env::DiskError::kNone);
    const Bytes bytes = AsBytes(content);
    ASSERT_TRUE(opened.file->WriteAt(self, {&bytes, 1}, 0).ok());
    Pair pair = MakePair(self, world);
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& f) {
      const env::Part parts[] = {AsBytes("<"),
                                 env::FileRange{.file = opened.file.get(), .begin = 100, .size_bytes = 100'000},
                                 AsBytes("|"),
                                 env::FileRange{.file = opened.file.get(), .begin = 0, .size_bytes = 0},
                                 env::FileRange{.file = opened.file.get(), .begin = 7, .size_bytes = 3},
                                 AsBytes(">")};
      EXPECT_EQ(pair.server->Send(f, parts), NetError::kNone);
    });
    const std::string expected = "<" + content.substr(100, 100'000) + "|" + content.substr(7, 3) + ">";
    EXPECT_TRUE(Receive(self, *pair.client, expected.size()) == expected);
    group.Join(self);
  });
}

TEST_P(NetworkConformance, FileRangeBehindTheEndEndsTheConnection) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    const env::OpenResult opened = world.disk().Open(self, "segment", env::OpenMode::kCreate);
    ASSERT_EQ(opened.error, env::DiskError::kNone);
    const Bytes bytes = AsBytes("short");
    ASSERT_TRUE(opened.file->WriteAt(self, {&bytes, 1}, 0).ok());
    Pair pair = MakePair(self, world);
    const env::Part part = env::FileRange{.file = opened.file.get(), .begin = 0, .size_bytes = 100};
    EXPECT_EQ(pair.server->Send(self, {&part, 1}), NetError::kFile);
    pair.server->Close();
    EXPECT_LE(Receive(self, *pair.client, 100).size(), 5u);
  });
}

TEST_P(NetworkConformance, SlowReaderHoldsTheSenderBack) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const std::string text = Pattern(static_cast<size_t>(world.more_than_buffers_bytes()));
    bool is_sent = false;
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& f) {
      EXPECT_EQ(Send(f, *pair.client, text), NetError::kNone);
      is_sent = true;
      pair.client->Close();
    });
    fiber::SleepFor(self, Duration::Millis(100));
    EXPECT_FALSE(is_sent);
    NetError error = NetError::kNone;
    EXPECT_TRUE(Receive(self, *pair.server, text.size() + 1, &error) == text);
    EXPECT_EQ(error, NetError::kEnd);
    group.Join(self);
    EXPECT_TRUE(is_sent);
  });
}

TEST_P(NetworkConformance, ManyConnectionsDoNotMixUp) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    constexpr int kConnections = 50;
    const auto listener = Listen(self, world);
    fiber::TaskGroup group(self);
    group.Spawn("server", [&](fiber::Fiber& server) {
      fiber::TaskGroup echoes(server);
      for (int i = 0; i < kConnections; ++i) {
        env::ConnectionResult accepted = listener->Accept(server);
        ASSERT_EQ(accepted.error, NetError::kNone);
        echoes.Spawn("echo", [c = std::move(accepted.connection)](fiber::Fiber& f) {
          EXPECT_EQ(Send(f, *c, Receive(f, *c, 1000)), NetError::kNone);
          EXPECT_EQ(EndOf(f, *c), NetError::kEnd);
        });
      }
      echoes.Join(server);
    });
    for (int i = 0; i < kConnections; ++i) {
      group.Spawn("client", [&, i](fiber::Fiber& f) {
        const auto connection = Connect(f, world, *listener);
        const std::string text(1000, static_cast<char>('!' + i));
        EXPECT_EQ(Send(f, *connection, text), NetError::kNone);
        EXPECT_EQ(Receive(f, *connection, 1000), text);
      });
    }
    group.Join(self);
  });
}

TEST_P(NetworkConformance, CancelledFibersLeaveTheirCalls) {
  InEachWorld([](fiber::Fiber& self, World& world) {
    Pair pair = MakePair(self, world);
    const auto listener = Listen(self, world);
    const std::string text = Pattern(static_cast<size_t>(world.more_than_buffers_bytes()));
    fiber::TaskGroup group(self);
    group.Spawn("reader", [&](fiber::Fiber& f) { Receive(f, *pair.client, 1); });
    group.Spawn("sender", [&](fiber::Fiber& f) { Send(f, *pair.client, text); });
    group.Spawn("accept", [&](fiber::Fiber& f) { listener->Accept(f); });
    group.Spawn("connect", [&](fiber::Fiber& f) { world.network().Connect(f, world.Silence(), MonoTime::Never()); });
    fiber::SleepFor(self, Duration::Millis(5));
    group.Cancel();
    group.Join(self);
    EXPECT_EQ(group.count(), 0u);
  });
}

TEST_P(NetworkConformance, DeathUnwindsWhatWaits) {
  ForEachWorld([](World& world) {
    int unwound_count = 0;
    struct Leave {
      int& count;
      ~Leave() { ++count; }
    };
    world.env().scheduler.Spawn("main", [&](fiber::Fiber& self) {
      const auto listener = Listen(self, world);
      Pair pair = MakePair(self, world);
      fiber::TaskGroup group(self);
      group.Spawn("accept", [&](fiber::Fiber& f) {
        const Leave leave{unwound_count};
        listener->Accept(f);
      });
      group.Spawn("reader", [&](fiber::Fiber& f) {
        const Leave leave{unwound_count};
        Receive(f, *pair.client, 1);
      });
      group.Join(self);
    });
    EXPECT_TRUE(world.Run([](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(100)); }));
    EXPECT_EQ(unwound_count, 0);
    world.Kill();
    EXPECT_EQ(unwound_count, 2);
  });
}

ODRADEK_CONFORMANCE_SUITE(NetworkConformance);

}  // namespace network_conformance
}  // namespace odradek::env_test
