#include "engine/config/properties.h"

#include <fmt/format.h>

#include "engine/base/absl_compat.h"
#include "engine/config/setting_error.h"

namespace odradek::config {
namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\f';
}

void AppendUtf8(uint32_t code, std::string& out) {
  const auto push = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | (code >> 6));
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | (code >> 12));
    push(0x80 | ((code >> 6) & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | (code >> 18));
    push(0x80 | ((code >> 12) & 0x3f));
    push(0x80 | ((code >> 6) & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

// One logical line: physical lines joined at their continuations, escapes still in it.
struct LogicalLine {
  std::string text;
  int64_t number = 0;
};

class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  bool Next(LogicalLine& line) {
    line.text.clear();
    while (!rest_.empty()) {
      std::string_view physical = TakePhysical();
      while (!physical.empty() && IsBlank(physical.front())) physical.remove_prefix(1);
      if (physical.empty() || physical.front() == '#' || physical.front() == '!') continue;
      line.number = number_;
      while (Continues(physical)) {
        physical.remove_suffix(1);
        line.text += physical;
        physical = TakePhysical();
        while (!physical.empty() && IsBlank(physical.front())) physical.remove_prefix(1);
      }
      line.text += physical;
      return true;
    }
    return false;
  }

 private:
  // An odd number of backslashes at the end: the last one is not itself escaped.
  static bool Continues(std::string_view physical) {
    size_t count = 0;
    while (count < physical.size() && physical[physical.size() - 1 - count] == '\\') ++count;
    return count % 2 == 1;
  }

  std::string_view TakePhysical() {
    const size_t end = rest_.find_first_of("\r\n");
    const std::string_view line = rest_.substr(0, end);
    size_t skip = line.size();
    if (end != std::string_view::npos) skip += rest_.substr(end).starts_with("\r\n") ? 2 : 1;
    rest_.remove_prefix(skip);
    ++number_;
    return line;
  }

  std::string_view rest_;
  int64_t number_ = 0;
};

bool ReadHex4(std::string_view text, uint32_t& code) {
  if (text.size() < 4) return false;
  code = 0;
  for (const char c : text.substr(0, 4)) {
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return false;
    }
    code = code * 16 + digit;
  }
  return true;
}

// Reads XXXX of \uXXXX and, behind a leading surrogate, the \uYYYY that completes it. False: not four hex digits, or
// half a pair. Takes what it read from `text`.
bool UnescapeUnicode(std::string_view& text, std::string& out) {
  uint32_t code = 0;
  if (!ReadHex4(text, code)) return false;
  text.remove_prefix(4);
  if (code >= 0xdc00 && code < 0xe000) return false;
  if (code >= 0xd800 && code < 0xdc00) {
    uint32_t low = 0;
    if (!text.starts_with("\\u") || !ReadHex4(text.substr(2), low) || low < 0xdc00 || low >= 0xe000) return false;
    text.remove_prefix(6);
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  AppendUtf8(code, out);
  return true;
}

bool Unescape(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\' || text.empty()) {
      if (c != '\\') out.push_back(c);
      continue;
    }
    const char escaped = text.front();
    text.remove_prefix(1);
    switch (escaped) {
      case 't':
        out.push_back('\t');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'u':
        if (!UnescapeUnicode(text, out)) return false;
        break;
      default:
        out.push_back(escaped);
    }
  }
  return true;
}

// Where the key ends: at the first =, : or blank that no backslash escapes.
size_t KeyEnd(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && line[i] != '=' && line[i] != ':' && !IsBlank(line[i])) i += line[i] == '\\' ? 2 : 1;
  return std::min(i, line.size());
}

std::string_view ValueOf(std::string_view line, size_t key_end) {
  std::string_view value = line.substr(key_end);
  while (!value.empty() && IsBlank(value.front())) value.remove_prefix(1);
  if (!value.empty() && (value.front() == '=' || value.front() == ':')) value.remove_prefix(1);
  while (!value.empty() && IsBlank(value.front())) value.remove_prefix(1);
  return value;
}

}  // namespace

absl::StatusOr<std::vector<Property>> ParseProperties(std::string_view file_name, std::string_view text) {
  std::vector<Property> properties;
  LineReader reader(text);
  LogicalLine line;
  while (reader.Next(line)) {
    const size_t key_end = KeyEnd(line.text);
    Property property{.key = {}, .value = {}, .line = line.number};
    const std::string_view raw_key = std::string_view(line.text).substr(0, key_end);
    const bool key_ok = Unescape(raw_key, property.key);
    if (!key_ok || !Unescape(ValueOf(line.text, key_end), property.value)) {
      return base::InvalidArgument(
          fmt::format("{}:{}: bad \\u escape at key '{}': four hex digits are needed, and both halves of a pair",
                      file_name, line.number, raw_key));
    }
    if (property.key.empty()) {
      return base::InvalidArgument(fmt::format("{}:{}: a line without a key", file_name, line.number));
    }
    properties.push_back(std::move(property));
  }
  return properties;
}

absl::Status AddStaticProperty(std::string_view origin, std::string_view key, std::string_view value,
                               StaticConfig& into) {
  const ConfigDef* const def = FindBrokerDef(key);
  if (def == nullptr) return base::InvalidArgument(fmt::format("{}: unknown configuration '{}'", origin, key));
  if (def->support == Support::kRemoved) {
    into.warnings.push_back(fmt::format("{}: {} was removed in Kafka 4 and is ignored", origin, key));
    return absl::OkStatus();
  }
  if (def->name.empty()) {
    return base::InvalidArgument(
        fmt::format("{}: {}: this version does not support the feature that it sets up", origin, key));
  }
  const absl::StatusOr<Value> parsed = ParseSupportedValue(*def, value);
  if (!parsed.ok()) return base::InvalidArgument(fmt::format("{}: {}", origin, base::SV(parsed.status().message())));
  if (def->support == Support::kNoEffect && def->default_value != parsed->text) {
    into.warnings.push_back(fmt::format("{}: {}={} has no effect: {}", origin, key, parsed->text, def->documentation));
  }
  const auto [at, inserted] = into.properties.emplace(def->name, value);
  if (!inserted) {
    return base::InvalidArgument(fmt::format("{}: {} is set twice: it is '{}' already", origin, key, at->second));
  }
  into.places.insert_or_assign(std::string(def->name), std::string(origin));
  return absl::OkStatus();
}

std::string WithPlace(const StaticConfig& config, const absl::Status& error) {
  const std::string_view message = base::SV(error.message());
  const auto place = config.places.find(SettingOf(error));
  return place == config.places.end() ? std::string(message) : fmt::format("{}: {}", place->second, message);
}

absl::StatusOr<StaticConfig> ParseStaticConfig(std::string_view file_name, std::string_view text) {
  const absl::StatusOr<std::vector<Property>> properties = ParseProperties(file_name, text);
  if (!properties.ok()) return properties.status();
  StaticConfig config;
  for (const Property& property : *properties) {
    const std::string origin = fmt::format("{}:{}", file_name, property.line);
    const absl::Status status = AddStaticProperty(origin, property.key, property.value, config);
    if (!status.ok()) return status;
  }
  return config;
}

}  // namespace odradek::config
