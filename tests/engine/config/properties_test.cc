#include "engine/config/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/config/broker_config.h"
#include "engine/config/setting_error.h"
#include "tests/engine/config/message_of.h"

namespace odradek::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

std::vector<std::pair<std::string, std::string>> Pairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto parsed = ParseProperties("f", text);
  EXPECT_TRUE(parsed.ok()) << MessageOf(parsed.status());
  if (!parsed.ok()) return pairs;
  for (const Property& p : *parsed) pairs.emplace_back(p.key, p.value);
  return pairs;
}

TEST(Properties, KeyEndsAtEqualsColonOrBlank) {
  EXPECT_THAT(Pairs("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf"), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3"),
                                                                     Pair("d", "4"), Pair("e", "5"), Pair("f", "")));
}

TEST(Properties, OnlyTheFirstSeparatorCounts) {
  EXPECT_THAT(Pairs("listeners=PLAINTEXT://:9092\nx==1\ny = : 1"),
              ElementsAre(Pair("listeners", "PLAINTEXT://:9092"), Pair("x", "=1"), Pair("y", ": 1")));
}

TEST(Properties, CommentsAndEmptyLinesAreSkipped) {
  EXPECT_THAT(Pairs("# one\n  ! two\n\n \t \na=1 # stays"), ElementsAre(Pair("a", "1 # stays")));
}

TEST(Properties, BackslashContinuesALine) {
  EXPECT_THAT(Pairs("a=1,\\\n   2,\\\r\n\t3\nb=c\\\\\nd=e"),
              ElementsAre(Pair("a", "1,2,3"), Pair("b", "c\\"), Pair("d", "e")));
  EXPECT_THAT(Pairs("a=1\\"), ElementsAre(Pair("a", "1")));
}

TEST(Properties, EscapesAreResolved) {
  EXPECT_THAT(Pairs("a\\=b\\ c=\\t\\n\\u00e9\\q"), ElementsAre(Pair("a=b c", "\t\n\xc3\xa9q")));
  EXPECT_THAT(Pairs("s=\\uD83D\\uDE00"), ElementsAre(Pair("s", "\xf0\x9f\x98\x80")));
}

TEST(Properties, BadUnicodeEscapeNamesFileLineAndKey) {
  EXPECT_THAT(MessageOf(ParseProperties("s.properties", "a=1\nb=\\u12x4").status()), HasSubstr("s.properties:2"));
  EXPECT_THAT(MessageOf(ParseProperties("s.properties", "key=\\ud83d").status()), HasSubstr("'key'"));
}

TEST(Properties, LineWithoutKeyIsAnError) {
  EXPECT_EQ(MessageOf(ParseProperties("f", "\n=1").status()), "f:2: a line without a key");
}

TEST(Properties, LineNumberIsThatOfTheKey) {
  const auto parsed = ParseProperties("f", "a=1\\\n2\\\n3\nb=2");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)[1].line, 4);
}

TEST(StaticConfig, ShippedKafkaFileIsAcceptedWithWarningsOnlyForOtherValues) {
  constexpr std::string_view kShipped = R"(
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
)";
  const auto config = ParseStaticConfig("server.properties", kShipped);
  ASSERT_TRUE(config.ok()) << MessageOf(config.status());
  EXPECT_THAT(config->warnings, SizeIs(5));
  EXPECT_EQ(config->warnings[0],
            "server.properties:18: offsets.topic.replication.factor=1 has no effect: Of consumer groups, which this "
            "version lacks.");
}

TEST(StaticConfig, UnknownKeyNamesFileAndLine) {
  EXPECT_EQ(MessageOf(ParseStaticConfig("s.properties", "node.id=1\nnum.partition=3").status()),
            "s.properties:2: unknown configuration 'num.partition'");
}

TEST(StaticConfig, BadValueNamesFileLineKeyValueAndRange) {
  EXPECT_EQ(MessageOf(ParseStaticConfig("s.properties", "num.partitions=none").status()),
            "s.properties:1: Invalid value 'none' for configuration num.partitions: expected a whole number between 1 "
            "and 2147483647");
}

TEST(StaticConfig, RemovedPropertyIsIgnoredWithAWarning) {
  const auto config = ParseStaticConfig("s", "zookeeper.connect=a:2181\ninter.broker.protocol.version=3.9");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->properties, IsEmpty());
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("zookeeper.connect was removed"), HasSubstr("inter.broker")));
}

TEST(StaticConfig, UnsupportedFamilyIsRefused) {
  EXPECT_THAT(MessageOf(ParseStaticConfig("s", "ssl.keystore.location=/k").status()), HasSubstr("s:1: ssl.keystore"));
}

TEST(StaticConfig, BrokerIdIsNodeId) {
  EXPECT_THAT(ParseStaticConfig("s", "broker.id=7")->properties, ElementsAre(Pair("node.id", "7")));
  EXPECT_THAT(MessageOf(ParseStaticConfig("s", "broker.id=7\nnode.id=8").status()), HasSubstr("set twice"));
}

TEST(StaticConfig, AnErrorOfTheWholeGetsThePlaceOfItsSetting) {
  const auto config = ParseStaticConfig("s", "node.id=1\nlisteners=x");
  ASSERT_TRUE(config.ok());
  const auto resolved = ResolveBrokerConfig({.static_broker = &config->properties});
  EXPECT_EQ(SettingOf(resolved.status()), "listeners");
  EXPECT_EQ(WithPlace(*config, resolved.status()),
            "s:2: Invalid value 'x' for configuration listeners: expected NAME://host:port with a port up to 65535");
  // Whatever the text says.
  const absl::Status of_node = WrongSetting({.name = "node.id", .value = "configuration listeners: ", .why = "no"});
  EXPECT_EQ(WithPlace(*config, of_node),
            "s:1: Invalid value 'configuration listeners: ' for configuration node.id: no");
  EXPECT_EQ(WithPlace(*config, WrongSetting({.name = "log.dirs", .why = "no"})), "Invalid configuration log.dirs: no");
  EXPECT_EQ(WithPlace(*config, absl::InvalidArgumentError("configuration node.id: x")), "configuration node.id: x");
  EXPECT_EQ(SettingOf(absl::OkStatus()), "");
}

RC_GTEST_PROP(PropertiesProperty, AnyTextIsParsedOrRefused, (std::string text)) {
  const auto parsed = ParseProperties("f", text);
  if (!parsed.ok()) RC_ASSERT(MessageOf(parsed.status()).starts_with("f:"));
}

RC_GTEST_PROP(PropertiesProperty, EscapedPairComesBack, (std::string key, std::string value)) {
  RC_PRE(!key.empty());
  const auto escape = [](const std::string& s) {
    std::string out;
    for (const char c : s) {
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\r') {
        out += "\\r";
      } else if (c == 't' || c == 'n' || c == 'r' || c == 'f' || c == 'u') {
        out += c;  // a backslash would give these a meaning
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  };
  const auto parsed = ParseProperties("f", escape(key) + "=" + escape(value));
  RC_ASSERT(parsed.ok());
  RC_ASSERT(parsed->size() == 1u);
  RC_ASSERT(parsed->front().key == key);
  RC_ASSERT(parsed->front().value == value);
}

}  // namespace
}  // namespace odradek::config
