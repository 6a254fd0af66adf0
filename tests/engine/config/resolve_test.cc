#include "engine/config/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/config/broker_config.h"
#include "engine/config/topic_config.h"
#include "tests/engine/config/message_of.h"

namespace odradek::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Description* Find(const std::vector<Description>& all, std::string_view name) {
  for (const Description& d : all) {
    if (d.name == name) return &d;
  }
  return nullptr;
}

std::vector<std::string> Shown(const Description& d) {
  std::vector<std::string> out;
  for (const SynonymEntry& s : d.synonyms) {
    out.push_back(std::to_string(static_cast<int>(s.source)) + ":" + s.name + "=" + s.value.value_or("null"));
  }
  return out;
}

TEST(ResolveTopic, OverrideGoesBeforeDynamicBeforeStaticBeforeDefault) {
  const ConfigDef& def = *FindTopicDef("max.message.bytes");
  const PropertyMap topic{{"max.message.bytes", "1"}};
  const PropertyMap broker{{"message.max.bytes", "2"}};
  const PropertyMap cluster{{"message.max.bytes", "3"}};
  const PropertyMap file{{"message.max.bytes", "4"}};
  Layers layers{&topic, &broker, &cluster, &file};
  const auto check = [&](int64_t number, Source source) {
    EXPECT_EQ(ResolveTopic(layers, def).value->number, number);
    EXPECT_EQ(ResolveTopic(layers, def).source, source);
  };
  check(1, Source::kDynamicTopic);
  layers.topic = nullptr;
  check(2, Source::kDynamicBroker);
  layers.dynamic_broker = nullptr;
  check(3, Source::kDynamicDefaultBroker);
  layers.dynamic_default = nullptr;
  check(4, Source::kStaticBroker);
  layers.static_broker = nullptr;
  check(1048588, Source::kDefault);
}

TEST(ResolveTopic, RetentionUnitsGoMillisecondsThenMinutesThenHours) {
  PropertyMap file{{"log.retention.hours", "2"}};
  const Layers layers{.topic = nullptr, .dynamic_broker = nullptr, .dynamic_default = nullptr, .static_broker = &file};
  EXPECT_EQ(ResolveTopicConfig(layers).retention_time, Duration::Seconds(7200));
  file["log.retention.minutes"] = "3";
  EXPECT_EQ(ResolveTopicConfig(layers).retention_time, Duration::Seconds(180));
  file["log.retention.ms"] = "4";
  EXPECT_EQ(ResolveTopicConfig(layers).retention_time, Duration::Millis(4));
}

TEST(ResolveTopic, MinusOneHoursIsNoLimit) {
  const PropertyMap file{{"log.retention.hours", "-1"}, {"log.retention.bytes", "524288000"}};
  const Layers layers{.topic = nullptr, .dynamic_broker = nullptr, .dynamic_default = nullptr, .static_broker = &file};
  const TopicConfig config = ResolveTopicConfig(layers);
  EXPECT_EQ(config.retention_time, std::nullopt);
  EXPECT_EQ(config.retention_bytes, 524288000);
  EXPECT_EQ(Find(DescribeTopic(layers, std::nullopt), "retention.ms")->value, "-1");
}

TEST(ResolveTopic, StaticMillisecondsGoBehindDynamicValueOfAWeakerUnit) {
  const PropertyMap cluster{{"log.roll.ms", "5"}};
  const PropertyMap file{{"log.roll.hours", "1"}};
  const Layers layers{nullptr, nullptr, &cluster, &file};
  EXPECT_EQ(ResolveTopicConfig(layers).segment_time, Duration::Millis(5));
}

TEST(TopicConfig, WithoutAnyLayerHasTheDefaultsOfTheStruct) {
  EXPECT_EQ(ResolveTopicConfig(Layers{}), TopicConfig{});
}

TEST(TopicConfig, FlushPolicyFollowsTheSettings) {
  PropertyMap topic;
  const Layers layers{&topic, nullptr, nullptr, nullptr};
  EXPECT_EQ(ResolveTopicConfig(layers).flush_policy(), FlushPolicy::kNever);
  topic["flush.ms"] = "1000";
  EXPECT_EQ(ResolveTopicConfig(layers).flush_policy(), FlushPolicy::kByInterval);
  topic["flush.messages"] = "10";
  EXPECT_EQ(ResolveTopicConfig(layers).flush_policy(), FlushPolicy::kByMessages);
  topic["flush.messages"] = "1";
  EXPECT_EQ(ResolveTopicConfig(layers).flush_policy(), FlushPolicy::kEveryAppend);
}

