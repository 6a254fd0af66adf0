#include "tools/odradek/field_text.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "engine/base/check.h"

namespace odradek::tool {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"StringDeserializer",  "BytesDeserializer",  "ShortDeserializer",
                                                    "IntegerDeserializer", "LongDeserializer",   "FloatDeserializer",
                                                    "DoubleDeserializer",  "BooleanDeserializer"};

// The point is behind the first digit.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

// "4.94e-324"
Decimal ParseDecimal(std::string_view text) {
  const size_t e = text.find('e');
  REQUIRES(e != std::string_view::npos);
  Decimal decimal;
  for (const char c : text.substr(0, e)) {
    if (c != '.') decimal.digits += c;
  }
  std::string_view exponent = text.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);  // from_chars takes none
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), decimal.exponent);
  return decimal;
}

// The fewest digits that tell the number from its neighbours; of two-digit ones the nearest where one would do.
template <typename Float>
Decimal DecimalOf(Float number) {
  std::array<char, 64> text{};
  char* const limit = text.data() + text.size();
  const char* end = std::to_chars(text.data(), limit, number, std::chars_format::scientific).ptr;
  if (text[1] != '.') end = std::to_chars(text.data(), limit, number, std::chars_format::scientific, 1).ptr;
  return ParseDecimal({text.data(), static_cast<size_t>(end - text.data())});
}

// Java's Double.toString: plain from 10^-3 up to 10^7, else with an exponent; always a digit behind the point.
template <typename Float>
std::string JavaText(Float number) {
  if (std::isnan(number)) return "NaN";
  const std::string sign = std::signbit(number) ? "-" : "";
  if (std::isinf(number)) return sign + "Infinity";
  if (number == 0) return sign + "0.0";
  auto [digits, exponent] = DecimalOf(std::abs(number));
  if (exponent < -3 || exponent >= 7) return fmt::format("{}{}.{}E{}", sign, digits[0], digits.substr(1), exponent);
  while (digits.size() > 1 && digits.ends_with('0')) digits.pop_back();
  if (exponent < 0) return fmt::format("{}0.{}{}", sign, std::string(static_cast<size_t>(-exponent - 1), '0'), digits);
  const size_t whole_size = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole_size) digits.append(whole_size + 1 - digits.size(), '0');
  return fmt::format("{}{}.{}", sign, digits.substr(0, whole_size), digits.substr(whole_size));
}

std::string EscapedText(Bytes field) {
  std::string text;
  for (const char c : AsString(field)) {
    const bool is_plain = c >= ' ' && c <= '~' && c != '\\';
    text += is_plain ? std::string(1, c) : fmt::format("\\x{:02X}", static_cast<uint8_t>(c));
  }
  return text;
}

// 0: any.
size_t SizeOf(FieldType type) {
  switch (type) {
    case FieldType::kBoolean:
      return 1;
    case FieldType::kShort:
      return 2;
    case FieldType::kInteger:
    case FieldType::kFloat:
      return 4;
    case FieldType::kLong:
    case FieldType::kDouble:
      return 8;
    case FieldType::kString:
    case FieldType::kBytes:
      break;
  }
  return 0;
}

std::string TextOf(Bytes field, FieldType type) {
  switch (type) {
    case FieldType::kString:
      break;
    case FieldType::kBytes:
      return EscapedText(field);
    case FieldType::kShort:
      return fmt::format("{}", LoadBigEndian<int16_t>(field.data()));
    case FieldType::kInteger:
      return fmt::format("{}", LoadBigEndian<int32_t>(field.data()));
    case FieldType::kLong:
      return fmt::format("{}", LoadBigEndian<int64_t>(field.data()));
    case FieldType::kFloat:
      return JavaText(std::bit_cast<float>(LoadBigEndian<uint32_t>(field.data())));
    case FieldType::kDouble:
      return JavaText(std::bit_cast<double>(LoadBigEndian<uint64_t>(field.data())));
    case FieldType::kBoolean:
      return field[0] == std::byte{0} ? "false" : "true";
  }
  return std::string(AsString(field));
}

}  // namespace

std::span<const std::string_view> FieldTypeNames() {
  return kNames;
}

std::string AppendFieldText(Bytes field, FieldType type, std::string& out) {
  const size_t size = SizeOf(type);
  if (size != 0 && field.size() != size) {
    return fmt::format("{} bytes, where {} needs {}", field.size(), kNames[static_cast<size_t>(type)], size);
  }
  if (type == FieldType::kBoolean && static_cast<uint8_t>(field[0]) > 1) {
    return "a byte that is neither 0 nor 1, where BooleanDeserializer needs one of them";
  }
  // The most frequent by far, and it may be long.
  if (type == FieldType::kString) {
    out += AsString(field);
  } else {
    out += TextOf(field, type);
  }
  return "";
}

}  // namespace odradek::tool
