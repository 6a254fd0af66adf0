#include "engine/net/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/engine/net/fake_world.h"

namespace odradek::net {
namespace {

using testing::FakeWorld;
using testing::MakePair;

std::string Framed(const std::string& body) {
  ByteBuffer out;
  AppendBigEndian(out, static_cast<int32_t>(body.size()));
  AppendBytes(out, AsBytes(body));
  return std::string(AsString(out));
}

class FrameReaderTest : public ::testing::Test {
 protected:
  void Feed(std::string_view bytes) {
    for (const std::byte b : AsBytes(bytes)) pair_.client->out().bytes.push_back(b);
    pair_.client->out().changed.WakeAll();
  }

  // Reads until an error.
  void ReadAll(FrameReader::Options options) {
    world_.scheduler.Spawn("reader", [this, options](fiber::Fiber& self) {
      FrameReader reader(*pair_.server, pool_, options);
      while (true) {
        FrameResult result = reader.ReadFrame(self);
        if (!result.ok()) {
          error_ = result.error;
          what_ = result.what;
          return;
        }
        frames_.emplace_back(AsString(result.frame.bytes()));
      }
    });
  }

  BufferPool pool_;
  FakeWorld world_;
  testing::ConnectionPair pair_ = MakePair({"server", 9092});
  std::vector<std::string> frames_;
  std::optional<FrameError> error_;
  std::string what_;
};

TEST_F(FrameReaderTest, GivesWholeFramesWhateverTheSizeOfTheReads) {
  const std::vector<std::string> bodies = {
      "a", std::string(100, 'b'), std::string(70000, 'c'), "d", std::string(FrameReader::kLookAheadBytes, 'e'), "f"};
  for (const size_t read_bytes : {size_t{1}, size_t{3}, size_t{1000}, size_t{1} << 20}) {
    frames_.clear();
    error_.reset();
    pair_ = MakePair({"server", 9092});
    pair_.server->in().read_bytes_max = read_bytes;
    ReadAll({});
    for (const std::string& body : bodies) Feed(Framed(body));
    pair_.client->ShutdownSend();
    world_.Run();
    EXPECT_EQ(frames_, bodies);
    EXPECT_EQ(error_, FrameError::kEnd);
  }
  EXPECT_EQ(pool_.in_use_count(), 0u);
}

TEST_F(FrameReaderTest, RefusesLengthsBeforeItAllocates) {
  for (const auto& [length, text] : {std::pair<int32_t, std::string>{-1, "frame length -1 is not positive"},
                                     {0, "frame length 0 is not positive"},
                                     {1001, "frame of 1001 bytes is larger than socket.request.max.bytes = 1000"},
                                     {0x47455420, "frame of 1195725856 bytes is larger than"}}) {
    error_.reset();
    pair_ = MakePair({"server", 9092});
    ReadAll({.frame_bytes_max = 1000});
    ByteBuffer raw;
    AppendBigEndian(raw, length);
    Feed(AsString(raw));
    world_.Run();
    EXPECT_EQ(error_, FrameError::kBadLength);
    EXPECT_THAT(what_, ::testing::HasSubstr(text));
    EXPECT_EQ(pool_.cached_bytes(), 0u);
  }
}

TEST_F(FrameReaderTest, TellsAnEndInsideAFrameFromAnEndBetweenFrames) {
  ReadAll({});
  Feed(Framed("whole"));
  Feed(Framed("cut off").substr(0, 6));
  pair_.client->ShutdownSend();
  world_.Run();
  EXPECT_EQ(frames_, std::vector<std::string>{"whole"});
  EXPECT_EQ(error_, FrameError::kTruncated);
  EXPECT_EQ(what_, "the stream ends after 6 of 11 bytes of a frame");
}

TEST_F(FrameReaderTest, ReportsAReset) {
  ReadAll({});
  world_.Run();
  pair_.client->Reset();
  world_.Run();
  EXPECT_EQ(error_, FrameError::kNetwork);
}

TEST_F(FrameReaderTest, WaitsForTheBudgetAndGivesItBackWithTheFrame) {
  MemoryBudget budget(100);
  std::vector<std::string> said;
  world_.scheduler.Spawn("reader", [&](fiber::Fiber& self) {
    FrameReader reader(*pair_.server, pool_, {.budget = &budget});
    FrameResult first = reader.ReadFrame(self);
    EXPECT_EQ(budget.free_bytes(), 40);
    MemoryCharge other = budget.Charge(self, 40);
    world_.scheduler.Spawn("releaser", [&](fiber::Fiber& releaser) {
      fiber::SleepFor(releaser, Duration::Millis(5));
      said.emplace_back("released");
      first.frame = Frame();
    });
    FrameResult second = reader.ReadFrame(self);
    said.emplace_back("second");
    EXPECT_EQ(budget.free_bytes(), 10);
    other.Reset();
    second.frame = Frame();
    // Larger than the whole budget: takes all of it instead of waiting for ever.
    FrameResult large = reader.ReadFrame(self);
    EXPECT_EQ(large.frame.size_bytes(), 5000u);
    EXPECT_EQ(budget.free_bytes(), 0);
    said.emplace_back("large");
  });
  Feed(Framed(std::string(60, 'a')) + Framed(std::string(50, 'b')) + Framed(std::string(5000, 'c')));
  world_.Run();
  EXPECT_EQ(said, (std::vector<std::string>{"released", "second", "large"}));
  EXPECT_EQ(budget.free_bytes(), 100);
}

TEST_F(FrameReaderTest, FramesKeepTheirBytesWhileLaterOnesAreRead) {
  std::vector<Frame> held;
  world_.scheduler.Spawn("reader", [&](fiber::Fiber& self) {
    FrameReader reader(*pair_.server, pool_, {});
    for (int i = 0; i < 3; ++i) held.push_back(reader.ReadFrame(self).frame);
    held[0].mutable_bytes()[0] = std::byte{'X'};
  });
  Feed(Framed("aaa") + Framed("bbb") + Framed("ccc"));
  world_.Run();
  ASSERT_EQ(held.size(), 3u);
  EXPECT_EQ(AsString(held[0].bytes()), "Xaa");
  EXPECT_EQ(AsString(held[1].bytes()), "bbb");
  EXPECT_EQ(AsString(held[2].bytes()), "ccc");
}

TEST(BufferPool, ReusesMemoryWithinItsBound) {
  BufferPool pool({.cached_bytes_max = 1024});
  { const Buffer one = pool.Take(1000); }
  EXPECT_EQ(pool.cached_bytes(), 1024u);
  { const Buffer two = pool.Take(600); }
  EXPECT_EQ(pool.cached_bytes(), 1024u);
  {
    const Buffer a = pool.Take(300);
    EXPECT_EQ(a.capacity_bytes(), 512u);
    const Buffer huge = pool.Take(size_t{2} << 20);
    EXPECT_EQ(huge.capacity_bytes(), size_t{2} << 20);
    EXPECT_EQ(pool.in_use_count(), 2u);
  }
  EXPECT_EQ(pool.cached_bytes(), 1024u);
}

}  // namespace
}  // namespace odradek::net
