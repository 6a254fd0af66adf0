// The clients against the real broker, both in the simulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/client/admin.h"
#include "engine/client/consumer.h"
#include "engine/client/producer.h"
#include "tests/engine/broker/broker_world.h"

namespace odradek::client {
namespace {

using broker::BrokerWorld;
using protocol::ErrorCode;

const env::Address kBroker{"n1", 9092};
const TopicPartition kP0{"t", PartitionIndex(0)};

template <typename Config>
Config ConfigFor() {
  Config config;
  config.common.bootstrap_servers = {kBroker};
  return config;
}

ConsumerConfig FromTheBeginning() {
  auto config = ConfigFor<ConsumerConfig>();
  config.auto_offset_reset = OffsetReset::kEarliest;
  return config;
}

void CreateTopic(fiber::Fiber& self, env::Env& env, const std::string& name, int32_t partition_count) {
  Admin admin(env, ConfigFor<AdminConfig>());
  const TopicStatuses statuses = admin.CreateTopics(self, {{.name = name, .partition_count = partition_count}});
  ASSERT_TRUE(statuses.at(name).ok()) << statuses.at(name).what;
}

// Values by partition, in the order of their offsets, until `count` have come.
std::map<int32_t, std::vector<std::string>> ReadAll(fiber::Fiber& self, env::Env& env, int32_t partition_count,
                                                    size_t count) {
  Consumer consumer(env, FromTheBeginning());
  std::vector<TopicPartition> partitions;
  for (int32_t i = 0; i < partition_count; ++i) partitions.push_back({"t", PartitionIndex(i)});
  consumer.Assign(partitions);
  std::map<int32_t, std::vector<std::string>> values;
  size_t got = 0;
  for (int i = 0; i < 100 && got < count; ++i) {
    const PollResult result = consumer.Poll(self, Duration::Millis(500));
    EXPECT_TRUE(result.problems.empty()) << result.problems[0].what;
    for (const PartitionRecords& records : result.partitions) {
      for (const ConsumerRecord& record : records.records) {
        values[records.partition.partition.value()].emplace_back(AsString(*record.value));
        ++got;
      }
    }
  }
  EXPECT_EQ(got, count);
  return values;
}

TEST(ClientsWithBroker, WriteAndReadEveryRecordOnceWithEveryCodec) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    CreateTopic(self, env, "t", 3);
    std::map<int32_t, std::vector<std::string>> written;
    for (const auto codec : {record::Codec::kNone, record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4,
                             record::Codec::kZstd}) {
      auto config = ConfigFor<ProducerConfig>();
      config.compression = codec;
      config.batch_bytes = 500;
      Producer producer(env, config);
      for (int i = 0; i < 100; ++i) {
        const std::string value = std::string(record::ToString(codec)) + std::to_string(i);
        const PartitionIndex partition(i % 3);
        producer.Send(self, {.topic = "t", .partition = partition, .value = AsBytes(value)},
                      [](const SendResult& result) { EXPECT_TRUE(result.ok()) << result.what; });
        written[partition.value()].push_back(value);
      }
      producer.Close(self, Duration::Seconds(30));
      EXPECT_EQ(producer.metrics().ok_record_count, 100);
    }
    EXPECT_EQ(ReadAll(self, env, 3, 500), written);
  });
}

TEST(ClientsWithBroker, AdminMakesDescribesAndDeletesTopics) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    Admin admin(env, ConfigFor<AdminConfig>());
    const NewTopic topic{.name = "t", .partition_count = 2, .configs = {{"retention.ms", "5000"}}};
    EXPECT_TRUE(admin.CreateTopics(self, {topic}, Validation::kValidateOnly).at("t").ok());
    EXPECT_TRUE(admin.CreateTopics(self, {topic}).at("t").ok());
    const AdminStatus again = admin.CreateTopics(self, {topic}).at("t");
    EXPECT_EQ(again.error, ErrorCode::kTopicAlreadyExists);
    EXPECT_EQ(again.outcome, Outcome::kFail);
    EXPECT_EQ(admin.CreateTopics(self, {{.name = "bad name"}}).at("bad name").error, ErrorCode::kInvalidTopicException);

    EXPECT_TRUE(admin.CreatePartitions(self, {{"t", 4}}).at("t").ok());
    EXPECT_EQ(admin.CreatePartitions(self, {{"t", 2}}).at("t").error, ErrorCode::kInvalidPartitions);
    const auto described = admin.DescribeTopics(self, {"t", "nope"});
    ASSERT_TRUE(described.ok());
    EXPECT_EQ(described.value.at("t").value.partitions.size(), 4u);
    EXPECT_EQ(described.value.at("nope").status.error, ErrorCode::kUnknownTopicOrPartition);
    EXPECT_THAT(admin.ListTopics(self).value, ::testing::Contains("t"));

    const auto cluster = admin.DescribeCluster(self);
    ASSERT_TRUE(cluster.ok()) << cluster.status.what;
    ASSERT_EQ(cluster.value.brokers.size(), 1u);
    EXPECT_EQ(cluster.value.controller, cluster.value.brokers[0].id);

    const TopicId id = described.value.at("t").value.id;
    EXPECT_FALSE(id.is_zero());
    EXPECT_EQ(admin.DeleteTopicsById(self, {TopicId{1, 2}}).at({1, 2}).error, ErrorCode::kUnknownTopicId);
    EXPECT_TRUE(admin.DeleteTopicsById(self, {id}).at(id).ok());
    EXPECT_TRUE(admin.CreateTopics(self, {topic}).at("t").ok());
    EXPECT_EQ(admin.DeleteTopicsById(self, {id}).at(id).error, ErrorCode::kUnknownTopicId) << "another topic";
    EXPECT_TRUE(admin.DeleteTopics(self, {"t"}).at("t").ok());
    EXPECT_EQ(admin.DeleteTopics(self, {"t"}).at("t").error, ErrorCode::kUnknownTopicOrPartition);
  });
}

