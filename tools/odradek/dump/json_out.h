// Writes messages as one line of JSON, as Kafka's tools print them: ids in base64, numbers as numbers, fields in the
// order of the schema. Owned by whoever prints; never suspends.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"

namespace odradek::tool {

class JsonOut {
 public:
  explicit JsonOut(int16_t wire_version) : wire_version_(wire_version) {}
  int16_t wire_version() const { return wire_version_; }

  template <typename T>
  void Field(std::string_view name, const T& value) {
    text_ += is_first_ ? "\"" : ",\"";
    text_ += name;
    text_ += "\":";
    Value(value);
    is_first_ = false;
  }

  // Any message that has a WriteFields, the structs in it, and what they are made of.
  template <typename T>
  void Value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      text_ += value ? "true" : "false";
    } else if constexpr (std::is_floating_point_v<T>) {
      text_ += std::isfinite(value) ? fmt::format("{}", value) : fmt::format("\"{}\"", value);
    } else if constexpr (std::is_integral_v<T>) {
      text_ += fmt::format("{}", value);
    } else {
      text_ += '{';
      is_first_ = true;
      WriteFields(value, *this);
      text_ += '}';
      is_first_ = false;
    }
  }
  void Value(const std::string& value) { Text(value); }
  void Value(const Uuid& value) { Text(value.ToString()); }
  void Value(const ByteBuffer& value) { Base64(value); }
  template <typename T>
  void Value(const std::optional<T>& value) {
    if (value) {
      Value(*value);
    } else {
      text_ += "null";
    }
  }
  template <typename T>
  void Value(const std::vector<T>& values) {
    text_ += '[';
    for (const T& value : values) {
      if (&value != &values.front()) text_ += ',';
      Value(value);
    }
    text_ += ']';
  }

  const std::string& text() const { return text_; }

 private:
  void Text(std::string_view text);
  void Base64(Bytes bytes);

  const int16_t wire_version_;
  std::string text_;
  bool is_first_ = true;
};

}  // namespace odradek::tool
