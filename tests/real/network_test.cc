#include "engine/real/network.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/real/real_world.h"

namespace odradek::real {
namespace {

const env::Address kAnyLoopbackPort{"127.0.0.1", 0};

// A connected pair within one node.
struct Pair {
  std::unique_ptr<env::Connection> client;
  std::unique_ptr<env::Connection> server;
};

Pair MakePair(fiber::Fiber& self, env::Env& env) {
  env::ListenResult listening = env.network.Listen(self, kAnyLoopbackPort);
  EXPECT_EQ(listening.error, env::NetError::kNone);
  Pair pair;
  env::ConnectionResult client = env.network.Connect(self, listening.listener->address(), MonoTime::Never());
  EXPECT_EQ(client.error, env::NetError::kNone);
  env::ConnectionResult server = listening.listener->Accept(self);
  EXPECT_EQ(server.error, env::NetError::kNone);
  pair.client = std::move(client.connection);
  pair.server = std::move(server.connection);
  return pair;
}

env::NetError SendText(fiber::Fiber& self, env::Connection& to, std::string_view text) {
  const env::Part part = AsBytes(text);
  return to.Send(self, {&part, 1});
}

env::ReadResult ReadInto(fiber::Fiber& self, env::Connection& from, MutableBytes into) {
  return from.ReadSome(self, {&into, 1});
}

// Until the end, an error or `bytes_max`; `error` is what ended it.
std::string ReadText(fiber::Fiber& self, env::Connection& from, size_t bytes_max, env::NetError* error = nullptr) {
  std::string text;
  std::vector<std::byte> buffer(size_t{64} * 1024);
  while (text.size() < bytes_max) {
    const size_t room = std::min(buffer.size(), bytes_max - text.size());
    const env::ReadResult read = ReadInto(self, from, MutableBytes(buffer).first(room));
    if (error != nullptr) *error = read.error;
    if (read.error != env::NetError::kNone) break;
    text += AsString(Bytes(buffer).first(static_cast<size_t>(read.size_bytes)));
  }
  return text;
}

std::string Pattern(size_t size_bytes) {
  std::string text(size_bytes, '\0');
  for (size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

TEST(RealNetwork, EchoesBetweenTwoFibers) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    fiber::TaskGroup group(self);
    group.Spawn("echo", [&](fiber::Fiber& echo) {
      std::array<std::byte, 512> buffer;
      while (true) {
        const env::ReadResult read = ReadInto(echo, *pair.server, buffer);
        if (read.error != env::NetError::kNone) break;
        const env::Part part = Bytes(buffer).first(static_cast<size_t>(read.size_bytes));
        ASSERT_EQ(pair.server->Send(echo, {&part, 1}), env::NetError::kNone);
      }
      pair.server->Close();
    });
    for (int i = 0; i < 100; ++i) {
      const std::string text = "message " + std::to_string(i);
      ASSERT_EQ(SendText(self, *pair.client, text), env::NetError::kNone);
      ASSERT_EQ(ReadText(self, *pair.client, text.size()), text);
    }
    pair.client->ShutdownSend();
    env::NetError error = env::NetError::kNone;
    EXPECT_EQ(ReadText(self, *pair.client, 1, &error), "");
    EXPECT_EQ(error, env::NetError::kEnd);
    group.Join(self);
  });
}

TEST(RealNetwork, ShortReadIsFollowedByNoSecondReceive) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& sender) {
      for (int i = 0; i < 10; ++i) {
        fiber::SleepFor(sender, Duration::Millis(2));
        SendText(sender, *pair.client, "x");
      }
    });
    std::array<std::byte, 64> buffer;
    ReadInto(self, *pair.server, buffer);
    const uint64_t before = world.node().counters().receives;
    for (int i = 0; i < 9; ++i) EXPECT_EQ(ReadInto(self, *pair.server, buffer).size_bytes, 1);
    EXPECT_EQ(world.node().counters().receives - before, 9u);
    group.Join(self);
  });
}

TEST(RealNetwork, OneConnectionCostsOneEpollControl) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, kAnyLoopbackPort);
    const uint64_t before = world.node().counters().epoll_controls;
    env::ConnectionResult client = world.env().network.Connect(self, listening.listener->address(), MonoTime::Never());
    env::ConnectionResult server = listening.listener->Accept(self);
    SendText(self, *client.connection, "hello");
    EXPECT_EQ(ReadText(self, *server.connection, 5), "hello");
    EXPECT_EQ(world.node().counters().epoll_controls - before, 2u);
  });
}

TEST(RealNetwork, BytesAndTheEndArriveThoughTheReaderComesLate) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    SendText(self, *pair.client, "last words");
    pair.client->Close();
    fiber::SleepFor(self, Duration::Millis(5));
    env::NetError error = env::NetError::kNone;
    EXPECT_EQ(ReadText(self, *pair.server, 1000, &error), "last words");
    EXPECT_EQ(error, env::NetError::kEnd);
  });
}

