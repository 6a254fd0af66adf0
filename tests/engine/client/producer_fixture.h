// A world with a producer against the fake brokers, for the tests of one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/client/producer.h"
#include "tests/engine/client/fake_broker.h"

namespace odradek::client::testing {

class ProducerTest : public ::testing::Test {
 protected:
  ProducerTest() {
    cluster_.StartNode(1);
    cluster_.AddTopic("t", 1);
    config_.common.bootstrap_servers = {FakeCluster::AddressOf(1)};
  }

  // Runs `body` with a producer that it may leave open, until everything has come to rest.
  void RunProducer(std::function<void(fiber::Fiber&, Producer&)> body) {
    world_.scheduler.Spawn("user", [this, body](fiber::Fiber& self) {
      Producer producer(world_.env, config_);
      body(self, producer);
      producer.Close(self, Duration::Seconds(300));
      metrics_ = producer.metrics();
      finished_ = true;
    });
    world_.RunFor(Duration::Seconds(1000));
    EXPECT_TRUE(finished_);
  }

  void Send(fiber::Fiber& self, Producer& producer, const std::string& value,
            std::optional<PartitionIndex> partition = std::nullopt) {
    producer.Send(self, {.topic = "t", .partition = partition, .value = AsBytes(value)},
                  [this, value](const SendResult& result) {
                    results_[value] = result;
                    order_.push_back(value);
                  });
  }
  // With OneRecordPerBatch: each value in a batch of its own, all of them before the first answer.
  void SendEach(fiber::Fiber& self, Producer& producer, const std::vector<std::string>& values) {
    for (const std::string& value : values) Send(self, producer, value);
  }
  void OneRecordPerBatch() {
    config_.linger = Duration();
    config_.batch_bytes = 1;
  }
  Outcome OutcomeOf(const std::string& value) {
    EXPECT_TRUE(results_.contains(value)) << value << " was never settled";
    return results_[value].outcome;
  }

  net::testing::FakeWorld world_;
  FakeCluster cluster_{world_};
  ProducerConfig config_;
  ProducerMetrics metrics_;
  std::map<std::string, SendResult> results_;
  std::vector<std::string> order_;
  bool finished_ = false;
};

}  // namespace odradek::client::testing
