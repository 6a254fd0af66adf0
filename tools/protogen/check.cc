#include "tools/protogen/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

namespace odradek::protogen {
namespace {

// The writer counts tags in one byte.
constexpr int kTagsMax = 127;

bool IsSnakeCase(std::string_view name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '_'; });
}

bool IsCamelCase(std::string_view name) {
  return !name.empty() && std::isupper(static_cast<unsigned char>(name[0])) != 0 &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c); });
}

// C++ words that a protocol might use as a field's name, and two names of the generated functions. Their other local
// names are of two words ("wire_version") that no protocol uses.
bool IsReserved(std::string_view name) {
  static constexpr std::string_view kWords[] = {
      "bool",    "char",      "class",    "default",  "delete",   "double",   "enum",     "export",   "float",
      "for",     "int",       "long",     "module",   "new",      "not",      "operator", "or",       "and",
      "private", "protected", "public",   "register", "requires", "return",   "short",    "static",   "struct",
      "switch",  "template",  "this",     "true",     "false",    "typename", "union",    "unsigned", "using",
      "virtual", "void",      "volatile", "while",    "reader",   "writer",   "i"};
  return std::ranges::find(kWords, name) != std::end(kWords);
}

class Checker {
 public:
  Checker(const SchemaFile& file, Message& message, Diagnostics& diagnostics)
      : file_(file), message_(message), diagnostics_(diagnostics) {}

  void Run() {
    if (!IsCamelCase(message_.name)) Error(message_.line, fmt::format("'{}' is not CamelCase", message_.name));
    if (!IndexStructs()) return;
    const size_t before = diagnostics_.size();
    ResolveFields(message_.body);
    for (Struct& s : message_.structs) ResolveFields(s);
    if (diagnostics_.size() != before) return;
    if (!SortStructs()) return;
    CheckElements(message_.body);
    for (const Struct& s : message_.structs) CheckElements(s);
  }

 private:
  void Error(int line, std::string what) { diagnostics_.push_back({file_.path, line, std::move(what)}); }

  bool IndexStructs();
  void ResolveFields(Struct& owner);
  void ResolveVersions(Field& field);
  void CheckType(const Field& field);
  void CheckTag(const Field& field);
  void CheckDefault(const Field& field);
  void CheckElements(const Struct& owner);
  bool SortStructs();
  bool Visit(const Struct& s, std::vector<Struct>& sorted);

  const SchemaFile& file_;
  Message& message_;
  Diagnostics& diagnostics_;
  std::map<std::string, const Struct*> by_name_;
  std::map<std::string, bool> visited_;  // false: being visited
};

bool Checker::IndexStructs() {
  for (const Struct& s : message_.structs) {
    if (!IsCamelCase(s.name)) Error(s.line, fmt::format("'{}' is not CamelCase", s.name));
    if (s.name == message_.name || !by_name_.emplace(s.name, &s).second) {
      Error(s.line, fmt::format("struct {} is defined twice in {}", s.name, message_.name));
      return false;
    }
  }
  return true;
}

void Checker::ResolveFields(Struct& owner) {
  std::set<std::string> names;
  std::set<int> tags;
  for (Field& field : owner.fields) {
    if (!IsSnakeCase(field.name)) Error(field.line, fmt::format("'{}' is not snake_case", field.name));
    if (IsReserved(field.name))
      Error(field.line, fmt::format("'{}' is a word of C++ or of the generated code", field.name));
    if (!names.insert(field.name).second) Error(field.line, fmt::format("a second field '{}'", field.name));
    if (field.tag && !tags.insert(*field.tag).second) Error(field.line, fmt::format("a second tag {}", *field.tag));
    ResolveVersions(field);
    CheckType(field);
    CheckTag(field);
    CheckDefault(field);
  }
}

void Checker::ResolveVersions(Field& field) {
  const VersionRange& all = message_.versions;
  const auto resolve = [&](VersionRange& range, std::string_view what) {
    if (range.first == 0 && range.last == kOpenEnd) range.first = all.first;
    if (range.last == kOpenEnd) range.last = all.last;
    if (range.last < range.first || !all.Contains(range)) {
      Error(field.line,
            fmt::format("{}: {} outside the message's versions {}-{}", field.name, what, all.first, all.last));
    }
  };
  resolve(field.versions, "versions");
  if (field.tag) resolve(field.tag_versions, "tag versions");
  if (!field.null_versions) return;
  resolve(*field.null_versions, "nullable versions");
  field.null_versions->first = std::max(field.null_versions->first, field.versions.first);
  field.null_versions->last = std::min(field.null_versions->last, field.versions.last);
  if (field.null_versions->last < field.null_versions->first) {
    Error(field.line, fmt::format("{}: nullable in no version", field.name));
  }
}

