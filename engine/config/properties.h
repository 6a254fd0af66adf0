// Reads the text of a properties file (server.properties) as java.util.Properties does: `key=value`, `key:value` or
// `key value`; # and ! start comments; a backslash at the end continues a line; \t \n \r \f \uXXXX and \<any> escapes.
// The text is UTF-8. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/config/def.h"

namespace odradek::config {

struct Property {
  std::string key;
  std::string value;
  int64_t line = 0;  // of the key's first character, from 1
};

// In the order of the text, repeated keys included. The error names `file_name`, line and key.
absl::StatusOr<std::vector<Property>> ParseProperties(std::string_view file_name, std::string_view text);

struct StaticConfig {
  PropertyMap properties;             // canonical names
  PropertyMap places;                 // by canonical name: "file:line", or the origin that was given
  std::vector<std::string> warnings;  // one line each, file and line first
};

// Parses and checks a node's file: every key is known, every value parses and is supported. What has no effect here
// and what Kafka has removed becomes a warning; the latter is dropped. A key that is given twice is an error.
absl::StatusOr<StaticConfig> ParseStaticConfig(std::string_view file_name, std::string_view text);

// The same for properties that were given one by one (command line); `origin` stands in place of file and line.
absl::Status AddStaticProperty(std::string_view origin, std::string_view key, std::string_view value,
                               StaticConfig& into);

// The message of an error of ResolveBrokerConfig(), behind the place of the property that it is about, if that was set.
std::string WithPlace(const StaticConfig& config, const absl::Status& error);

}  // namespace odradek::config
