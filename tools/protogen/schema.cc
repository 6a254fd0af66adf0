#include "tools/protogen/schema.h"

#include <array>
#include <cstdlib>

namespace odradek::protogen {
namespace {

constexpr std::array kBuiltIns = {
    BuiltIn{TypeKind::kBool, "bool", "Bool", "bool", 1},
    BuiltIn{TypeKind::kInt8, "int8", "Int8", "int8_t", 1},
    BuiltIn{TypeKind::kInt16, "int16", "Int16", "int16_t", 2},
    BuiltIn{TypeKind::kUint16, "uint16", "Uint16", "uint16_t", 2},
    BuiltIn{TypeKind::kInt32, "int32", "Int32", "int32_t", 4},
    BuiltIn{TypeKind::kUint32, "uint32", "Uint32", "uint32_t", 4},
    BuiltIn{TypeKind::kInt64, "int64", "Int64", "int64_t", 8},
    BuiltIn{TypeKind::kFloat64, "float64", "Float64", "double", 8},
    BuiltIn{TypeKind::kUuid, "uuid", "Uuid", "Uuid", 16},
    BuiltIn{TypeKind::kString, "string", "String", "std::string", 0},
    BuiltIn{TypeKind::kBytes, "bytes", "ByteString", "ByteBuffer", 0},
    BuiltIn{TypeKind::kRecords, "records", "Records", "RecordsField", 0},
};

}  // namespace

const BuiltIn* FindBuiltIn(std::string_view word) {
  for (const BuiltIn& type : kBuiltIns) {
    if (type.word == word) return &type;
  }
  return nullptr;
}

const BuiltIn& BuiltInOf(TypeKind kind) {
  for (const BuiltIn& type : kBuiltIns) {
    if (type.kind == kind) return type;
  }
  std::abort();
}

std::string Diagnostic::ToString() const {
  return path + ":" + std::to_string(line) + ": " + what;
}

}  // namespace odradek::protogen
