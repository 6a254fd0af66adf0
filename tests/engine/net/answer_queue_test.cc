#include "engine/net/answer_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/net/fake_world.h"

namespace odradek::net {
namespace {

using testing::FakeWorld;
using testing::MakePair;

OutParts Text(std::string_view text) {
  const Bytes bytes = AsBytes(text);
  OutParts parts;
  parts.emplace_back(ByteBuffer(bytes.begin(), bytes.end()));
  return parts;
}

class AnswerQueueTest : public ::testing::Test {
 protected:
  // Runs `body` as the connection's reader fiber and ends when everything reserved was sent.
  template <typename Body>
  void RunConnection(Body body) {
    world_.scheduler.Spawn("connection", [this, body](fiber::Fiber& self) {
      fiber::TaskGroup group(self);
      AnswerQueue queue(*pair_.server, flusher_, group);
      body(self, queue, group);
      queue.WaitUntilSent(self);
      send_count_ = queue.send_count();
      closed_ = queue.is_closed();
      group.Join(self);
    });
    world_.Run();
  }

  std::string Sent() {
    const auto& bytes = pair_.server->out().bytes;
    std::string text;
    for (const std::byte b : bytes) text += static_cast<char>(b);
    return text;
  }

  FakeWorld world_;
  testing::ConnectionPair pair_ = MakePair({"server", 9092});
  AnswerFlusher flusher_{world_.loop};
  int64_t send_count_ = 0;
  bool closed_ = false;
};

TEST_F(AnswerQueueTest, SendsInRequestOrderWhateverTheOrderOfFilling) {
  RunConnection([](fiber::Fiber&, AnswerQueue& queue, fiber::TaskGroup&) {
    const auto a = queue.Reserve();
    const auto b = queue.Reserve();
    const auto c = queue.Reserve();
    queue.Fill(c, Text("c"));
    queue.Fill(a, Text("a"));
    queue.Fill(b, Text("b"));
  });
  EXPECT_EQ(Sent(), "abc");
  EXPECT_EQ(send_count_, 1);
}

TEST_F(AnswerQueueTest, HoldsBackWhatIsReadyBehindASlowRequest) {
  RunConnection([this](fiber::Fiber& self, AnswerQueue& queue, fiber::TaskGroup&) {
    const auto slow = queue.Reserve();
    const auto fast = queue.Reserve();
    queue.Fill(fast, Text("fast"));
    fiber::SleepFor(self, Duration::Millis(1));
    EXPECT_EQ(Sent(), "");
    queue.Fill(slow, Text("slow "));
  });
  EXPECT_EQ(Sent(), "slow fast");
  EXPECT_EQ(send_count_, 1);
}

TEST_F(AnswerQueueTest, LeavesOutRequestsWithoutAnAnswer) {
  RunConnection([](fiber::Fiber&, AnswerQueue& queue, fiber::TaskGroup&) {
    const auto a = queue.Reserve();
    const auto silent = queue.Reserve();
    const auto b = queue.Reserve();
    queue.Fill(b, Text("b"));
    queue.FillNothing(silent);
    queue.Fill(a, Text("a"));
  });
  EXPECT_EQ(Sent(), "ab");
}

TEST_F(AnswerQueueTest, ClosesBehindTheAnswersBeforeAndDropsTheRest) {
  RunConnection([](fiber::Fiber&, AnswerQueue& queue, fiber::TaskGroup&) {
    const auto a = queue.Reserve();
    const auto last = queue.Reserve();
    const auto dropped = queue.Reserve();
    queue.Fill(dropped, Text("dropped"));
    queue.FillClose(last);
    queue.Fill(a, Text("a"));
  });
  EXPECT_EQ(Sent(), "a");
  EXPECT_TRUE(closed_);
  EXPECT_TRUE(pair_.server->out().ended);
}

TEST_F(AnswerQueueTest, ClosesAfterAFinalAnswer) {
  RunConnection([](fiber::Fiber&, AnswerQueue& queue, fiber::TaskGroup&) {
    queue.Fill(queue.Reserve(), Text("bye"), AfterAnswer::kClose);
  });
  EXPECT_EQ(Sent(), "bye");
  EXPECT_TRUE(closed_);
}

TEST_F(AnswerQueueTest, AFailedSendClosesAndTakesLaterAnswersInSilence) {
  RunConnection([this](fiber::Fiber& self, AnswerQueue& queue, fiber::TaskGroup&) {
    const auto a = queue.Reserve();
    const auto b = queue.Reserve();
    pair_.client->Reset();
    queue.Fill(a, Text("a"));
    fiber::SleepFor(self, Duration::Millis(1));
    EXPECT_TRUE(queue.is_closed());
    EXPECT_EQ(queue.error(), env::NetError::kReset);
    queue.Fill(b, Text("b"));
    queue.Fill(queue.Reserve(), Text("c"));
    EXPECT_EQ(queue.unsent_count(), 0u);
  });
  EXPECT_TRUE(closed_);
}

TEST_F(AnswerQueueTest, CollectsWhileThePeerIsSlowAndBoundsTheWaiting) {
  pair_.server->out().capacity_bytes = 4;
  auto kept = std::make_shared<int>(1);
  RunConnection([&](fiber::Fiber& self, AnswerQueue& queue, fiber::TaskGroup& group) {
    const std::string text = "0123456789";
    OutParts parts;
    parts.emplace_back(BorrowedBytes{AsBytes(text), kept});
    queue.Fill(queue.Reserve(), std::move(parts));
    fiber::SleepFor(self, Duration::Millis(1));
    for (int i = 0; i < 3; ++i) queue.Fill(queue.Reserve(), Text("x"));
    EXPECT_EQ(queue.unsent_count(), 4u);
    EXPECT_EQ(kept.use_count(), 2);
    group.Spawn("peer", [&](fiber::Fiber& peer) {
      fiber::SleepFor(peer, Duration::Millis(1));
      pair_.server->out().capacity_bytes = 100;
      pair_.server->out().changed.WakeAll();
    });
    queue.WaitForRoom(self, 2);
    EXPECT_LT(queue.unsent_count(), 2u);
  });
  EXPECT_EQ(Sent(), "0123456789xxx");
  EXPECT_EQ(send_count_, 2);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST_F(AnswerQueueTest, SurvivesItsDeathInEveryState) {
  for (const int rounds : {0, 1}) {
    FakeWorld world;
    auto pair = MakePair({"server", 9092});
    pair.server->out().capacity_bytes = 1;
    AnswerFlusher flusher(world.loop);
    world.scheduler.Spawn("connection", [&](fiber::Fiber& self) {
      fiber::TaskGroup group(self);
      AnswerQueue queue(*pair.server, flusher, group);
      if (rounds == 0) fiber::SleepFor(self, Duration::Millis(1));
      queue.Fill(queue.Reserve(), Text("stuck"));
      queue.WaitUntilSent(self);
    });
    world.Run();
    world.loop.Kill(world.scheduler);
    EXPECT_EQ(world.scheduler.fiber_count(), 0u);
  }
}

}  // namespace
}  // namespace odradek::net
