#include "tools/protogen/check.h"
#include "tools/protogen/emit.h"
#include "tools/protogen/generate.h"

namespace odradek::protogen {
namespace {

bool IsFixed(const Type& type) {
  return type.kind != TypeKind::kStruct && BuiltInOf(type.kind).wire_bytes > 0;
}

bool HasTags(const Struct& body) {
  for (const Field& field : body.fields) {
    if (field.tag) return true;
  }
  return false;
}

// Writes Encode and Decode of one struct of a message.
class CodecGenerator {
 public:
  CodecGenerator(const Message& message, const Struct& body, Emitter& out)
      : message_(message), body_(body), out_(out) {}

  void Run() {
    const bool is_message = body_.name == message_.name;
    const std::string scope = is_message ? body_.name : NamespaceOf(message_) + "::" + body_.name;
    out_.Blank();
    out_.Line("void {}::Encode([[maybe_unused]] Writer& writer, [[maybe_unused]] int16_t wire_version) const {{",
              scope);
    out_.In();
    if (is_message) out_.Line("if (!writer.CheckVersion(wire_version, kMinVersion, kMaxVersion, kName)) return;");
    DeclareForm();
    for (const Field& field : body_.fields) EncodeField(field);
    EncodeTags();
    out_.Out();
    out_.Line("}}");
    out_.Blank();
    out_.Line("bool {}::Decode([[maybe_unused]] Reader& reader, [[maybe_unused]] int16_t wire_version) {{", scope);
    out_.In();
    if (is_message) {
      out_.Line("if (!reader.CheckVersion(wire_version, kMinVersion, kMaxVersion)) return false;");
      out_.Line("*this = {}();", body_.name);
    }
    DeclareForm();
    for (const Field& field : body_.fields) DecodeField(field);
    DecodeTags();
    out_.Line("return true;");
    out_.Out();
    out_.Line("}}");
  }

 private:
  void DeclareForm() {
    if (message_.flexible_from <= message_.versions.first) {
      out_.Line("[[maybe_unused]] constexpr Form wire_form = Form::kCompact;");
    } else if (message_.flexible_from > message_.versions.last) {
      out_.Line("[[maybe_unused]] constexpr Form wire_form = Form::kClassic;");
    } else {
      out_.Line("[[maybe_unused]] const Form wire_form = FormAt(wire_version, {}::kFlexibleFrom);", message_.name);
    }
  }
  std::string Path(const Field& field) const {
    const std::string owner = body_.name == message_.name ? "" : "." + body_.name;
    return fmt::format("\"{}{}.{}\"", message_.name, owner, field.name);
  }
  static std::string FormOf(const Field& field) { return field.classic ? "Form::kClassic" : "wire_form"; }
  std::string ShapeOf(const Field& field) const { return fmt::format("{{{}, {}}}", FormOf(field), NullsAt(field)); }

  void EncodeField(const Field& field);
  void EncodeValue(const Field& field);
  void EncodeElement(const Field& field, const std::string& access);
  void EncodeTags();
  void DecodeField(const Field& field);
  void DecodeValue(const Field& field);
  void DecodeArray(const Field& field);
  std::string DecodeElement(const Field& field, const std::string& access);
  void DecodeTags();
  void DecodeTagCase(const Field& field);