TEST(RealNetwork, HalfClosedConnectionStillReceives) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    pair.client->ShutdownSend();
    EXPECT_EQ(SendText(self, *pair.client, "x"), env::NetError::kClosed);
    env::NetError error = env::NetError::kNone;
    EXPECT_EQ(ReadText(self, *pair.server, 1, &error), "");
    EXPECT_EQ(error, env::NetError::kEnd);
    EXPECT_EQ(SendText(self, *pair.server, "answer"), env::NetError::kNone);
    EXPECT_EQ(ReadText(self, *pair.client, 6), "answer");
  });
}

TEST(RealNetwork, WhatWasSentBeforeCloseArrivesAlthoughInputWasUnread) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    const std::string input = Pattern(100000);
    const std::string answer = Pattern(200000);
    fiber::TaskGroup group(self);
    group.Spawn("server", [&](fiber::Fiber& server) {
      SendText(server, *pair.server, answer);
      pair.server->Close();
      pair.server.reset();
    });
    SendText(self, *pair.client, input);
    fiber::SleepFor(self, Duration::Millis(5));
    env::NetError error = env::NetError::kNone;
    EXPECT_EQ(ReadText(self, *pair.client, answer.size() + 1, &error), answer);
    EXPECT_EQ(error, env::NetError::kEnd);
    group.Join(self);
  });
}

TEST(RealNetwork, CloseWakesAWaitingReaderAndSender) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    env::NetError read_error = env::NetError::kNone;
    env::NetError send_error = env::NetError::kNone;
    fiber::TaskGroup group(self);
    group.Spawn("reader", [&](fiber::Fiber& reader) {
      std::byte byte{};
      read_error = ReadInto(reader, *pair.client, {&byte, 1}).error;
    });
    group.Spawn("sender",
                [&](fiber::Fiber& sender) { send_error = SendText(sender, *pair.client, Pattern(size_t{64} << 20)); });
    fiber::SleepFor(self, Duration::Millis(20));
    EXPECT_EQ(group.count(), 2u);
    pair.client->Close();
    pair.client->Close();
    group.Join(self);
    EXPECT_EQ(read_error, env::NetError::kClosed);
    EXPECT_EQ(send_error, env::NetError::kClosed);
  });
}

TEST(RealNetwork, ConnectToAFreePortIsRefused) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, kAnyLoopbackPort);
    const env::Address address = listening.listener->address();
    listening.listener.reset();
    EXPECT_EQ(world.env().network.Connect(self, address, MonoTime::Never()).error, env::NetError::kRefused);
  });
}

TEST(RealNetwork, ConnectGivesUpAtTheDeadline) {
  RealWorld world;
  // A full queue that nobody accepts from: the kernel drops what comes further.
  const UniqueFd full(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  raw.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(full.get(), reinterpret_cast<sockaddr*>(&raw), sizeof(raw)), 0);
  ASSERT_EQ(listen(full.get(), 0), 0);
  const env::Address address = ToAddress(LocalAddressOf(full.get()));
  world.Run([&](fiber::Fiber& self) {
    std::vector<std::unique_ptr<env::Connection>> kept;
    env::NetError error = env::NetError::kNone;
    MonoTime began;
    while (error == env::NetError::kNone && kept.size() < 16) {
      began = self.Now();
      auto result = world.env().network.Connect(self, address, self.Now() + Duration::Millis(50));
      error = result.error;
      kept.push_back(std::move(result.connection));
    }
    EXPECT_EQ(error, env::NetError::kTimedOut);
    EXPECT_GE((self.Now() - began).millis(), 50);
    EXPECT_LT((self.Now() - began).millis(), 1000);
  });
}

TEST(RealNetwork, NamesAreLookedUpAndUnknownOnesAreBadAddresses) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, {"localhost", 0});
    ASSERT_EQ(listening.error, env::NetError::kNone);
    EXPECT_EQ(listening.listener->address().host, "localhost");
    EXPECT_EQ(world.env().network.Connect(self, listening.listener->address(), MonoTime::Never()).error,
              env::NetError::kNone);
    EXPECT_EQ(world.env().network.Connect(self, {"no such host", 1}, MonoTime::Never()).error,
              env::NetError::kBadAddress);
    EXPECT_EQ(world.env().network.Connect(self, {"127.0.0.1", 65536}, MonoTime::Never()).error,
              env::NetError::kBadAddress);
  });
}

