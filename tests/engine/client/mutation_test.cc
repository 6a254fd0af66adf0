// Each mistake of the bug zoo's client section does harm here when it is switched on, and none does when it is not.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/client/consumer.h"
#include "engine/client/producer.h"
#include "tests/engine/client/fake_broker.h"

namespace odradek::client {
namespace {

using base::Mutation;
using protocol::ErrorCode;
using testing::FakeCluster;
using testing::ProduceAttempt;
using testing::ProduceFault;
using testing::RequestFault;
using Append = ProduceFault::Append;
using Then = ProduceFault::Then;

#if defined(ODRADEK_MUTATIONS)
constexpr bool kMutationsAct = true;
#else
constexpr bool kMutationsAct = false;
#endif

// A scene that ends in `good`, and in something else when the mutation acts.
struct Scene {
  explicit Scene(Mutation mutation) {
    world.context.mutations.insert(mutation);
    cluster.StartNode(1);
    cluster.AddTopic("t", 1);
    producer_config.common.bootstrap_servers = {FakeCluster::AddressOf(1)};
    consumer_config.common.bootstrap_servers = {FakeCluster::AddressOf(1)};
    consumer_config.auto_offset_reset = OffsetReset::kEarliest;
  }
  void Run(std::function<void(fiber::Fiber&)> body) {
    world.scheduler.Spawn("user", [body](fiber::Fiber& self) { body(self); });
    world.RunFor(Duration::Seconds(1000));
  }
  void Check(const std::string& good) {
    if (kMutationsAct) {
      EXPECT_NE(seen, good);
    } else {
      EXPECT_EQ(seen, good);
    }
  }
  void Settle(const std::string& value, const SendResult& result) {
    seen += value + ":" + std::string(ToString(result.outcome)) + " ";
  }

  net::testing::FakeWorld world;
  FakeCluster cluster{world};
  ProducerConfig producer_config;
  ConsumerConfig consumer_config;
  std::string seen;
};

TEST(ClientMutations, CL01PutsARetryBehindLaterBatches) {
  Scene scene(Mutation::kCL01);
  scene.producer_config.idempotence = Idempotence::kOff;
  scene.producer_config.max_in_flight = 1;
  scene.producer_config.batch_bytes = 1;
  int attempts = 0;
  scene.cluster.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kNo, ErrorCode::kNotEnoughReplicas} : ProduceFault{};
  };
  scene.Run([&](fiber::Fiber& self) {
    Producer producer(scene.world.env, scene.producer_config);
    for (const char* value : {"a", "b", "c"}) producer.Send(self, {.topic = "t", .value = AsBytes(value)}, nullptr);
    producer.Close(self, Duration::Seconds(60));
  });
  scene.seen = scene.cluster.Values("t", 0);
  scene.Check("a,b,c");
}

TEST(ClientMutations, CL06ReusesTheSequenceOfATimedOutBatch) {
  Scene scene(Mutation::kCL06);
  scene.producer_config.common.request_timeout = Duration::Seconds(10);
  scene.producer_config.delivery_timeout = Duration::Seconds(15);
  bool silent = true;
  scene.cluster.produce_fault = [&](const ProduceAttempt&) {
    return ProduceFault{Append::kYes, ErrorCode::kNone, silent ? Then::kSilence : Then::kAnswer};
  };
  scene.Run([&](fiber::Fiber& self) {
    Producer producer(scene.world.env, scene.producer_config);
    producer.Send(self, {.topic = "t", .value = AsBytes("x")}, nullptr);
    fiber::SleepFor(self, Duration::Seconds(30));
    silent = false;
    EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("y")}).ok());
    producer.Close(self, Duration::Seconds(60));
  });
  scene.seen = scene.cluster.Values("t", 0);
  scene.Check("x,y");
}

TEST(ClientMutations, CL07RebuildsABatchForItsRetry) {
  Scene scene(Mutation::kCL07);
  int attempts = 0;
  scene.cluster.produce_fault = [&](const ProduceAttempt&) {
    return ++attempts == 1 ? ProduceFault{Append::kYes, ErrorCode::kNone, Then::kDisconnect} : ProduceFault{};
  };
  scene.Run([&](fiber::Fiber& self) {
    Producer producer(scene.world.env, scene.producer_config);
    for (const std::string value : {"a", "b"}) {
      producer.Send(self, {.topic = "t", .value = AsBytes(value)},
                    [&scene, value](const SendResult& result) { scene.Settle(value, result); });
    }
    producer.Close(self, Duration::Seconds(60));
  });
  scene.Check("a:ok b:ok ");
}

TEST(ClientMutations, CL08AppliesAFetchThatASeekOvertook) {
  Scene scene(Mutation::kCL08);
  for (const char* value : {"a", "b", "c"}) {
    record::BatchBuilder builder{record::BatchBuilderOptions{}};
    builder.Append({.timestamp = Timestamp(1), .value = AsBytes(value)});
    scene.cluster.Store(scene.cluster.partition("t", 0), builder.Build());
  }
  scene.cluster.request_fault = [](fiber::Fiber& broker, const testing::Request& request) {
    if (request.key() == protocol::ApiKey::kFetch) fiber::SleepFor(broker, Duration::Millis(100));
    return RequestFault::kNone;
  };
  scene.Run([&](fiber::Fiber& self) {
    Consumer consumer(scene.world.env, scene.consumer_config);
    const TopicPartition tp{"t", PartitionIndex(0)};
    consumer.Assign(std::vector{tp});
    fiber::SleepFor(self, Duration::Millis(50));
    EXPECT_TRUE(consumer.Seek(tp, Offset(2)).ok());
    const PollResult result = consumer.Poll(self, Duration::Seconds(5));
    scene.seen = std::string(AsString(*result.partitions.at(0).records.at(0).value));
  });
  scene.Check("c");
}

TEST(ClientMutations, CL09GivesOutRecordsBeforeThePosition) {
  Scene scene(Mutation::kCL09);
  record::BatchBuilder builder{record::BatchBuilderOptions{}};
  for (const char* value : {"a", "b", "c"}) builder.Append({.timestamp = Timestamp(1), .value = AsBytes(value)});
  scene.cluster.Store(scene.cluster.partition("t", 0), builder.Build());
  scene.Run([&](fiber::Fiber& self) {
    Consumer consumer(scene.world.env, scene.consumer_config);
    const TopicPartition tp{"t", PartitionIndex(0)};
    consumer.Assign(std::vector{tp});
    EXPECT_TRUE(consumer.Seek(tp, Offset(1)).ok());
    const PollResult result = consumer.Poll(self, Duration::Seconds(5));
    scene.seen = std::string(AsString(*result.partitions.at(0).records.at(0).value));
  });
  scene.Check("b");
}

}  // namespace
}  // namespace odradek::client
