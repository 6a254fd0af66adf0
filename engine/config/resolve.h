// Which value a property has, and why: topic override, then dynamic value of the broker, then dynamic value of the
// cluster, then the node's file, then the default. Pure; the layers are the caller's and only looked at.
//
//  1. A topic property without an override takes the first of its broker synonyms that has a value: dynamic values of
//     any synonym go before static ones, static ones before defaults; among synonyms of one layer, table order decides.
//  2. A value that does not parse counts as not set: layers from a metadata log that another version wrote may have
//  one.
//     What is set here passes the validation of def.h first; UnsupportedOverrides() tells what got in otherwise.
//
// Source: KIP-226 (sources and synonyms); FEATURES.md 5.2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/def.h"

namespace odradek::config {

// The values are DescribeConfigs' ConfigSource.
enum class Source : int8_t {
  kUnknown = 0,
  kDynamicTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
};

// nullptr is an empty layer.
struct Layers {
  const PropertyMap* topic = nullptr;
  const PropertyMap* dynamic_broker = nullptr;
  const PropertyMap* dynamic_default = nullptr;
  const PropertyMap* static_broker = nullptr;
};

// The value of a property; nullopt: it has none and no default. For a topic property in the topic's unit.
struct Resolved {
  std::optional<Value> value;
  Source source = Source::kDefault;
};
Resolved ResolveTopic(const Layers& layers, const ConfigDef& def);
Resolved ResolveBroker(const Layers& layers, const ConfigDef& def);

struct SynonymEntry {
  std::string name;
  std::optional<std::string> value;  // nullopt: sensitive
  Source source = Source::kUnknown;
};

// What ValidateTopicOverride() says against values that are there already, one line each; for a node that starts with
// metadata that it did not write.
std::vector<std::string> UnsupportedOverrides(const PropertyMap& overrides);

// An entry of a DescribeConfigs answer.
struct Description {
  std::string name;
  std::optional<std::string> value;  // nullopt: unset, or sensitive
  Source source = Source::kDefault;
  Type type = Type::kString;
  bool is_read_only = false;
  bool is_sensitive = false;
  std::vector<SynonymEntry> synonyms;  // strongest first
  std::string documentation;
};

// nullopt: all visible properties; else those of `keys` that exist. In name order.
using KeyFilter = std::optional<std::vector<std::string>>;

std::vector<Description> DescribeTopic(const Layers& layers, const KeyFilter& keys);
std::vector<Description> DescribeBroker(const Layers& layers, const KeyFilter& keys);
// The resource "" of type BROKER: what is set dynamically for the whole cluster.
std::vector<Description> DescribeClusterDefault(const PropertyMap& dynamic_default, const KeyFilter& keys);

}  // namespace odradek::config