TEST(ClientsWithBroker, AdminReadsAndChangesConfigurations) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    CreateTopic(self, env, "t", 1);
    Admin admin(env, ConfigFor<AdminConfig>());
    const ConfigResource topic{ConfigKind::kTopic, "t"};
    const auto value_of = [&](const std::string& name) {
      const auto described = admin.DescribeConfigs(self, {topic});
      EXPECT_TRUE(described.at(topic).ok()) << described.at(topic).status.what;
      for (const ConfigEntry& entry : described.at(topic).value) {
        if (entry.name == name) return entry.value.value_or("null") + " from " + std::to_string(entry.source);
      }
      return std::string("missing");
    };
    EXPECT_EQ(value_of("retention.ms"), "604800000 from 5");
    const auto set = admin.IncrementalAlterConfigs(
        self, {{topic, {{.operation = ConfigOperation::kSet, .name = "retention.ms", .value = "1000"}}}});
    EXPECT_TRUE(set.at(topic).ok()) << set.at(topic).what;
    EXPECT_EQ(value_of("retention.ms"), "1000 from 1");
    const auto bad = admin.IncrementalAlterConfigs(
        self, {{topic, {{.operation = ConfigOperation::kSet, .name = "retention.ms", .value = "soon"}}}});
    EXPECT_EQ(bad.at(topic).error, ErrorCode::kInvalidConfig);
    EXPECT_EQ(bad.at(topic).outcome, Outcome::kFail);
    const auto reset = admin.IncrementalAlterConfigs(
        self, {{topic, {{.operation = ConfigOperation::kDelete, .name = "retention.ms", .value = std::nullopt}}}});
    EXPECT_TRUE(reset.at(topic).ok());
    EXPECT_EQ(value_of("retention.ms"), "604800000 from 5");
    const auto replaced = admin.AlterConfigs(self, {{topic, {{"retention.bytes", "5000"}}}});
    EXPECT_TRUE(replaced.at(topic).ok()) << replaced.at(topic).what;
    EXPECT_EQ(value_of("retention.bytes"), "5000 from 1");
    EXPECT_TRUE(admin.AlterConfigs(self, {{topic, {{"retention.ms", "9000"}}}}).at(topic).ok());
    EXPECT_EQ(value_of("retention.bytes"), "-1 from 5") << "what is not named goes back to its default";
    const ConfigResource node{ConfigKind::kBroker, "1"};
    EXPECT_TRUE(admin.DescribeConfigs(self, {node}).at(node).ok());
  });
}

TEST(ClientsWithBroker, AdminLooksIntoPartitionsAndDeletesRecords) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    CreateTopic(self, env, "t", 1);
    Producer producer(env, ConfigFor<ProducerConfig>());
    for (int i = 0; i < 10; ++i) {
      const std::string value = std::to_string(i);
      const SendResult sent =
          producer.SendAndWait(self, {.topic = "t", .value = AsBytes(value), .timestamp = Timestamp(1000 + i)});
      EXPECT_TRUE(sent.ok()) << sent.what;
    }
    Admin admin(env, ConfigFor<AdminConfig>());
    const auto producers = admin.DescribeProducers(self, {kP0});
    ASSERT_TRUE(producers.at(kP0).ok()) << producers.at(kP0).status.what;
    ASSERT_EQ(producers.at(kP0).value.size(), 1u);
    EXPECT_EQ(producers.at(kP0).value[0].last_sequence, 9);
    EXPECT_EQ(admin.ListOffsets(self, {{kP0, kLatestOffset}}).at(kP0).offset, Offset(10));
    EXPECT_EQ(admin.ListOffsets(self, {{kP0, Timestamp(1004)}}).at(kP0).offset, Offset(4));
    EXPECT_EQ(admin.DeleteRecords(self, {{kP0, Offset(99)}}).at(kP0).status.error, ErrorCode::kOffsetOutOfRange);
    const auto deleted = admin.DeleteRecords(self, {{kP0, Offset(7)}});
    ASSERT_TRUE(deleted.at(kP0).ok()) << deleted.at(kP0).status.what;
    EXPECT_EQ(deleted.at(kP0).value, Offset(7));
    EXPECT_EQ(admin.ListOffsets(self, {{kP0, kEarliestOffset}}).at(kP0).offset, Offset(7));
    const auto dirs = admin.DescribeLogDirs(self, NodeId(1));
    ASSERT_TRUE(dirs.ok()) << dirs.status.what;
    ASSERT_FALSE(dirs.value.empty());
    EXPECT_EQ(ReadAll(self, env, 1, 3).at(0), (std::vector<std::string>{"7", "8", "9"}));
    producer.Close(self, Duration::Seconds(1));
  });
}