  const Message& message_;
  const Struct& body_;
  Emitter& out_;
};

void CodecGenerator::EncodeField(const Field& field) {
  const VersionRange plain = PlainVersions(field);
  const bool is_plain = plain.first <= plain.last;
  const std::string test = is_plain ? VersionTest(plain, message_.versions) : "";
  if (is_plain && test.empty()) {
    EncodeValue(field);
  } else if (is_plain) {
    out_.Line("if ({}) {{", test);
    out_.In();
    EncodeValue(field);
    out_.Out();
    out_.Line("}}");
  }
  const std::string exists = VersionTest(field.versions, message_.versions);
  if (exists.empty() || field.ignorable) return;
  out_.Line("if (!({}) && {}) writer.Lost({}, wire_version);", exists, DiffersFromDefault(field, field.name),
            Path(field));
}

void CodecGenerator::EncodeElement(const Field& field, const std::string& access) {
  const TypeKind kind = field.type.kind;
  if (kind == TypeKind::kStruct) {
    out_.Line("{}.Encode(writer, wire_version);", access);
  } else if (IsFixed(field.type)) {
    out_.Line("writer.{}({});", BuiltInOf(kind).function, access);
  } else if (kind == TypeKind::kString) {
    out_.Line("writer.String({}, {}, {});", FormOf(field), access, Path(field));
  } else {
    out_.Line("writer.ByteString({}, {});", FormOf(field), access);
  }
}

void CodecGenerator::EncodeValue(const Field& field) {
  const bool nullable = field.null_versions.has_value();
  const TypeKind kind = field.type.kind;
  if (kind == TypeKind::kRecords) {
    out_.Line("writer.Records({}, {}, {});", ShapeOf(field), field.name, Path(field));
  } else if (field.type.is_array) {
    const std::string access = nullable ? "*" + field.name : field.name;
    if (nullable) {
      out_.Line("if (!{}) {{", field.name);
      out_.Line("  writer.NullCount({}, {});", ShapeOf(field), Path(field));
      out_.Line("}} else {{");
      out_.In();
    }
    out_.Line("writer.Count({}, {}{}size());", FormOf(field), field.name, nullable ? "->" : ".");
    out_.Line("for (const {}array_item : {}) {{", IsFixed(field.type) && kind != TypeKind::kUuid ? "auto " : "auto& ",
              access);
    out_.In();
    EncodeElement(field, "array_item");
    out_.Out();
    out_.Line("}}");
    if (nullable) {
      out_.Out();
      out_.Line("}}");
    }
  } else if (nullable && kind == TypeKind::kStruct) {
    out_.Line("if ({}) {{", field.name);
    out_.Line("  writer.Present();");
    out_.Line("  {}->Encode(writer, wire_version);", field.name);
    out_.Line("}} else {{");
    out_.Line("  writer.Absent({}, {});", NullsAt(field), Path(field));
    out_.Line("}}");
  } else if (nullable) {
    out_.Line("writer.Nullable{}({}, {}, {});", BuiltInOf(kind).function, ShapeOf(field), field.name, Path(field));
  } else {
    EncodeElement(field, field.name);
  }
}

void CodecGenerator::EncodeTags() {
  if (message_.flexible_from > message_.versions.last) return;
  const bool always = message_.flexible_from <= message_.versions.first;
  if (!HasTags(body_)) {
    out_.Line("{}writer.NoTags();", always ? "" : "if (wire_form == Form::kCompact) ");
    return;
  }
  if (!always) {
    out_.Line("if (wire_form == Form::kCompact) {{");
    out_.In();
  }
  out_.Line("const Writer::TagSection tag_section = writer.BeginTags();");
  for (int number = 0; number < 128; ++number) {
    for (const Field& field : body_.fields) {
      if (field.tag != number) continue;
      const VersionRange flexible{std::max(message_.flexible_from, message_.versions.first), message_.versions.last};
      const std::string test = VersionTest(field.tag_versions, flexible);
      out_.Line("if ({}{}{}) {{", test, test.empty() ? "" : " && ", DiffersFromDefault(field, field.name));
      out_.In();
      out_.Line("const Writer::TagMark tag_mark = writer.BeginTag(tag_section, {});", number);
      EncodeValue(field);
      out_.Line("writer.EndTag(tag_mark);");
      out_.Out();
      out_.Line("}}");
    }
  }
  if (always) return;
  out_.Out();
  out_.Line("}}");
}

// A call that reads one element into `access`.
std::string CodecGenerator::DecodeElement(const Field& field, const std::string& access) {
  if (field.type.kind == TypeKind::kStruct) return fmt::format("{}.Decode(reader, wire_version)", access);
  const std::string_view function = BuiltInOf(field.type.kind).function;
  if (IsFixed(field.type)) return fmt::format("reader.{}({})", function, access);
  return fmt::format("reader.{}({}, {})", function, FormOf(field), access);
}

void CodecGenerator::DecodeField(const Field& field) {
  const VersionRange plain = PlainVersions(field);
  if (plain.first > plain.last) return;
  const std::string test = VersionTest(plain, message_.versions);
  if (test.empty()) {
    DecodeValue(field);
    return;
  }
  out_.Line("if ({}) {{", test);
  out_.In();
  DecodeValue(field);
  out_.Out();
  out_.Line("}}");
}

void CodecGenerator::DecodeArray(const Field& field) {
  const bool nullable = field.null_versions.has_value();
  const std::string items = nullable ? "array_items" : field.name;
  // A block of its own: `count` and `items` occur once per array.
  out_.Line("{{");
  out_.In();
  out_.Line("int64_t element_count = 0;");
  out_.Line("if (!reader.Count({}, {{{}, sizeof({})}}, element_count)) return reader.At(\"{}\");", ShapeOf(field),
            WireBytesMin(message_, field, field.type), ElementType(field.type), field.name);
  if (nullable) {
    out_.Line("{}.reset();", field.name);
    out_.Line("if (element_count >= 0) {{");
    out_.In();
    out_.Line("auto& array_items = {}.emplace(static_cast<size_t>(element_count));", field.name);
  } else {
    out_.Line("{}.resize(static_cast<size_t>(element_count));", field.name);
  }
  out_.Line("for (size_t i = 0; i < {}.size(); ++i) {{", items);
  out_.Line("  if (!{}) return reader.At(\"{}\", i);", DecodeElement(field, items + "[i]"), field.name);
  out_.Line("}}");
  if (nullable) {
    out_.Out();
    out_.Line("}}");
  }
  out_.Out();
  out_.Line("}}");
}

void CodecGenerator::DecodeValue(const Field& field) {
  const bool nullable = field.null_versions.has_value();
  const TypeKind kind = field.type.kind;
  const std::string at = fmt::format("return reader.At(\"{}\");", field.name);
  if (field.type.is_array) {
    DecodeArray(field);
  } else if (kind == TypeKind::kRecords) {
    out_.Line("if (!reader.Records({}, {})) {}", ShapeOf(field), field.name, at);
  } else if (nullable && kind == TypeKind::kStruct) {
    out_.Line("{{");
    out_.In();
    out_.Line("bool is_present = false;");
    out_.Line("if (!reader.Presence({}, is_present)) {}", NullsAt(field), at);
    out_.Line("{}.reset();", field.name);
    out_.Line("if (is_present && !{}.emplace().Decode(reader, wire_version)) {}", field.name, at);
    out_.Out();
    out_.Line("}}");
  } else if (nullable) {
    out_.Line("if (!reader.Nullable{}({}, {})) {}", BuiltInOf(kind).function, ShapeOf(field), field.name, at);
  } else {
    out_.Line("if (!{}) {}", DecodeElement(field, field.name), at);
  }
}

void CodecGenerator::DecodeTagCase(const Field& field) {
  const VersionRange flexible{std::max(message_.flexible_from, message_.versions.first), message_.versions.last};
  const std::string test = VersionTest(field.tag_versions, flexible);
  out_.Line("case {}: {{", *field.tag);
  out_.In();
  if (!test.empty()) {
    out_.Line("if (!({})) {{", test);
    out_.Line("  reader.Fail(\"tag {} is not in this version\");", *field.tag);
    out_.Line("  return reader.At(\"{}\");", field.name);
    out_.Line("}}");
  }
  DecodeValue(field);
  out_.Line("if (!reader.EndTag(wire_tag)) return reader.At(\"{}\");", field.name);
  out_.Line("break;");
  out_.Out();
  out_.Line("}}");
}

void CodecGenerator::DecodeTags() {
  if (message_.flexible_from > message_.versions.last) return;
  const bool always = message_.flexible_from <= message_.versions.first;
  const std::string flexible = always ? "" : "wire_form == Form::kCompact && ";
  if (!HasTags(body_)) {
    out_.Line("if ({}!reader.SkipTags()) return reader.At(\"tags\");", flexible);
    return;
  }
  out_.Line("uint32_t tag_count = 0;");
  out_.Line("if ({}!reader.UnsignedVarint(tag_count)) return reader.At(\"tags\");", flexible);
  out_.Line("for (; tag_count > 0; --tag_count) {{");
  out_.In();
  out_.Line("Tag wire_tag;");
  out_.Line("if (!reader.BeginTag(wire_tag)) return reader.At(\"tags\");");
  out_.Line("switch (wire_tag.number) {{");
  out_.In();
  for (const Field& field : body_.fields) {
    if (field.tag) DecodeTagCase(field);
  }
  out_.Line("default:");
  out_.Line("  if (!reader.SkipTag(wire_tag)) return reader.At(\"tags\");");
  out_.Out();
  out_.Line("}}");
  out_.Out();
  out_.Line("}}");
}

}  // namespace

std::string GenerateSource(const SchemaFile& file) {
  Emitter out;
  out.Raw(fmt::format(kGeneratedFrom, file.stem));
  out.Line("#include \"engine/protocol/generated/{}.h\"", file.stem);
  out.Blank();
  out.Line("#include \"engine/protocol/reader.h\"");
  out.Line("#include \"engine/protocol/writer.h\"");
  out.Blank();
  out.Line("namespace odradek::protocol {{");
  for (const Message& message : file.messages) {
    for (const Struct& s : message.structs) CodecGenerator(message, s, out).Run();
    CodecGenerator(message, message.body, out).Run();
  }
  out.Blank();
  out.Line("}}  // namespace odradek::protocol");
  return out.Take();
}

}  // namespace odradek::protogen