TEST(RealNetwork, EmptyHostListensOnEveryAddress) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, {"", 0});
    ASSERT_EQ(listening.error, env::NetError::kNone);
    const int32_t port = listening.listener->address().port;
    env::ConnectionResult client = world.env().network.Connect(self, {"127.0.0.1", port}, MonoTime::Never());
    ASSERT_EQ(client.error, env::NetError::kNone);
    env::ConnectionResult server = listening.listener->Accept(self);
    EXPECT_EQ(server.connection->peer().host, "127.0.0.1");
  });
}

TEST(RealNetwork, SecondListenerOnAPortIsRefused) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult first = world.env().network.Listen(self, kAnyLoopbackPort);
    EXPECT_EQ(world.env().network.Listen(self, first.listener->address()).error, env::NetError::kAddressInUse);
  });
}

TEST(RealNetwork, ClosedListenerWakesAccept) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, kAnyLoopbackPort);
    fiber::TaskGroup group(self);
    env::NetError error = env::NetError::kNone;
    group.Spawn("accept", [&](fiber::Fiber& accept) { error = listening.listener->Accept(accept).error; });
    fiber::SleepFor(self, Duration::Millis(1));
    listening.listener->Close();
    group.Join(self);
    EXPECT_EQ(error, env::NetError::kClosed);
  });
}

TEST(RealNetwork, AResetIsTold) {
  RealWorld world;
  world.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world.env());
    // Never sent anything, and closes on unread input: the kernel answers with a reset.
    SendText(self, *pair.client, "unread");
    pair.server->Close();
    fiber::SleepFor(self, Duration::Millis(5));
    EXPECT_EQ(SendText(self, *pair.client, "more"), env::NetError::kReset);
    std::byte byte{};
    EXPECT_EQ(ReadInto(self, *pair.client, {&byte, 1}).error, env::NetError::kReset);
  });
}

TEST(RealNetwork, AThousandConnectionsEcho) {
  RealWorld world;
  constexpr int kConnections = 1000;
  world.Run([&](fiber::Fiber& self) {
    env::ListenResult listening = world.env().network.Listen(self, kAnyLoopbackPort);
    fiber::TaskGroup group(self);
    int answered = 0;
    group.Spawn("server", [&](fiber::Fiber& server) {
      fiber::TaskGroup connections(server);
      for (int i = 0; i < kConnections; ++i) {
        env::ConnectionResult accepted = listening.listener->Accept(server);
        ASSERT_EQ(accepted.error, env::NetError::kNone);
        connections.Spawn("echo", [connection = std::move(accepted.connection)](fiber::Fiber& echo) {
          while (true) {
            const std::string text = ReadText(echo, *connection, 5);
            if (text.empty()) return;
            SendText(echo, *connection, text);
          }
        });
      }
      connections.Join(server);
    });
    for (int i = 0; i < kConnections; ++i) {
      group.Spawn("client", [&](fiber::Fiber& client) {
        env::ConnectionResult to =
            world.env().network.Connect(client, listening.listener->address(), MonoTime::Never());
        ASSERT_EQ(to.error, env::NetError::kNone);
        for (int round = 0; round < 3; ++round) {
          SendText(client, *to.connection, "hello");
          if (ReadText(client, *to.connection, 5) == "hello") ++answered;
        }
      });
    }
    group.Join(self);
    EXPECT_EQ(answered, 3 * kConnections);
  });
}

class RealFileRanges : public testing::Test {
 protected:
  std::unique_ptr<env::File> Write(fiber::Fiber& self, std::string_view name, std::string_view content) {
    env::OpenResult opened = world_.env().disk.Open(self, name, env::OpenMode::kCreate);
    EXPECT_EQ(opened.error, env::DiskError::kNone);
    const Bytes bytes = AsBytes(content);
    EXPECT_TRUE(opened.file->WriteAt(self, {&bytes, 1}, 0).ok());
    return std::move(opened.file);
  }

  RealWorld world_;
};

TEST_F(RealFileRanges, AreSentBetweenBytesInOrder) {
  const std::string content = Pattern(size_t{5} << 20);
  world_.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world_.env());
    const std::unique_ptr<env::File> file = Write(self, "segment", content);
    constexpr int64_t kMiB = 1 << 20;
    const std::vector<env::Part> parts = {
        AsBytes("<"), env::FileRange{file.get(), 10, 100},       AsBytes("|"),
        Bytes(),      env::FileRange{file.get(), 3, 4 * kMiB},   AsBytes("|"),
        AsBytes("+"), env::FileRange{file.get(), 4 * kMiB, 123}, env::FileRange{file.get(), 0, 0}};
    const std::string expected =
        "<" + content.substr(10, 100) + "|" + content.substr(3, 4 * kMiB) + "|+" + content.substr(4 * kMiB, 123);
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& sender) {
      EXPECT_EQ(pair.client->Send(sender, parts), env::NetError::kNone);
      pair.client->ShutdownSend();
    });
    EXPECT_TRUE(ReadText(self, *pair.server, expected.size() + 1) == expected);
    group.Join(self);
    EXPECT_GE(world_.node().counters().sendfiles, 4u);
  });
}

