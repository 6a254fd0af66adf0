// Our tables against a dump of Kafka 4.3.1's own definitions. Every difference is listed here with its reason.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "engine/config/def.h"

namespace odradek::config {
namespace {

struct KafkaDef {
  std::string type;
  std::string default_value;
  std::string smallest;
  std::string dynamic;
};
using KafkaDefs = std::map<std::string, KafkaDef>;

// Properties of one kind: "topic" or "broker".
KafkaDefs Load(const std::string& kind) {
  std::ifstream file("tests/engine/config/testdata/kafka_4.3.1_configs.tsv");
  KafkaDefs out;
  std::string line;
  while (std::getline(file, line)) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
      if (c == '\t') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    if (fields.size() == 6 && fields[0] == kind) out[fields[1]] = {fields[2], fields[3], fields[4], fields[5]};
  }
  return out;
}

// Where we state a bound that Kafka checks elsewhere or not at all.
bool IsStricterThanKafka(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "compression.gzip.level",  // Kafka's own form of validator: 1 to 9, or -1
      "default.replication.factor",
      "internal.segment.bytes",
      "log.flush.interval.ms",
      "log.flush.scheduler.interval.ms",
      "log.retention.hours",
      "log.retention.minutes",
      "log.retention.ms",
      "log.roll.jitter.ms",
      "log.roll.ms",
      "metadata.log.segment.ms",
      "replica.high.watermark.checkpoint.interval.ms"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

void ExpectSame(const KafkaDef& kafka, const ConfigDef& ours) {
  if (ours.name == "log.cleaner.io.max.bytes.per.second") return;  // 1.79E308: kept as text
  EXPECT_EQ(kafka.type, ToString(ours.type)) << ours.name;
  if (kafka.default_value != "<required>") {
    EXPECT_EQ(kafka.default_value, ours.default_value.value_or("<null>")) << ours.name;
  }
  if (IsStricterThanKafka(ours.name) || ours.type == Type::kDouble) return;
  const std::string smallest =
      ours.range.min == std::numeric_limits<int64_t>::min() ? "-" : std::to_string(ours.range.min);
  EXPECT_EQ(kafka.smallest, smallest) << ours.name;
}

TEST(KafkaTables, TopicPropertiesAreKafkas) {
  const KafkaDefs kafka = Load("topic");
  ASSERT_EQ(kafka.size(), TopicDefs().size());
  for (const ConfigDef& def : TopicDefs()) {
    ASSERT_TRUE(kafka.contains(std::string(def.name))) << def.name;
    ExpectSame(kafka.at(std::string(def.name)), def);
  }
}

TEST(KafkaTables, BrokerPropertiesAreKafkas) {
  const KafkaDefs kafka = Load("broker");
  ASSERT_GT(kafka.size(), 200u);
  for (const auto& [name, facts] : kafka) {
    const ConfigDef* const def = FindBrokerDef(name);
    ASSERT_NE(def, nullptr) << name;
    if (name != CanonicalBrokerName(name)) continue;
    ExpectSame(facts, *def);
  }
}

TEST(KafkaTables, NothingIsDynamicThatIsNotInKafka) {
  // Changes of listeners of a running node are a feature that this version lacks.
  const std::set<std::string> read_only_here = {"listeners", "listener.security.protocol.map",
                                                "principal.builder.class"};
  for (const auto& [name, facts] : Load("broker")) {
    const ConfigDef* const def = FindBrokerDef(name);
    ASSERT_NE(def, nullptr) << name;
    const std::string_view ours = def->dynamic == Dynamic::kReadOnly    ? "read-only"
                                  : def->dynamic == Dynamic::kPerBroker ? "per-broker"
                                                                        : "cluster-wide";
    EXPECT_EQ(read_only_here.contains(name) ? "read-only" : facts.dynamic, ours) << name;
  }
}

TEST(KafkaTables, PropertiesOfOurOwnHaveOurPrefix) {
  const KafkaDefs kafka = Load("broker");
  for (const ConfigDef* const def : BrokerDefs()) {
    // Of Kafka's default authorizer, which defines them itself.
    if (def->name == "super.users" || def->name == "allow.everyone.if.no.acl.found") continue;
    // Kafka's QuotaConfig: of running brokers, in none of its tables.
    if (def->name.ends_with(".replication.throttled.rate")) continue;
    if (def->name == "replica.alter.log.dirs.io.max.bytes.per.second") continue;
    if (def->support == Support::kRemoved || kafka.contains(std::string(def->name))) continue;
    EXPECT_TRUE(def->name.starts_with("odradek.")) << def->name;
  }
}

}  // namespace
}  // namespace odradek::config