TEST(TopicConfig, InternalSegmentBytesHasNoLowerBound) {
  const PropertyMap topic{{"internal.segment.bytes", "200"}, {"segment.bytes", "1048576"}};
  EXPECT_EQ(ResolveTopicConfig(Layers{&topic, nullptr, nullptr, nullptr}).segment_bytes, 200);
}

TEST(TopicConfig, JitterIsBoundedBySegmentTime) {
  const PropertyMap topic{{"segment.ms", "10"}, {"segment.jitter.ms", "11"}};
  EXPECT_EQ(ResolveTopicConfig(Layers{&topic, nullptr, nullptr, nullptr}).segment_jitter, Duration::Millis(10));
}

TEST(DescribeTopic, ListsSynonymsStrongestFirst) {
  const PropertyMap topic{{"retention.ms", "+60000"}};
  const PropertyMap file{{"log.retention.ms", "7"}, {"log.retention.minutes", "5"}};
  const auto all = DescribeTopic(Layers{&topic, nullptr, nullptr, &file}, std::nullopt);
  const Description* const d = Find(all, "retention.ms");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->value, "60000");
  EXPECT_EQ(d->source, Source::kDynamicTopic);
  EXPECT_EQ(d->type, Type::kLong);
  EXPECT_FALSE(d->is_read_only);
  EXPECT_THAT(Shown(*d), ElementsAre("1:retention.ms=+60000", "4:log.retention.ms=7", "4:log.retention.minutes=5",
                                     "5:log.retention.hours=168"));
}

TEST(DescribeTopic, ShowsAValueOfAWeakerBrokerPropertyAsTheDefault) {
  const PropertyMap file{{"log.retention.minutes", "5"}};
  const auto all = DescribeTopic(Layers{nullptr, nullptr, nullptr, &file}, std::nullopt);
  const Description* const d = Find(all, "retention.ms");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->value, "300000");
  EXPECT_EQ(d->source, Source::kDefault);
  EXPECT_THAT(Shown(*d), IsEmpty());
}

TEST(DescribeBroker, DoesNotListWhatKafkaDoesNot) {
  const auto all = DescribeBroker(Layers{}, std::nullopt);
  EXPECT_EQ(Find(all, "unstable.api.versions.enable"), nullptr);
  EXPECT_EQ(Find(all, "super.users"), nullptr);
}

TEST(DescribeTopic, HidesInternalPropertiesThatAreUnset) {
  EXPECT_EQ(Find(DescribeTopic(Layers{}, std::nullopt), "internal.segment.bytes"), nullptr);
  EXPECT_THAT(DescribeTopic(Layers{}, std::vector<std::string>{"no.such.name"}), IsEmpty());
  EXPECT_EQ(DescribeTopic(Layers{}, std::vector<std::string>{"segment.ms", "segment.bytes"}).size(), 2u);
}

TEST(DescribeBroker, UnsetMemberOfAFamilyHasNoValue) {
  const auto all = DescribeBroker(Layers{}, std::nullopt);
  EXPECT_EQ(Find(all, "log.retention.ms")->value, std::nullopt);
  EXPECT_THAT(Shown(*Find(all, "log.retention.ms")), IsEmpty());
  EXPECT_THAT(Shown(*Find(all, "log.retention.hours")), ElementsAre("5:log.retention.hours=168"));
}

TEST(DescribeBroker, TellsWhatCannotChangeAndWhereValuesAreFrom) {
  const PropertyMap file{{"node.id", "3"}};
  const PropertyMap cluster{{"message.max.bytes", "9"}};
  const auto all = DescribeBroker(Layers{nullptr, nullptr, &cluster, &file}, std::nullopt);
  EXPECT_TRUE(Find(all, "node.id")->is_read_only);
  EXPECT_EQ(Find(all, "node.id")->source, Source::kStaticBroker);
  EXPECT_FALSE(Find(all, "message.max.bytes")->is_read_only);
  EXPECT_EQ(Find(all, "message.max.bytes")->source, Source::kDynamicDefaultBroker);
  EXPECT_EQ(Find(all, "zookeeper.metadata.migration.enable"), nullptr);
}

TEST(DescribeClusterDefault, ListsOnlyWhatIsSet) {
  const auto all = DescribeClusterDefault(PropertyMap{{"min.insync.replicas", "1"}}, std::nullopt);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "min.insync.replicas");
  EXPECT_EQ(all[0].source, Source::kDynamicDefaultBroker);
}