TEST(ClientsWithBroker, LateConsumersAndLongPollsSeeNewRecordsAtOnce) {
  BrokerWorld world;
  world.Run([](fiber::Fiber& self, env::Env& env) {
    CreateTopic(self, env, "t", 1);
    auto config = FromTheBeginning();
    config.fetch_max_wait = Duration::Seconds(5);
    Consumer consumer(env, config);
    consumer.Assign(std::vector{kP0});
    EXPECT_EQ(consumer.Poll(self, Duration::Seconds(1)).record_count(), 0u);
    Producer producer(env, ConfigFor<ProducerConfig>());
    EXPECT_TRUE(producer.SendAndWait(self, {.topic = "t", .value = AsBytes("x")}).ok());
    const MonoTime start = self.Now();
    EXPECT_EQ(consumer.Poll(self, Duration::Seconds(10)).record_count(), 1u);
    EXPECT_LT(self.Now() - start, Duration::Millis(500));
    producer.Close(self, Duration::Seconds(1));
  });
}

// The broker dies again and again while records are on their way: with acks=all and idempotence the log has every
// acknowledged value once, in the order of sending, and nothing that failed.
TEST(ClientsWithBroker, OutcomesAreTrueAcrossCrashesOfTheBroker) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    BrokerWorld world({.properties = {{"log.flush.interval.messages", "1"}}, .seed = seed});
    std::map<std::string, Outcome> outcomes;
    std::vector<std::string> sent;
    world.Run([&](fiber::Fiber& self, env::Env& env) { CreateTopic(self, env, "t", 1); });
    for (int round = 0; round < 3; ++round) {
      world.Run([&](fiber::Fiber& self, env::Env& env) {
        auto config = ConfigFor<ProducerConfig>();
        config.batch_bytes = 100;
        config.linger = Duration::Millis(1);
        config.common.request_timeout = Duration::Seconds(2);
        config.delivery_timeout = Duration::Seconds(20);
        Producer producer(env, config);
        for (int i = 0; i < 100; ++i) {
          const std::string value = std::to_string(round) + "/" + std::to_string(i);
          sent.push_back(value);
          producer.Send(self, {.topic = "t", .value = AsBytes(value)},
                        [&outcomes, value](const SendResult& result) { outcomes[value] = result.outcome; });
          fiber::SleepFor(self, Duration::Micros(300));
          if (i == 50) {
            world.broker_node().Crash();
            world.broker_node().BootAfter(Duration::Millis(50));
          }
        }
        producer.Close(self, Duration::Seconds(30));
      });
    }
    world.Run([&](fiber::Fiber& self, env::Env& env) {
      size_t ok_count = 0;
      for (const auto& [value, outcome] : outcomes) ok_count += outcome == Outcome::kOk ? 1 : 0;
      EXPECT_EQ(outcomes.size(), sent.size());
      EXPECT_GT(ok_count, 200u);
      const ListedOffset end = Admin(env, ConfigFor<AdminConfig>()).ListOffsets(self, {{kP0, kLatestOffset}}).at(kP0);
      const auto values = ReadAll(self, env, 1, static_cast<size_t>(end.offset.value()))[0];
      const std::set<std::string> distinct(values.begin(), values.end());
      EXPECT_EQ(distinct.size(), values.size()) << "a value is there twice";
      for (const auto& [value, outcome] : outcomes) {
        if (outcome != Outcome::kUnknown) {
          EXPECT_EQ(distinct.contains(value), outcome == Outcome::kOk) << value << " was " << ToString(outcome);
        }
      }
      std::vector<std::string> expected;
      for (const std::string& value : sent) {
        if (distinct.contains(value)) expected.push_back(value);
      }
      EXPECT_EQ(values, expected) << "not in the order of sending";
    });
  }
}

}  // namespace
}  // namespace odradek::client