TEST_F(RealFileRanges, SmallOnesShareTheSystemCallOfTheBytesBeside) {
  world_.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world_.env());
    const std::unique_ptr<env::File> file = Write(self, "segment", Pattern(10000));
    const uint64_t before = world_.node().counters().sends;
    const std::vector<env::Part> parts = {AsBytes("head"), env::FileRange{file.get(), 0, 4000},
                                          env::FileRange{file.get(), 5000, 4000}};
    EXPECT_EQ(pair.client->Send(self, parts), env::NetError::kNone);
    EXPECT_EQ(world_.node().counters().sends - before, 1u);
    EXPECT_EQ(world_.node().counters().sendfiles, 0u);
    EXPECT_EQ(ReadText(self, *pair.server, 8004).size(), 8004u);
  });
}

TEST_F(RealFileRanges, ColdOnesAreReadAheadOffTheShard) {
  const std::string content = Pattern(size_t{3} << 20);
  world_.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world_.env());
    const std::unique_ptr<env::File> file = Write(self, "segment", content);
    ASSERT_EQ(file->Sync(self), env::DiskError::kNone);
    auto& real_file = dynamic_cast<RealFile&>(*file);
    ASSERT_EQ(posix_fadvise(real_file.fd(), 0, 0, POSIX_FADV_DONTNEED), 0);
    const bool cold = real_file.IsCached(0, static_cast<int64_t>(content.size())) == Cached::kNo;
    fiber::TaskGroup group(self);
    group.Spawn("sender", [&](fiber::Fiber& sender) {
      const env::Part part = env::FileRange{file.get(), 0, static_cast<int64_t>(content.size())};
      EXPECT_EQ(pair.client->Send(sender, {&part, 1}), env::NetError::kNone);
    });
    EXPECT_TRUE(ReadText(self, *pair.server, content.size()) == content);
    group.Join(self);
    // A file system that lives in memory cannot be cold.
    if (cold) {
      EXPECT_GE(world_.node().counters().cold_ranges, 1u);
    }
  });
}

TEST_F(RealFileRanges, BehindTheEndOfTheFileMakeTheConnectionUnusable) {
  for (const int64_t begin : {int64_t{0}, int64_t{1} << 20}) {
    world_.Run([&](fiber::Fiber& self) {
      Pair pair = MakePair(self, world_.env());
      const std::unique_ptr<env::File> file = Write(self, "segment", Pattern(100));
      const env::Part part = env::FileRange{file.get(), begin, 200};
      EXPECT_EQ(pair.client->Send(self, {&part, 1}), env::NetError::kFile);
      EXPECT_EQ(SendText(self, *pair.client, "x"), env::NetError::kFile);
    });
  }
}

TEST_F(RealFileRanges, RaiseNoSignalWhenThePeerHasGone) {
  world_.Run([&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world_.env());
    const std::unique_ptr<env::File> file = Write(self, "segment", Pattern(size_t{1} << 20));
    EXPECT_EQ(SendText(self, *pair.client, "never read"), env::NetError::kNone);
    pair.server->Close();
    // The kernel tells of the reset once: here, and no more to the sendfile below.
    env::NetError error = env::NetError::kNone;
    EXPECT_EQ(ReadText(self, *pair.client, 1, &error), "");
    EXPECT_EQ(error, env::NetError::kReset);
    const env::Part part = env::FileRange{file.get(), 0, 1 << 20};
    EXPECT_EQ(pair.client->Send(self, {&part, 1}), env::NetError::kReset);
  });
}

TEST(RealNetworkKill, UnwindsWaitingFibersAndTheirConnections) {
  auto world = std::make_unique<RealWorld>();
  world->env().scheduler.Spawn("server", [&](fiber::Fiber& self) {
    Pair pair = MakePair(self, world->env());
    fiber::TaskGroup group(self);
    group.Spawn("reader", [&](fiber::Fiber& reader) { ReadText(reader, *pair.server, 1); });
    group.Spawn("sender", [&](fiber::Fiber& sender) { SendText(sender, *pair.server, Pattern(size_t{32} << 20)); });
    group.Join(self);
  });
  world->Run([&](fiber::Fiber& self) { fiber::SleepFor(self, Duration::Millis(20)); });
  EXPECT_EQ(world->env().scheduler.fiber_count(), 3u);
  world->node().Kill();
  EXPECT_EQ(world->env().scheduler.fiber_count(), 0u);
}

}  // namespace
}  // namespace odradek::real
