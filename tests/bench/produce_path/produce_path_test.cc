// What a Produce request costs a broker on the operating system, counted: system calls and allocations of the shard's
// thread. Counts are exact, times are not looked at.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include "engine/broker/node.h"
#include "engine/config/broker_config.h"
#include "tests/bench/compare/channel.h"
#include "tests/bench/compare/produce_frame.h"
#include "tests/real/real_world.h"

namespace {

thread_local uint64_t allocation_count = 0;

void* Allocate(size_t size_bytes) {
  ++allocation_count;
  void* memory = std::malloc(size_bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(size_t size_bytes) {
  return Allocate(size_bytes);
}
void* operator new[](size_t size_bytes) {
  return Allocate(size_bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}

namespace odradek::bench {
namespace produce_path {

struct Counts {
  uint64_t allocations = 0;
  real::Counters calls;
};

// A broker on this thread, a client on another.
class World {
 public:
  // `client` runs on a thread of its own, with the broker's port.
  void Run(const std::function<void(int)>& client) {
    broker::NodeOptions options;
    options.static_properties = {{"listeners", "PLAINTEXT://127.0.0.1:0"}, {"log.dirs", "data"}};
    auto config = config::ResolveBrokerConfig({.static_broker = &options.static_properties});
    ASSERT_TRUE(config.ok()) << config.status();
    options.config = *config;
    options.log_directories = options.config.log_dirs;
    options.config.metadata_log_dir = options.log_directories.front();
    broker::Node node({&world_.env()}, options);
    std::thread thread;
    world_.Run([&](fiber::Fiber& self) {
      world_.env().scheduler.Spawn("client", [&](fiber::Fiber& starter) {
        node.WaitUntilServing(starter);
        thread = std::thread([&, port = node.address().port] {
          client(port);
          world_.env().shards.Post(ShardId(0), [&node] { node.RequestStop(); });
        });
      });
      const absl::Status ended = node.Run(self);
      EXPECT_TRUE(ended.ok()) << ended;
    });
    thread.join();
  }

  // From the client's thread: what the broker's thread has done so far.
  Counts Snapshot() {
    std::promise<Counts> counts;
    world_.env().shards.Post(ShardId(0), [&] { counts.set_value({allocation_count, world_.node().counters()}); });
    return counts.get_future().get();
  }

 private:
  real::RealWorld world_{[] {
    real::RealNode::Options options;
    options.log.level_min = env::LogLevel::kError;
    return options;
  }()};
};

// One request at a time.
class Producer {
 public:
  Producer(int port, const std::string& topic, int record_bytes)
      : channel_(Channel::Connect(port)), records_(MakeBatch(1, record_bytes)) {
    const TopicInfo info = CreateTopic(channel_, topic, 1);
    frame_ = MakeProduceFrame({.topic = info.id}, records_);
    request_ = frame_.head;
    request_.insert(request_.end(), records_.begin(), records_.end());
    request_.insert(request_.end(), frame_.tail.begin(), frame_.tail.end());
  }

  void Send(int count) {
    for (int i = 0; i < count; ++i) {
      SetCorrelationId(request_, ++last_id_);
      ASSERT_TRUE(channel_.SendAll(request_));
      const auto answer = channel_.ReceiveFrame();
      ASSERT_TRUE(answer.has_value());
      CheckProduceAnswer(*answer, last_id_);
    }
  }

 private:
  Channel channel_;
  const ByteBuffer records_;
  ProduceFrame frame_;
  ByteBuffer request_;
  int32_t last_id_ = 0;
};

constexpr int kRequests = 1000;

// The cheapest of several windows: periodic work of the broker may fall into some of them.
template <typename Measure>
uint64_t Cheapest(Measure measure) {
  uint64_t least = measure();
  for (int i = 0; i < 4; ++i) least = std::min(least, measure());
  return least;
}

TEST(ProducePath, SteadySmallRequestsAllocateNothing) {
  World world;
  world.Run([&](int port) {
    Producer producer(port, "a-topic-with-a-name-that-is-not-short", 100);
    producer.Send(2 * kRequests);
    const uint64_t allocations = Cheapest([&] {
      const Counts before = world.Snapshot();
      producer.Send(kRequests);
      return world.Snapshot().allocations - before.allocations;
    });
    std::printf("%llu allocations for %d requests\n", static_cast<unsigned long long>(allocations), kRequests);
    testing::Test::RecordProperty("allocations", static_cast<int>(allocations));
    // The vector of the index grows now and then.
    EXPECT_LE(allocations, 2u);
  });
}

TEST(ProducePath, ASmallRequestMakesThreeSystemCallsAndWaitsOnce) {
  World world;
  world.Run([&](int port) {
    Producer producer(port, "calls", 100);
    producer.Send(kRequests);
    const Counts before = world.Snapshot();
    producer.Send(kRequests);
    const Counts after = world.Snapshot();
    const auto calls = [&](uint64_t real::Counters::*counter) { return after.calls.*counter - before.calls.*counter; };
    EXPECT_EQ(calls(&real::Counters::receives), static_cast<uint64_t>(kRequests));
    EXPECT_EQ(calls(&real::Counters::sends), static_cast<uint64_t>(kRequests));
    // One more for 4 KiB of an index.
    EXPECT_GE(calls(&real::Counters::file_writes), static_cast<uint64_t>(kRequests));
    EXPECT_LE(calls(&real::Counters::file_writes), static_cast<uint64_t>(kRequests) + 2);
    // With one request at a time nothing shares a wait; a thread's wake-up may come between.
    EXPECT_LE(calls(&real::Counters::epoll_waits), static_cast<uint64_t>(kRequests) + 50);
    EXPECT_EQ(calls(&real::Counters::epoll_controls), 0u);
    EXPECT_EQ(calls(&real::Counters::sendfiles), 0u);
  });
}

}  // namespace produce_path
}  // namespace odradek::bench
