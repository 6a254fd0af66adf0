#include "engine/client/config.h"

#include <gtest/gtest.h>

#include "engine/client/backoff.h"

namespace odradek::client {
namespace {

TEST(ClientConfig, ProducerDefaultsAreKafkas) {
  const auto result = ParseProducerConfig({{"bootstrap.servers", "a:1, b:2"}});
  ASSERT_TRUE(result.ok()) << result.error;
  const ProducerConfig& config = result.config;
  EXPECT_EQ(config.common.bootstrap_servers, (std::vector<env::Address>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(config.acks, Acks::kAll);
  EXPECT_EQ(config.idempotence, Idempotence::kOn);
  EXPECT_EQ(config.batch_bytes, 16384);
  EXPECT_EQ(config.linger, Duration::Millis(5));
  EXPECT_EQ(config.delivery_timeout, Duration::Millis(120000));
  EXPECT_EQ(config.max_in_flight, 5);
}

TEST(ClientConfig, ReadsEveryKindOfValue) {
  const auto result = ParseProducerConfig({{"bootstrap.servers", "[::1]:9092"},
                                           {"acks", "1"},
                                           {"compression.type", "zstd"},
                                           {"linger.ms", "0"},
                                           {"partitioner.ignore.keys", "true"},
                                           {"client.id", "me"},
                                           {"metadata.max.age.ms", "9223372036854775807"}});
  ASSERT_TRUE(result.ok()) << result.error;
  EXPECT_EQ(result.config.common.bootstrap_servers[0], (env::Address{"::1", 9092}));
  EXPECT_EQ(result.config.acks, Acks::kLeader);
  EXPECT_EQ(result.config.idempotence, Idempotence::kOff);
  EXPECT_EQ(result.config.compression, record::Codec::kZstd);
  EXPECT_EQ(result.config.key_use, KeyUse::kIgnore);
  EXPECT_EQ(result.config.common.metadata_max_age, Duration::kMax);
}

TEST(ClientConfig, ErrorsNameTheSettingAndTheValue) {
  const auto error_of = [](ConfigMap values) {
    values.try_emplace("bootstrap.servers", "a:1");
    return ParseProducerConfig(values).error;
  };
  EXPECT_EQ(error_of({{"bootstrap.servers", ""}}), "bootstrap.servers is missing");
  EXPECT_EQ(error_of({{"bootstrap.servers", "host"}}), "invalid value 'host' for bootstrap.servers: must be HOST:PORT");
  EXPECT_EQ(error_of({{"bootstrap.servers", "a:70000"}}),
            "invalid value 'a:70000' for bootstrap.servers: must be HOST:PORT");
  EXPECT_EQ(error_of({{"acks", "2"}}), "invalid value '2' for acks: must be one of all, -1, 0, 1");
  EXPECT_EQ(error_of({{"linger.ms", "5ms"}}), "invalid value '5ms' for linger.ms: not an integer");
  EXPECT_EQ(error_of({{"retries", "-1"}}), "invalid value '-1' for retries: must be between 0 and 2147483647");
  EXPECT_EQ(error_of({{"linger", "5"}}), "unknown configuration linger");
  EXPECT_EQ(error_of({{"acks", "1"}, {"enable.idempotence", "true"}}), "enable.idempotence needs acks=all");
  EXPECT_EQ(error_of({{"enable.idempotence", "true"}, {"max.in.flight.requests.per.connection", "6"}}),
            "enable.idempotence needs max.in.flight.requests.per.connection <= 5");
  EXPECT_EQ(error_of({{"delivery.timeout.ms", "30000"}}),
            "delivery.timeout.ms must be at least linger.ms + request.timeout.ms");
}

TEST(ClientConfig, AnErrorKnowsTheSettingThatItIsAbout) {
  const ConfigMap good = {{"bootstrap.servers", "a:1"}};
  const auto setting_of = [&](ConfigMap values) {
    values.insert(good.begin(), good.end());
    return ParseProducerConfig(values).setting;
  };
  EXPECT_EQ(setting_of({}), "");
  EXPECT_EQ(setting_of({{"linger", "5"}}), "linger");
  EXPECT_EQ(setting_of({{"acks", "2"}, {"linger", "5"}}), "acks");
  EXPECT_EQ(setting_of({{"delivery.timeout.ms", "30000"}}), "");
}

TEST(ClientConfig, ReadsConsumerAndAdmin) {
  const auto consumer = ParseConsumerConfig({{"bootstrap.servers", "a:1"},
                                             {"auto.offset.reset", "earliest"},
                                             {"isolation.level", "read_committed"},
                                             {"check.crcs", "false"}});
  ASSERT_TRUE(consumer.ok()) << consumer.error;
  EXPECT_EQ(consumer.config.auto_offset_reset, OffsetReset::kEarliest);
  EXPECT_EQ(consumer.config.isolation_level, IsolationLevel::kReadCommitted);
  EXPECT_EQ(consumer.config.check_crcs, CrcCheck::kOff);
  EXPECT_EQ(ParseConsumerConfig({{"bootstrap.servers", "a:1"}, {"group.id", "g"}}).error,
            "unknown configuration group.id");
  EXPECT_TRUE(ParseAdminConfig({{"bootstrap.servers", "a:1"}, {"default.api.timeout.ms", "5"}}).ok());
}

TEST(ClientConfig, ReadsAResetByDuration) {
  const auto length_of = [](const std::string& text) -> int64_t {
    const auto parsed =
        ParseConsumerConfig({{"bootstrap.servers", "a:1"}, {"auto.offset.reset", "by_duration:" + text}});
    if (!parsed.ok()) return -1;
    EXPECT_EQ(parsed.config.auto_offset_reset, OffsetReset::kByDuration);
    return parsed.config.auto_offset_reset_duration.millis();
  };
  EXPECT_EQ(length_of("PT1H"), 3'600'000);
  EXPECT_EQ(length_of("P1DT2H3M4.5S"), 86'400'000 + 7'200'000 + 180'000 + 4'500);
  EXPECT_EQ(length_of("P2D"), 172'800'000);
  EXPECT_EQ(length_of("PT0S"), 0);
  for (const char* wrong : {"", "P", "PT", "P1DT", "1H", "P1H", "PT1D", "PT1M1H", "PT1H1H", "PT-1H", "-PT1H", "PT1.5H",
                            "PTH", "PT1", "PT99999999999999999999S"}) {
    EXPECT_EQ(length_of(wrong), -1) << wrong;
  }
  EXPECT_EQ(ParseConsumerConfig({{"bootstrap.servers", "a:1"}, {"auto.offset.reset", "by_duration:1h"}}).error,
            "invalid value 'by_duration:1h' for auto.offset.reset: by_duration: needs a length of time such as PT1H30M "
            "or P2D");
}

TEST(Backoff, DoublesUpToItsMaximumWithinTwentyPercent) {
  const BackoffRange range{Duration::Millis(100), Duration::Millis(1000)};
  EXPECT_EQ(BackoffAfter(range, 0, 5), Duration());
  for (const auto& [count, millis] : {std::pair<int64_t, int64_t>{1, 100}, {2, 200}, {4, 800}, {5, 1000}, {99, 1000}}) {
    EXPECT_EQ(BackoffAfter(range, count, 0), Duration::Millis(millis) / 10 * 8);
    EXPECT_EQ(BackoffAfter(range, count, ~uint64_t{0}), Duration::Millis(millis) / 10 * 12);
  }
  EXPECT_GT(BackoffAfter({Duration::Millis(1), Duration::kMax}, 100, ~uint64_t{0}), Duration());
}

}  // namespace
}  // namespace odradek::client
