#include <set>

#include "tools/protogen/emit.h"
#include "tools/protogen/generate.h"

namespace odradek::protogen {
namespace {

// "3+", "3-7"; empty if the field is in every version.
std::string VersionsText(const VersionRange& range, const VersionRange& all) {
  if (range == all) return "";
  if (range.last == all.last) return fmt::format("{}+", range.first);
  return range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
}

void EmitStruct(const Message& message, const Struct& body, Emitter& out) {
  for (const Field& field : body.fields) {
    std::string note = VersionsText(field.versions, message.versions);
    const std::string tag = field.tag ? fmt::format("tag {}", *field.tag) : "";
    if (!note.empty() && !tag.empty()) note += ", ";
    note += tag;
    out.Line("{} {}{};{}{}", MemberType(field), field.name, MemberInitializer(field), note.empty() ? "" : "  // ",
             note);
  }
  if (!body.fields.empty()) out.Blank();
  out.Line("void Encode(Writer& writer, int16_t version) const;");
  out.Line("bool Decode(Reader& reader, int16_t version);");
  out.Line("friend bool operator==(const {0}&, const {0}&) = default;", body.name);
}

// Structs of a message stand in a namespace of its own and are known under the message's name: were they nested in it,
// their member initializers would be incomplete where the message has a std::optional of one.
void EmitInnerStructs(const Message& message, Emitter& out) {
  if (message.structs.empty()) return;
  out.Line("namespace {} {{", NamespaceOf(message));
  for (const Struct& s : message.structs) {
    out.Blank();
    out.Line("struct {} {{", s.name);
    out.In();
    EmitStruct(message, s, out);
    out.Out();
    out.Line("}};");
  }
  out.Blank();
  out.Line("}}  // namespace {}", NamespaceOf(message));
  out.Blank();
}

std::string_view KeyConstant(MessageKind kind) {
  switch (kind) {
    case MessageKind::kMetadata:
    case MessageKind::kRemote:
      return "kRecordKey";
    case MessageKind::kCoordinatorKey:
    case MessageKind::kCoordinatorValue:
      return "kRecordType";
    default:
      return "kApiKey";
  }
}

void EmitMessage(const Message& message, Emitter& out) {
  EmitInnerStructs(message, out);
  out.Line("struct {} {{", message.name);
  out.In();
  out.Line("static constexpr std::string_view kName = \"{}\";", message.name);
  if (message.key >= 0) {
    out.Line("static constexpr int16_t {} = {};", KeyConstant(message.kind), message.key);
  }
  out.Line("static constexpr int16_t kMinVersion = {};", message.versions.first);
  out.Line("static constexpr int16_t kMaxVersion = {};", message.versions.last);
  if (message.flexible_from == kOpenEnd) {
    out.Line("static constexpr int16_t kFlexibleFrom = kNeverFlexible;");
  } else {
    out.Line("static constexpr int16_t kFlexibleFrom = {};", message.flexible_from);
  }
  if (!message.structs.empty()) out.Blank();
  for (const Struct& s : message.structs) out.Line("using {0} = {1}::{0};", s.name, NamespaceOf(message));
  out.Blank();
  EmitStruct(message, message.body, out);
  out.Out();
  out.Line("}};");
}

// The standard headers that the members need, and the project's.
void CollectIncludes(const Struct& body, std::set<std::string>& standard, std::set<std::string>& own) {
  for (const Field& field : body.fields) {
    const TypeKind kind = field.type.kind;
    if (field.type.is_few) {
      own.insert("absl/container/inlined_vector.h");
    } else if (field.type.is_array) {
      standard.insert("vector");
    }
    if (field.null_versions && kind != TypeKind::kRecords) standard.insert("optional");
    if (kind == TypeKind::kString) standard.insert("string");
    if (kind == TypeKind::kBytes) own.insert("engine/base/bytes.h");
    if (kind == TypeKind::kUuid) own.insert("engine/base/uuid.h");
    if (kind == TypeKind::kRecords) own.insert("engine/protocol/records_field.h");
    if (MemberInitializer(field).find("in_place") != std::string::npos) standard.insert("utility");
    if (MemberInitializer(field).find("numeric_limits") != std::string::npos) standard.insert("limits");
  }
}

}  // namespace

std::string GenerateHeader(const SchemaFile& file) {
  Emitter out;
  std::set<std::string> standard = {"cstdint", "string_view"};
  std::set<std::string> own = {"engine/protocol/wire_form.h"};
  for (const Message& message : file.messages) {
    CollectIncludes(message.body, standard, own);
    for (const Struct& s : message.structs) CollectIncludes(s, standard, own);
  }
  out.Raw(fmt::format(kGeneratedFrom, file.stem));
  out.Line("// Plain values; never suspends.");
  out.Line("#pragma once");
  out.Blank();
  for (const std::string& name : standard) out.Line("#include <{}>", name);
  out.Blank();
  for (const std::string& name : own) out.Line("#include \"{}\"", name);
  out.Blank();
  out.Line("namespace odradek::protocol {{");
  out.Blank();
  out.Line("class Reader;");
  out.Line("class Writer;");
  for (const Message& message : file.messages) {
    out.Blank();
    EmitMessage(message, out);
  }
  out.Blank();
  out.Line("}}  // namespace odradek::protocol");
  return out.Take();
}

}  // namespace odradek::protogen