void Checker::CheckType(const Field& field) {
  const Type& type = field.type;
  if (type.kind == TypeKind::kStruct && !by_name_.contains(type.struct_name)) {
    Error(field.line, fmt::format("struct {} is not defined in {}", type.struct_name, message_.name));
  }
  if (type.is_array && (type.kind == TypeKind::kBool || type.kind == TypeKind::kRecords)) {
    Error(field.line, "arrays of bool and records do not occur in the protocol");
  }
  const bool nullable_type = type.is_array || type.kind == TypeKind::kString || type.kind == TypeKind::kBytes ||
                             type.kind == TypeKind::kRecords || type.kind == TypeKind::kStruct;
  if (field.null_versions && !nullable_type) Error(field.line, fmt::format("{} cannot be null", field.name));
  if (field.classic && (type.kind != TypeKind::kString || type.is_array)) {
    Error(field.line, "only a string can be classic");
  }
  if (type.is_few && (!type.is_array || field.null_versions)) {
    Error(field.line, "only an array that cannot be null can be few");
  }
}

void Checker::CheckTag(const Field& field) {
  if (!field.tag) return;
  if (*field.tag > kTagsMax) Error(field.line, fmt::format("tag {} is above {}", *field.tag, kTagsMax));
  if (field.tag_versions.first < message_.flexible_from) {
    Error(field.line, fmt::format("{}: a tag needs flexible versions", field.name));
  }
  if (field.tag_versions.first < field.versions.first || field.tag_versions.last != field.versions.last) {
    Error(field.line, fmt::format("{}: a tag stays until the field's last version", field.name));
  }
  if (field.type.kind == TypeKind::kRecords) Error(field.line, "records cannot be tagged");
}

void Checker::CheckDefault(const Field& field) {
  if (!field.default_text) return;
  const std::string& text = *field.default_text;
  const bool is_text = text.size() >= 2 && text.front() == '"';
  const bool is_word = text == "true" || text == "false";
  bool good = false;
  if (text == "null") {
    good = field.null_versions.has_value();
  } else if (field.type.is_array) {
    good = false;
  } else if (field.type.kind == TypeKind::kString) {
    good = is_text;
  } else if (field.type.kind == TypeKind::kBool) {
    good = is_word;
  } else {
    good = IntegerDefault(field).has_value();
  }
  if (!good) Error(field.line, fmt::format("'{}' is no default for {}", text, field.name));
}

void Checker::CheckElements(const Struct& owner) {
  for (const Field& field : owner.fields) {
    if (!field.type.is_array) continue;
    if (WireBytesMin(message_, field, field.type) > 0) continue;
    Error(field.line, fmt::format("{}: an element can take no byte, so its count cannot be bounded", field.name));
  }
}

bool Checker::Visit(const Struct& s, std::vector<Struct>& sorted) {
  const auto [entry, is_new] = visited_.emplace(s.name, false);
  if (!is_new) {
    if (!entry->second) Error(s.line, fmt::format("struct {} contains itself: nesting must be bounded", s.name));
    return entry->second;
  }
  for (const Field& field : s.fields) {
    if (field.type.kind != TypeKind::kStruct) continue;
    if (!Visit(*by_name_.at(field.type.struct_name), sorted)) return false;
  }
  visited_[s.name] = true;
  sorted.push_back(s);
  return true;
}

bool Checker::SortStructs() {
  std::vector<Struct> sorted;
  for (const Struct& s : message_.structs) {
    if (!Visit(s, sorted)) return false;
  }
  message_.structs = std::move(sorted);
  return true;
}

void CheckApi(const SchemaFile& file, Diagnostics& diagnostics) {
  const auto count = [&](MessageKind kind) {
    return std::ranges::count_if(file.messages, [&](const Message& m) { return m.kind == kind; });
  };
  if (!file.api) return;
  const Api& api = *file.api;
  if (count(MessageKind::kRequest) != 1 || count(MessageKind::kResponse) != 1) {
    diagnostics.push_back({file.path, api.line, "an api needs one request and one response"});
  }
  if (api.unstable_from && (*api.unstable_from <= api.versions.first || *api.unstable_from > api.versions.last)) {
    diagnostics.push_back({file.path, api.line, "unstable versions must be the last ones, and not all"});
  }
  if (api.advertised_first && *api.advertised_first >= api.versions.first) {
    diagnostics.push_back({file.path, api.line, "advertised: only for versions below the served ones"});
  }
}

// Which numbers a message shares: those of APIs, of one kind of record, of one coordinator's records.
std::string NumberSpace(const Message& message) {
  switch (message.kind) {
    case MessageKind::kMetadata:
      return "metadata";
    case MessageKind::kRemote:
      return "remote";
    case MessageKind::kCoordinatorKey:
      return message.log;
    default:
      return "api";
  }
}