absl::StatusOr<BrokerConfig> Broker(const PropertyMap& file) {
  return ResolveBrokerConfig(Layers{nullptr, nullptr, nullptr, &file});
}

std::string BrokerError(const PropertyMap& file) {
  const auto config = Broker(file);
  return config.ok() ? "ok" : MessageOf(config.status());
}

TEST(BrokerConfig, DefaultsMakeAUsableNode) {
  const auto config = Broker({});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->node_id, NodeId(1));
  EXPECT_THAT(config->listeners, ElementsAre(Endpoint{"PLAINTEXT", "", 9092}));
  EXPECT_EQ(config->advertised_listeners, config->listeners);
  EXPECT_EQ(config->inter_broker_listener, "PLAINTEXT");
  EXPECT_EQ(config->metrics_listener, std::nullopt);
  EXPECT_EQ(config->metadata_log_dir, "/tmp/kafka-logs");
}

TEST(BrokerConfig, ControllerListenersAreKeptApart) {
  const auto config = Broker({{"listeners", "PLAINTEXT://:9092,CONTROLLER://[::1]:9093"},
                              {"advertised.listeners", "PLAINTEXT://h:1,CONTROLLER://h:2"},
                              {"controller.listener.names", "CONTROLLER"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->controller_listeners, ElementsAre(Endpoint{"CONTROLLER", "::1", 9093}));
  EXPECT_THAT(config->advertised_controller_listeners, ElementsAre(Endpoint{"CONTROLLER", "h", 2}));
  EXPECT_THAT(config->advertised_listeners, ElementsAre(Endpoint{"PLAINTEXT", "h", 1}));
}

TEST(BrokerConfig, BadListenersAreRefused) {
  for (const char* bad : {"PLAINTEXT://:65536", "PLAINTEXT:9092", "://:1", "A B://h:1", "PLAINTEXT://::1:9092"}) {
    EXPECT_THAT(BrokerError({{"listeners", bad}}), HasSubstr("expected NAME://host:port")) << bad;
  }
  EXPECT_THAT(BrokerError({{"listeners", "PLAINTEXT://:1,PLAINTEXT://:2"}}), HasSubstr("there twice"));
  EXPECT_THAT(BrokerError({{"listeners", "PLAINTEXT://:1,SSL://:2"}}), HasSubstr("supports only PLAINTEXT"));
  EXPECT_THAT(BrokerError({{"listeners", "FRONT://:1"}}), HasSubstr("listener.security.protocol.map"));
  EXPECT_THAT(BrokerError({{"advertised.listeners", "PLAINTEXT://0.0.0.0:1"}}), HasSubstr("no client can reach"));
  EXPECT_THAT(BrokerError({{"advertised.listeners", "SSL://h:1"}}), HasSubstr("not in listeners"));
  EXPECT_THAT(BrokerError({{"listeners", "PLAINTEXT://:1"}, {"inter.broker.listener.name", "X"}}),
              HasSubstr("inter.broker.listener.name"));
}

TEST(BrokerConfig, VotersAreNamedOnceAndThisNodeIsOne) {
  const PropertyMap both = {{"listeners", "PLAINTEXT://:1,CONTROLLER://:2"},
                            {"controller.listener.names", "CONTROLLER"}};
  const auto with = [&](const std::string& voters) {
    PropertyMap properties = both;
    properties["controller.quorum.voters"] = voters;
    return properties;
  };
  EXPECT_EQ(BrokerError({{"controller.quorum.voters", "1@localhost:9093"}}), "ok");
  EXPECT_TRUE(Broker({{"controller.quorum.voters", "1@localhost:9093"}})->quorum.voters.empty());
  EXPECT_THAT(Broker(with("2@b:1,1@a:1"))->quorum.voters,
              ElementsAre(QuorumVoter{NodeId(1), {"a", 1}}, QuorumVoter{NodeId(2), {"b", 1}}));
  EXPECT_THAT(BrokerError(with("1@a:1,1@b:1")), HasSubstr("there twice"));
  EXPECT_THAT(BrokerError(with("2@a:1,3@b:1")), HasSubstr("not among them"));
  EXPECT_THAT(BrokerError(with("1@a:1,b:1")), HasSubstr("id@host:port"));
  EXPECT_THAT(BrokerError({{"controller.quorum.voters", "1@a:1,2@b:1"}}), HasSubstr("controller.listener.names"));
}

TEST(BrokerConfig, ANodeIsABrokerOrAControllerOrBoth) {
  const PropertyMap broker = {{"process.roles", "broker"},
                              {"listeners", "PLAINTEXT://:1"},
                              {"controller.listener.names", "CONTROLLER,OTHER"},
                              {"controller.quorum.voters", "7@k:9"}};
  const PropertyMap controller = {{"process.roles", "controller"},
                                  {"listeners", "CONTROLLER://:9"},
                                  {"controller.listener.names", "CONTROLLER"},
                                  {"controller.quorum.voters", "1@k:9"}};
  const auto with = [](PropertyMap properties, const std::string& name, const std::string& value) {
    properties[name] = value;
    return BrokerError(properties);
  };
  EXPECT_EQ(Broker({})->role, Role::kBrokerAndController);
  ASSERT_TRUE(Broker(broker).ok()) << Broker(broker).status();
  EXPECT_EQ(Broker(broker)->role, Role::kBroker);
  EXPECT_EQ(Broker(broker)->controller_listener, "CONTROLLER");
  EXPECT_THAT(Broker(broker)->quorum.voters, ElementsAre(QuorumVoter{NodeId(7), {"k", 9}}));
  ASSERT_TRUE(Broker(controller).ok()) << Broker(controller).status();
  EXPECT_EQ(Broker(controller)->role, Role::kController);
  EXPECT_TRUE(Broker(controller)->advertised_listeners.empty());
  EXPECT_THAT(Broker(controller)->quorum.voters, ElementsAre(QuorumVoter{NodeId(1), {"k", 9}}));

  EXPECT_THAT(with(broker, "process.roles", ""), HasSubstr("process.roles"));
  EXPECT_THAT(with(broker, "node.id", "7"), HasSubstr("process.roles is broker, and node.id 7 is among them"));
  EXPECT_THAT(with(broker, "controller.quorum.voters", ""), HasSubstr("controller.quorum.voters"));
  EXPECT_THAT(with(broker, "controller.listener.names", ""), HasSubstr("controller.listener.names, which is not set"));
  EXPECT_THAT(with(broker, "listeners", "PLAINTEXT://:1,CONTROLLER://:2"),
              HasSubstr("CONTROLLER is in controller.listener.names, and process.roles is broker"));
  EXPECT_THAT(with(controller, "listeners", "CONTROLLER://:9,PLAINTEXT://:1"),
              HasSubstr("PLAINTEXT is not in controller.listener.names, and process.roles is controller"));
  EXPECT_THAT(with(controller, "node.id", "2"), HasSubstr("not among them"));
  EXPECT_THAT(with(controller, "listeners", "PLAINTEXT://:1"), HasSubstr("listeners"));
}

TEST(BrokerConfig, PreferredLeadersGetTheirPartitionsBackUnlessItIsSwitchedOff) {
  EXPECT_EQ(Broker({})->leader_balance_interval, Duration::Seconds(300));
  EXPECT_EQ(Broker({{"leader.imbalance.check.interval.seconds", "7"}})->leader_balance_interval, Duration::Seconds(7));
  EXPECT_EQ(Broker({{"auto.leader.rebalance.enable", "false"}})->leader_balance_interval, std::nullopt);
}

TEST(BrokerConfig, LogDirsGoesBeforeLogDir) {
  EXPECT_THAT(Broker({{"log.dir", "/a"}})->log_dirs, ElementsAre("/a"));
  EXPECT_THAT(Broker({{"log.dir", "/a"}, {"log.dirs", "/b, /c"}})->log_dirs, ElementsAre("/b", "/c"));
  EXPECT_EQ(Broker({{"log.dir", "/a"}, {"log.dirs", ""}}).status().message(),
            "Invalid configuration log.dirs: it names no folder");
}

TEST(BrokerConfig, NegativeLimitsAreNoLimits) {
  const auto config = Broker({{"connections.max.idle.ms", "-1"},
                              {"metadata.max.idle.interval.ms", "0"},
                              {"metadata.log.max.snapshot.interval.ms", "0"},
                              {"metadata.max.retention.bytes", "-1"}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->connection_idle_max, std::nullopt);
  EXPECT_EQ(config->no_op_interval, std::nullopt);
  EXPECT_EQ(config->snapshot_after_time, std::nullopt);
  EXPECT_EQ(config->metadata_retention_bytes, std::nullopt);
}

}  // namespace
}  // namespace odradek::config
