// The bytes of a key, a value or a header as text, as Kafka's own deserializers and Java's toString give it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace odradek::tool {

// In the order of FieldTypeNames().
enum class FieldType : uint8_t { kString, kBytes, kShort, kInteger, kLong, kFloat, kDouble, kBoolean };

// Kafka's classes: StringDeserializer and so on.
std::span<const std::string_view> FieldTypeNames();

// Empty: done; otherwise why not, and nothing was appended.
std::string AppendFieldText(Bytes field, FieldType type, std::string& out);

}  // namespace odradek::tool
