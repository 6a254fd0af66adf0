#include "engine/config/def.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/config/setting_error.h"
#include "engine/config/tables.h"

namespace odradek::config {
namespace {

constexpr int64_t kMillionths = 1000000;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\f";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

std::optional<int64_t> ParseWhole(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.front() == '+') return std::nullopt;
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// A decimal fraction with up to six digits behind the point, in millionths: settings never pass through floating point.
std::optional<int64_t> ParseMillionths(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if ((whole.empty() && fraction.empty()) || whole.size() > 12 || fraction.size() > 6) return std::nullopt;
  int64_t number = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  for (size_t i = 0; i < 6; ++i) {
    const char c = i < fraction.size() ? fraction[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string MillionthsText(int64_t number) {
  REQUIRES(number >= 0);
  std::string text = fmt::format("{}.{:06}", number / kMillionths, number % kMillionths);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

Range TypeRange(Type type) {
  switch (type) {
    case Type::kInt:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    case Type::kShort:
      return {std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max()};
    default:
      return {};
  }
}

std::string Allowed(const ConfigDef& def) {
  const Range type_range = TypeRange(def.type);
  const Range range = {std::max(def.range.min, type_range.min), std::min(def.range.max, type_range.max)};
  std::string allowed;
  switch (def.type) {
    case Type::kBoolean:
      return "true or false";
    case Type::kDouble:
      return fmt::format("a decimal number between {} and {}", MillionthsText(std::max<int64_t>(range.min, 0)),
                         MillionthsText(range.max));
    case Type::kInt:
    case Type::kShort:
    case Type::kLong:
      allowed = fmt::format("a whole number between {} and {}", range.min, range.max);
      if (def.hole) allowed += fmt::format(", but not {}", *def.hole);
      return allowed;
    default:
      break;
  }
  if (def.choices.empty()) return "a value";
  allowed = def.type == Type::kList ? "a list of: " : "one of: ";
  for (size_t i = 0; i < def.choices.size(); ++i) {
    if (i > 0) allowed += ", ";
    allowed += def.choices[i];
  }
  return allowed;
}

absl::Status InvalidValue(const ConfigDef& def, std::string_view text) {
  const std::string_view shown = def.type == Type::kPassword ? "[hidden]" : text;
  return WrongSetting({.name = def.name, .value = shown, .why = "expected " + Allowed(def)});
}

bool IsChoice(const ConfigDef& def, std::string_view element) {
  return def.choices.empty() || std::find(def.choices.begin(), def.choices.end(), element) != def.choices.end();
}

absl::StatusOr<Value> ParseNumber(const ConfigDef& def, std::string_view text) {
  Value value{.type = def.type};
  const std::optional<int64_t> number = def.type == Type::kDouble ? ParseMillionths(text) : ParseWhole(text);
  const Range type_range = TypeRange(def.type);
  if (!number || *number < type_range.min || *number > type_range.max || *number < def.range.min ||
      *number > def.range.max || number == def.hole) {
    return InvalidValue(def, text);
  }
  value.number = *number;
  value.text = def.type == Type::kDouble ? MillionthsText(*number) : fmt::format("{}", *number);
  return value;
}

absl::StatusOr<Value> ParseList(const ConfigDef& def, std::string_view text) {
  Value value{.type = Type::kList};
  value.list = SplitList(text);
  for (size_t i = 0; i < value.list.size(); ++i) {
    const std::string& element = value.list[i];
    const bool repeated = std::find(value.list.begin(), value.list.begin() + i, element) != value.list.begin() + i;
    if (element.empty() || !IsChoice(def, element)) return InvalidValue(def, text);
    if (repeated) {
      return WrongSetting({.name = def.name, .value = text, .why = fmt::format("'{}' is listed twice", element)});
    }
    if (i > 0) value.text += ",";
    value.text += element;
  }
  return value;
}

bool HasPrefixOf(std::string_view name, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return name.starts_with(p); });
}

// Members of these families are not listed one by one: any value of them is refused, or ignored.
constexpr ConfigDef kUnsupportedFamily = {.name = "", .support = Support::kDefaultOnly, .visible = Visible::kNo};
constexpr ConfigDef kRemovedFamily = {.name = "", .support = Support::kRemoved, .visible = Visible::kNo};

}  // namespace

std::string_view ToString(Type type) {
  switch (type) {
    case Type::kBoolean:
      return "boolean";
    case Type::kString:
      return "string";
    case Type::kInt:
      return "int";
    case Type::kShort:
      return "short";
    case Type::kLong:
      return "long";
    case Type::kDouble:
      return "double";
    case Type::kList:
      return "list";
    case Type::kClass:
      return "class";
    case Type::kPassword:
      return "password";
  }
  return "unknown";
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> elements;
  text = Trim(text);
  if (text.empty()) return elements;
  while (true) {
    const size_t comma = text.find(',');
    elements.emplace_back(Trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return elements;
    text.remove_prefix(comma + 1);
  }
}

std::vector<const ConfigDef*> BrokerDefs() {
  std::vector<const ConfigDef*> all;
  for (const std::span<const ConfigDef> table : {BrokerLogDefs(), BrokerNodeDefs(), BrokerOtherDefs()}) {
    for (const ConfigDef& def : table) all.push_back(&def);
  }
  std::sort(all.begin(), all.end(), [](const ConfigDef* a, const ConfigDef* b) { return a->name < b->name; });
  return all;
}

const ConfigDef* FindTopicDef(std::string_view name) {
  for (const ConfigDef& def : TopicDefs()) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

const ConfigDef* FindBrokerDef(std::string_view name) {
  const std::string_view canonical = CanonicalBrokerName(name);
  for (const std::span<const ConfigDef> table : {BrokerLogDefs(), BrokerNodeDefs(), BrokerOtherDefs()}) {
    for (const ConfigDef& def : table) {
      if (def.name == canonical) return &def;
    }
  }
  if (HasPrefixOf(name, UnsupportedBrokerPrefixes())) return &kUnsupportedFamily;
  if (HasPrefixOf(name, RemovedBrokerPrefixes())) return &kRemovedFamily;
  return nullptr;
}

std::string_view CanonicalBrokerName(std::string_view name) {
  if (name == "broker.id") return "node.id";
  if (name == "log.segment.ms") return "log.roll.ms";
  return name;
}

absl::StatusOr<Value> ParseValue(const ConfigDef& def, std::string_view text) {
  const std::string_view trimmed = Trim(text);
  Value value{.type = def.type};
  switch (def.type) {
    case Type::kBoolean:
      value.boolean = EqualsIgnoringCase(trimmed, "true");
      if (!value.boolean && !EqualsIgnoringCase(trimmed, "false")) return InvalidValue(def, trimmed);
      value.text = value.boolean ? "true" : "false";
      return value;
    case Type::kInt:
    case Type::kShort:
    case Type::kLong:
    case Type::kDouble:
      return ParseNumber(def, trimmed);
    case Type::kList:
      return ParseList(def, trimmed);
    case Type::kString:
    case Type::kClass:
    case Type::kPassword:
      if (!IsChoice(def, trimmed)) return InvalidValue(def, trimmed);
      value.text = def.type == Type::kPassword ? text : trimmed;
      return value;
  }
  return InvalidValue(def, trimmed);
}

absl::StatusOr<Value> ParseSupportedValue(const ConfigDef& def, std::string_view text) {
  absl::StatusOr<Value> value = ParseValue(def, text);
  if (!value.ok() || def.support != Support::kDefaultOnly) return value;
  if (def.default_value) {
    const absl::StatusOr<Value> standard = ParseValue(def, *def.default_value);
    INVARIANT(standard.ok());
    if (standard->text == value->text) return value;
    return WrongSetting({.name = def.name,
                         .value = value->text,
                         .why = fmt::format("this version supports only its default '{}'", *def.default_value)});
  }
  return WrongSetting(
      {.name = def.name, .value = value->text, .why = "this version does not support the feature that it sets up"});
}

absl::Status ValidateTopicOverride(std::string_view name, std::string_view value) {
  const ConfigDef* const def = FindTopicDef(name);
  if (def == nullptr) return base::InvalidArgument(fmt::format("Unknown topic config name: {}", name));
  return ParseSupportedValue(*def, value).status();
}

namespace {

absl::Status CheckCompactionLags(const PropertyMap& overrides) {
  const auto min = overrides.find("min.compaction.lag.ms");
  const auto max = overrides.find("max.compaction.lag.ms");
  if (min == overrides.end() || max == overrides.end()) return absl::OkStatus();
  const absl::StatusOr<Value> low = ParseValue(*FindTopicDef(min->first), min->second);
  const absl::StatusOr<Value> high = ParseValue(*FindTopicDef(max->first), max->second);
  if (!low.ok() || !high.ok() || low->number <= high->number) return absl::OkStatus();
  return base::InvalidArgument(
      fmt::format("conflict topic config setting min.compaction.lag.ms ({}) > "
                  "max.compaction.lag.ms ({})",
                  low->number, high->number));
}

}  // namespace

absl::Status ValidateTopicOverrides(const PropertyMap& overrides) {
  for (const auto& [name, value] : overrides) {
    const absl::Status status = ValidateTopicOverride(name, value);
    if (!status.ok()) return status;
  }
  return CheckCompactionLags(overrides);
}

absl::Status ValidateBrokerChange(std::string_view name, std::optional<std::string_view> value, BrokerScope scope) {
  const ConfigDef* const def = FindBrokerDef(name);
  if (def == nullptr) return base::InvalidArgument(fmt::format("Unknown broker config name: {}", name));
  if (def->dynamic == Dynamic::kReadOnly) {
    return base::InvalidArgument(fmt::format("Cannot update configuration {} on a running broker", name));
  }
  if (scope == BrokerScope::kClusterDefault && def->dynamic == Dynamic::kPerBroker) {
    return base::InvalidArgument(
        fmt::format("Cannot update configuration {} for the whole cluster: name a broker", name));
  }
  if (!value) return absl::OkStatus();
  const absl::StatusOr<Value> parsed = ParseSupportedValue(*def, *value);
  if (!parsed.ok()) return parsed.status();
  // At a start there is a log that warns of it; here only the answer is read.
  if (def->support == Support::kNoEffect && def->default_value != parsed->text) {
    return base::InvalidArgument(
        fmt::format("Cannot update configuration {}: it has no effect here: {}", name, def->documentation));
  }
  return absl::OkStatus();
}

}  // namespace odradek::config
