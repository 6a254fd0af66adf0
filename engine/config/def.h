// What configuration properties exist: name, type, default, allowed values, and what this version does with them. The
// tables are constants; values are parsed and checked here, and nowhere else. Pure.
//
//  1. Every property that is accepted has its effect, or its acceptance comes with a warning that says that it has none
//     (Support). A property of a feature that this version lacks is accepted only with the value that asks for nothing.
//  2. Every default of a table parses by its own definition.
//  3. A topic property without a topic override takes the value of its broker synonyms, in their order.
//
// Source: FEATURES.md 5.1, 5.2; Kafka's documentation "Broker Configs", "Topic Configs".
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace odradek::config {

// Names to values as they were written, in name order.
using PropertyMap = std::map<std::string, std::string, std::less<>>;

// The values are DescribeConfigs' ConfigType.
enum class Type : int8_t {
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kClass = 8,
  kPassword = 9,
};
std::string_view ToString(Type type);

enum class Importance : uint8_t { kHigh, kMedium, kLow };

// How a running node takes a change of a broker property.
enum class Dynamic : uint8_t { kReadOnly, kPerBroker, kClusterWide };

enum class Support : uint8_t {
  kEffective,
  kDefaultOnly,  // of a feature that this version lacks: any value but the default is an error
  kNoEffect,     // sizes something that does not exist here: a value other than the default gets a warning
  kRemoved,      // Kafka 4 has removed it: ignored with a warning, never described
};

enum class Visible : uint8_t { kYes, kNo };  // kNo: accepted but not listed by DescribeConfigs

struct Range {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};

// A broker property that gives a topic property its value; `factor` turns its unit into the topic property's.
struct Synonym {
  std::string_view name;
  int64_t factor = 1;
};

struct ConfigDef {
  std::string_view name;
  Type type = Type::kString;
  std::optional<std::string_view> default_value = std::nullopt;  // nullopt: not set
  Range range = {};                                              // numbers; a double's range is in millionths
  std::optional<int64_t> hole = std::nullopt;                    // a number inside the range that is not allowed
  std::span<const std::string_view> choices = {};                // strings and list elements: empty = any
  Support support = Support::kEffective;
  Importance importance = Importance::kMedium;
  Dynamic dynamic = Dynamic::kReadOnly;  // broker properties
  Visible visible = Visible::kYes;
  // Topic property: the broker properties behind it. Broker property: the family that it is a member of, itself
  // included, the strongest first.
  std::span<const Synonym> synonyms = {};
  std::string_view documentation = {};
};

// Properties of topics and of nodes, each in name order.
std::span<const ConfigDef> TopicDefs();
std::vector<const ConfigDef*> BrokerDefs();
// nullptr: no such property.
const ConfigDef* FindTopicDef(std::string_view name);
const ConfigDef* FindBrokerDef(std::string_view name);

// Another accepted spelling of a broker property: broker.id for node.id. Returns `name` itself if it is none.
std::string_view CanonicalBrokerName(std::string_view name);

struct Value {
  Type type = Type::kString;
  bool boolean = false;
  int64_t number = 0;     // kInt, kShort, kLong; kDouble in millionths
  std::string text = {};  // canonical form of any type
  std::vector<std::string> list = {};
};

// Parses and checks against type, range and choices; the error names property, value and what is allowed.
absl::StatusOr<Value> ParseValue(const ConfigDef& def, std::string_view text);

// As ParseValue(), and an error if this version lacks the feature that the value asks for.
absl::StatusOr<Value> ParseSupportedValue(const ConfigDef& def, std::string_view text);

// The elements of a list value: split at commas, blanks around them dropped; empty text is the empty list.
std::vector<std::string> SplitList(std::string_view text);

// Overrides of one topic: each is known, parses and is supported, and they agree with each other.
absl::Status ValidateTopicOverride(std::string_view name, std::string_view value);
absl::Status ValidateTopicOverrides(const PropertyMap& overrides);

// Which layer a change of a broker property is for: one node, or all nodes without a value of their own.
enum class BrokerScope : uint8_t { kOneBroker, kClusterDefault };

// Whether IncrementalAlterConfigs may set (or, with nullopt, delete) the property on a running node.
absl::Status ValidateBrokerChange(std::string_view name, std::optional<std::string_view> value, BrokerScope scope);

}  // namespace odradek::config