// A coordinator's record is a key and a value, which follow each other.
void CheckCoordinatorRecords(const SchemaFile& file, Diagnostics& diagnostics) {
  const Message* key = nullptr;
  const auto expect_no_key = [&] {
    if (key != nullptr) diagnostics.push_back({file.path, key->line, fmt::format("{} without a value", key->name)});
  };
  for (const Message& message : file.messages) {
    const bool is_value = message.kind == MessageKind::kCoordinatorValue;
    if (is_value && key != nullptr && key->log == message.log && key->key == message.key) {
      key = nullptr;
      continue;
    }
    if (is_value) diagnostics.push_back({file.path, message.line, fmt::format("{} without a key", message.name)});
    expect_no_key();
    key = message.kind == MessageKind::kCoordinatorKey ? &message : nullptr;
  }
  expect_no_key();
}

int FieldWireBytes(const Message& message, const Field& field, int version);

int StructWireBytes(const Message& message, const Struct& s, int version) {
  int bytes = version >= message.flexible_from ? 1 : 0;
  for (const Field& field : s.fields) bytes += FieldWireBytes(message, field, version);
  return bytes;
}

int ValueWireBytes(const Message& message, const Type& type, int version) {
  if (type.kind == TypeKind::kStruct) return StructWireBytes(message, StructOf(message, type), version);
  const BuiltIn& built_in = BuiltInOf(type.kind);
  if (built_in.wire_bytes > 0) return built_in.wire_bytes;
  if (version >= message.flexible_from) return 1;
  return type.kind == TypeKind::kString ? 2 : 4;
}

int FieldWireBytes(const Message& message, const Field& field, int version) {
  if (version < field.versions.first || version > field.versions.last) return 0;
  if (field.tag && version >= field.tag_versions.first) return 0;
  if (field.type.is_array) return version >= message.flexible_from ? 1 : 4;
  if (field.classic) return 2;
  if (field.null_versions && field.type.kind == TypeKind::kStruct) return 1;
  return ValueWireBytes(message, field.type, version);
}

}  // namespace

const Struct& StructOf(const Message& message, const Type& type) {
  for (const Struct& s : message.structs) {
    if (s.name == type.struct_name) return s;
  }
  std::abort();
}

int WireBytesMin(const Message& message, const Field& field, const Type& type) {
  int bytes_min = std::numeric_limits<int>::max();
  for (int version = field.versions.first; version <= field.versions.last; ++version) {
    bytes_min = std::min(bytes_min, ValueWireBytes(message, type, version));
  }
  return bytes_min;
}

std::optional<int64_t> IntegerDefault(const Field& field) {
  if (!field.default_text || field.type.is_array) return std::nullopt;
  std::string_view text = *field.default_text;
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  int bits = 0;
  bool is_signed = true;
  switch (field.type.kind) {
    case TypeKind::kInt8:
      bits = 8;
      break;
    case TypeKind::kInt16:
      bits = 16;
      break;
    case TypeKind::kInt32:
      bits = 32;
      break;
    case TypeKind::kInt64:
      return value;
    case TypeKind::kUint16:
      bits = 16;
      is_signed = false;
      break;
    case TypeKind::kUint32:
      bits = 32;
      is_signed = false;
      break;
    default:
      return std::nullopt;
  }
  const int64_t low = is_signed ? -(int64_t{1} << (bits - 1)) : 0;
  const int64_t high = (int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  if (value < low || value > high) return std::nullopt;
  return value;
}

void CheckAndResolve(SchemaFile& file, Diagnostics& diagnostics) {
  for (Message& message : file.messages) Checker(file, message, diagnostics).Run();
  CheckApi(file, diagnostics);
  CheckCoordinatorRecords(file, diagnostics);
}

void CheckTogether(std::span<const SchemaFile> files, Diagnostics& diagnostics) {
  std::map<std::string, std::string> names;
  std::map<std::pair<std::string, int>, std::string> keys;
  for (const SchemaFile& file : files) {
    for (const Message& message : file.messages) {
      const auto [name, new_name] = names.emplace(message.name, file.path);
      if (!new_name) {
        diagnostics.push_back({file.path, message.line, fmt::format("{} is also in {}", message.name, name->second)});
      }
      const bool repeats = message.kind == MessageKind::kResponse || message.kind == MessageKind::kCoordinatorValue;
      if (message.key < 0 || repeats) continue;
      const auto [key, new_key] = keys.emplace(std::pair(NumberSpace(message), message.key), message.name);
      if (!new_key) {
        diagnostics.push_back(
            {file.path, message.line, fmt::format("key {} is already that of {}", message.key, key->second)});
      }
    }
  }
}

}  // namespace odradek::protogen
