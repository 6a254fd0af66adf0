// A world with a consumer against the fake brokers, for the tests of one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/client/consumer.h"
#include "tests/engine/client/fake_broker.h"

namespace odradek::client::testing {

inline const TopicPartition kT0{"t", PartitionIndex(0)};
inline const TopicPartition kT1{"t", PartitionIndex(1)};

class ConsumerTest : public ::testing::Test {
 protected:
  ConsumerTest() {
    cluster_.StartNode(1);
    cluster_.AddTopic("t", 2);
    config_.common.bootstrap_servers = {FakeCluster::AddressOf(1)};
    config_.auto_offset_reset = OffsetReset::kEarliest;
  }

  void Write(const TopicPartition& tp, const std::vector<std::string>& values, int64_t timestamp = 100) {
    record::BatchBuilder builder{record::BatchBuilderOptions{}};
    for (const std::string& value : values) {
      builder.Append({.timestamp = Timestamp(timestamp), .key = std::nullopt, .value = AsBytes(value)});
    }
    cluster_.Store(cluster_.partition(tp.topic, tp.partition.value()), builder.Build());
  }

  void RunConsumer(std::function<void(fiber::Fiber&, Consumer&)> body) {
    finished_ = false;
    world_.scheduler.Spawn("user", [this, body](fiber::Fiber& self) {
      Consumer consumer(world_.env, config_);
      body(self, consumer);
      metrics_ = consumer.metrics();
      finished_ = true;
    });
    world_.RunFor(Duration::Seconds(1000));
    EXPECT_TRUE(finished_);
  }

  // "t-0:0=a …" of one poll; problems as "t-0!ERROR".
  std::string Poll(fiber::Fiber& self, Consumer& consumer, Duration timeout = Duration::Seconds(5)) {
    std::string text;
    const PollResult result = consumer.Poll(self, timeout);
    const auto say = [&text](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
    for (const PartitionRecords& partition : result.partitions) {
      for (const ConsumerRecord& record : partition.records) {
        say(ToString(partition.partition) + ":" + std::to_string(record.offset.value()) + "=" +
            std::string(AsString(record.value.value_or(Bytes()))));
      }
    }
    for (const PartitionProblem& problem : result.problems) {
      say(ToString(problem.partition) + "!" + std::string(protocol::ErrorName(problem.error)));
    }
    return text;
  }

  net::testing::FakeWorld world_;
  FakeCluster cluster_{world_};
  ConsumerConfig config_;
  ConsumerMetrics metrics_;
  bool finished_ = false;
};

}  // namespace odradek::client::testing
