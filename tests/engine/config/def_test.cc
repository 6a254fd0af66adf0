#include "engine/config/def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/engine/config/message_of.h"

namespace odradek::config {
namespace {

using ::testing::HasSubstr;

std::vector<const ConfigDef*> AllDefs() {
  std::vector<const ConfigDef*> all = BrokerDefs();
  for (const ConfigDef& def : TopicDefs()) all.push_back(&def);
  return all;
}

TEST(ConfigDef, EveryDefaultParsesAndIsSupported) {
  for (const ConfigDef* const def : AllDefs()) {
    if (!def->default_value) continue;
    const absl::StatusOr<Value> value = ParseSupportedValue(*def, *def->default_value);
    ASSERT_TRUE(value.ok()) << def->name << ": " << MessageOf(value.status());
    EXPECT_EQ(value->text, *def->default_value) << def->name;
  }
}

TEST(ConfigDef, BrokerNamesAreUniqueAcrossTables) {
  std::set<std::string_view> names;
  for (const ConfigDef* const def : BrokerDefs()) EXPECT_TRUE(names.insert(def->name).second) << def->name;
}

TEST(ConfigDef, EverySynonymIsABrokerProperty) {
  for (const ConfigDef* const def : AllDefs()) {
    for (const Synonym& synonym : def->synonyms) EXPECT_NE(FindBrokerDef(synonym.name), nullptr) << synonym.name;
  }
}

TEST(ConfigDef, TopicPropertyAndItsBrokerPropertyHaveTheSameDefault) {
  for (const ConfigDef& def : TopicDefs()) {
    if (def.synonyms.size() != 1) continue;
    EXPECT_EQ(def.default_value, FindBrokerDef(def.synonyms[0].name)->default_value) << def.name;
  }
}

TEST(ConfigDef, EveryPropertyThatCanBeSetIsDocumented) {
  for (const ConfigDef* const def : AllDefs()) {
    EXPECT_TRUE(def->support == Support::kRemoved || !def->documentation.empty()) << def->name;
  }
}

TEST(ConfigValue, BooleanIgnoresCaseAndBlanks) {
  const ConfigDef& def = *FindTopicDef("preallocate");
  EXPECT_FALSE(ParseValue(def, " FALSE ")->boolean);
  EXPECT_TRUE(ParseValue(def, "True")->boolean);
  EXPECT_FALSE(ParseValue(def, "yes").ok());
  EXPECT_FALSE(ParseValue(def, "").ok());
}

TEST(ConfigValue, NumberOutsideTypeOrRangeIsRefusedWithTheRange) {
  const ConfigDef& def = *FindTopicDef("segment.bytes");
  EXPECT_EQ(ParseValue(def, "1048576")->number, 1048576);
  EXPECT_EQ(MessageOf(ParseValue(def, "1048575").status()),
            "Invalid value '1048575' for configuration segment.bytes: expected a whole number between 1048576 and "
            "2147483647");
  for (const char* bad : {"2147483648", "99999999999999999999", "1e6", "0x10", "", "-", "++5", "5 5", "1048576.0"}) {
    EXPECT_FALSE(ParseValue(def, bad).ok()) << bad;
  }
  EXPECT_EQ(ParseValue(def, "+1048577")->text, "1048577");
}

TEST(ConfigValue, GzipLevelZeroIsRefused) {
  const ConfigDef& def = *FindTopicDef("compression.gzip.level");
  EXPECT_TRUE(ParseValue(def, "-1").ok());
  EXPECT_TRUE(ParseValue(def, "9").ok());
  EXPECT_THAT(MessageOf(ParseValue(def, "0").status()), HasSubstr("but not 0"));
  EXPECT_FALSE(ParseValue(def, "10").ok());
}

TEST(ConfigValue, RatioIsExact) {
  const ConfigDef& def = *FindTopicDef("min.cleanable.dirty.ratio");
  EXPECT_EQ(ParseValue(def, "0.01")->number, 10000);
  EXPECT_EQ(ParseValue(def, ".5")->text, "0.5");
  EXPECT_EQ(ParseValue(def, "1")->text, "1.0");
  for (const char* bad : {"1.000001", "-0.1", ".", "0,5", "0.1234567", "1e-1", "NaN"}) {
    EXPECT_FALSE(ParseValue(def, bad).ok()) << bad;
  }
}

TEST(ConfigValue, ListElementsAreCheckedOneByOne) {
  const ConfigDef& def = *FindTopicDef("cleanup.policy");
  EXPECT_EQ(ParseValue(def, " compact , delete")->text, "compact,delete");
  EXPECT_THAT(MessageOf(ParseValue(def, "delete,shred").status()), HasSubstr("a list of: compact, delete"));
  EXPECT_THAT(MessageOf(ParseValue(def, "delete,delete").status()), HasSubstr("listed twice"));
  EXPECT_TRUE(ParseValue(def, "")->list.empty());
  EXPECT_FALSE(ParseValue(def, "delete,").ok());
}

TEST(ConfigValue, CompressionTypeNoneIsRefused) {
  EXPECT_THAT(MessageOf(ValidateTopicOverride("compression.type", "none")), HasSubstr("uncompressed"));
  EXPECT_TRUE(ValidateTopicOverride("compression.type", "uncompressed").ok());
}

TEST(TopicOverride, OfAMissingFeatureIsAcceptedOnlyWithItsDefault) {
  EXPECT_TRUE(ValidateTopicOverride("remote.storage.enable", "false").ok());
  EXPECT_EQ(
      MessageOf(ValidateTopicOverride("remote.storage.enable", "true")),
      "Invalid value 'true' for configuration remote.storage.enable: this version supports only its default 'false'");
  EXPECT_FALSE(ValidateTopicOverride("leader.replication.throttled.replicas", "*").ok());
}

TEST(TopicOverride, UnknownNameIsAnError) {
  EXPECT_EQ(MessageOf(ValidateTopicOverride("retention.milliseconds", "1")),
            "Unknown topic config name: retention.milliseconds");
  EXPECT_FALSE(ValidateTopicOverride("log.retention.ms", "1").ok());
}

TEST(BrokerChange, OnlyDynamicPropertiesCanChange) {
  EXPECT_TRUE(ValidateBrokerChange("message.max.bytes", "2000", BrokerScope::kClusterDefault).ok());
  EXPECT_TRUE(ValidateBrokerChange("message.max.bytes", std::nullopt, BrokerScope::kOneBroker).ok());
  EXPECT_THAT(MessageOf(ValidateBrokerChange("node.id", "2", BrokerScope::kOneBroker)), HasSubstr("node.id"));
  EXPECT_FALSE(ValidateBrokerChange("message.max.bytes", "-1", BrokerScope::kOneBroker).ok());
  EXPECT_FALSE(ValidateBrokerChange("message.max.byte", "1", BrokerScope::kOneBroker).ok());
  EXPECT_THAT(MessageOf(ValidateBrokerChange("num.io.threads", "3", BrokerScope::kOneBroker)),
              HasSubstr("num.io.threads: it has no effect here"));
  EXPECT_TRUE(ValidateBrokerChange("num.io.threads", "8", BrokerScope::kOneBroker).ok()) << "the default";
  EXPECT_FALSE(ValidateBrokerChange("ssl.keystore.location", "/x", BrokerScope::kOneBroker).ok());
  EXPECT_THAT(MessageOf(ValidateBrokerChange("cordoned.log.dirs", "", BrokerScope::kClusterDefault)),
              HasSubstr("name a broker"));
}

RC_GTEST_PROP(ConfigValueProperty, CanonicalTextParsesToTheSameValue, (int64_t number, std::string noise)) {
  for (const ConfigDef* const def : AllDefs()) {
    for (const std::string& text : {std::to_string(number), noise}) {
      const absl::StatusOr<Value> once = ParseValue(*def, text);
      if (!once.ok()) continue;
      const absl::StatusOr<Value> twice = ParseValue(*def, once->text);
      RC_ASSERT(twice.ok());
      RC_ASSERT(twice->text == once->text);
      RC_ASSERT(twice->number == once->number);
      RC_ASSERT(twice->list == once->list);
    }
  }
}

RC_GTEST_PROP(ConfigValueProperty, AcceptedNumberIsWithinItsRange, (int64_t number)) {
  for (const ConfigDef* const def : AllDefs()) {
    if (def->type != Type::kInt && def->type != Type::kLong && def->type != Type::kShort) continue;
    const absl::StatusOr<Value> value = ParseValue(*def, std::to_string(number));
    if (!value.ok()) continue;
    RC_ASSERT(value->number == number);
    RC_ASSERT(number >= def->range.min);
    RC_ASSERT(number <= def->range.max);
  }
}

}  // namespace
}  // namespace odradek::config
