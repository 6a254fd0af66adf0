#include "tools/protogen/emit.h"

#include <limits>

#include "tools/protogen/check.h"

namespace odradek::protogen {
namespace {

std::string IntegerLiteral(const Field& field) {
  const int64_t value = IntegerDefault(field).value_or(0);
  if (value == std::numeric_limits<int64_t>::min()) return "std::numeric_limits<int64_t>::min()";
  return std::to_string(value);
}

bool DefaultsToNull(const Field& field) {
  if (!field.null_versions) return false;
  return field.default_text == "null" || field.type.kind == TypeKind::kRecords;
}

}  // namespace

std::string NamespaceOf(const Message& message) {
  std::string name;
  for (size_t i = 0; i < message.name.size(); ++i) {
    const char c = message.name[i];
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool after_lower = i > 0 && !(message.name[i - 1] >= 'A' && message.name[i - 1] <= 'Z');
    if (is_upper && after_lower) name += '_';
    name += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

std::string VersionTest(const VersionRange& range, const VersionRange& within) {
  const bool low = range.first > within.first;
  const bool high = range.last < within.last;
  if (range.first == range.last && (low || high)) return fmt::format("wire_version == {}", range.first);
  if (low && high) return fmt::format("wire_version >= {} && wire_version <= {}", range.first, range.last);
  if (low) return fmt::format("wire_version >= {}", range.first);
  if (high) return fmt::format("wire_version <= {}", range.last);
  return "";
}

std::string ElementType(const Type& type) {
  return type.kind == TypeKind::kStruct ? type.struct_name : std::string(BuiltInOf(type.kind).cpp);
}

std::string ValueType(const Type& type) {
  if (type.is_few) return "absl::InlinedVector<" + ElementType(type) + ", 1>";
  return type.is_array ? "std::vector<" + ElementType(type) + ">" : ElementType(type);
}

std::string MemberType(const Field& field) {
  const std::string value = ValueType(field.type);
  return field.null_versions && field.type.kind != TypeKind::kRecords ? "std::optional<" + value + ">" : value;
}

std::string MemberInitializer(const Field& field) {
  if (field.type.kind == TypeKind::kRecords || DefaultsToNull(field)) return "";
  if (field.null_versions && !(field.default_text && field.type.kind == TypeKind::kString)) return "{std::in_place}";
  if (field.type.is_array) return "";
  switch (field.type.kind) {
    case TypeKind::kString:
      return field.default_text ? " = " + *field.default_text : "";
    case TypeKind::kBool:
      return " = " + field.default_text.value_or("false");
    case TypeKind::kUuid:
    case TypeKind::kBytes:
    case TypeKind::kStruct:
    case TypeKind::kRecords:
      return "";
    default:
      return " = " + IntegerLiteral(field);
  }
}

std::string DiffersFromDefault(const Field& field, const std::string& access) {
  if (field.type.kind == TypeKind::kRecords) return "!" + access + ".is_null()";
  if (DefaultsToNull(field)) return access + ".has_value()";
  const bool is_text = field.type.kind == TypeKind::kString && !field.type.is_array;
  if (is_text && field.default_text) return fmt::format("{} != {}", access, *field.default_text);
  const bool has_size = field.type.is_array || is_text || field.type.kind == TypeKind::kBytes;
  if (has_size) {
    return field.null_versions ? fmt::format("(!{} || !{}->empty())", access, access)
                               : fmt::format("!{}.empty()", access);
  }
  switch (field.type.kind) {
    case TypeKind::kBool:
      return field.default_text == "true" ? "!" + access : access;
    case TypeKind::kUuid:
      return "!" + access + ".is_zero()";
    case TypeKind::kStruct:
      return fmt::format("!({} == {}{{}})", access, field.type.struct_name);
    default:
      return fmt::format("{} != {}", access, IntegerLiteral(field));
  }
}

VersionRange PlainVersions(const Field& field) {
  VersionRange plain = field.versions;
  if (field.tag) plain.last = field.tag_versions.first - 1;
  return plain;
}

std::string NullsAt(const Field& field) {
  if (!field.null_versions) return "Nulls::kForbidden";
  const std::string test = VersionTest(*field.null_versions, field.versions);
  return test.empty() ? "Nulls::kAllowed" : fmt::format("{} ? Nulls::kAllowed : Nulls::kForbidden", test);
}

}  // namespace odradek::protogen
