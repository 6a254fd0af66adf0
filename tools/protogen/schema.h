// What a .msg file says, as data. The notation itself is described in README.md.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace odradek::protogen {

inline constexpr int kOpenEnd = std::numeric_limits<int16_t>::max();

// Versions first..last, both included.
struct VersionRange {
  int first = 0;
  int last = kOpenEnd;
  bool Contains(const VersionRange& other) const { return first <= other.first && other.last <= last; }
  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

enum class TypeKind {
  kBool,
  kInt8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kFloat64,
  kUuid,
  kString,
  kBytes,
  kRecords,
  kStruct
};

// One row per built-in type: its word in the notation, the Reader/Writer function, the C++ type, the bytes on the wire
// (0: length-prefixed).
struct BuiltIn {
  TypeKind kind;
  std::string_view word;
  std::string_view function;
  std::string_view cpp;
  int wire_bytes;
};
const BuiltIn* FindBuiltIn(std::string_view word);
const BuiltIn& BuiltInOf(TypeKind kind);

struct Type {
  TypeKind kind = TypeKind::kInt32;
  std::string struct_name;  // of kStruct
  bool is_array = false;
  bool is_few = false;  // an array that mostly has one element
};

struct Field {
  std::string name;
  Type type;
  VersionRange versions;
  std::optional<VersionRange> null_versions;
  std::optional<int> tag;
  VersionRange tag_versions;
  std::optional<std::string> default_text;  // strings keep their quotes
  bool ignorable = false;
  bool classic = false;  // old length prefix even in flexible versions
  int line = 0;
};

struct Struct {
  std::string name;
  std::vector<Field> fields;
  int line = 0;
};

enum class MessageKind { kRequest, kResponse, kHeader, kMetadata, kRemote, kData, kCoordinatorKey, kCoordinatorValue };

struct Message {
  MessageKind kind = MessageKind::kData;
  std::string name;  // of the C++ struct
  int key = -1;      // API key or record type
  std::string log;   // of a coordinator's record: one of kCoordinatorLogs; each numbers its types by itself
  VersionRange versions;
  int flexible_from = kOpenEnd;
  Struct body;
  std::vector<Struct> structs;  // after CheckAndResolve: a struct comes after those that it uses
  int line = 0;
};

// The api line of a file.
struct Api {
  int key = -1;
  std::string name;
  VersionRange versions;
  int flexible_from = kOpenEnd;
  std::optional<int> advertised_first;       // if it differs from versions.first
  std::optional<int> unstable_from;          // versions that are only served on request
  std::optional<int> response_header_fixed;  // if it does not follow flexibility
  bool on_broker = false;
  bool on_controller = false;
  int line = 0;
};

// The coordinators that keep a log of records with keys, by the word in the notation.
inline constexpr std::array<std::string_view, 3> kCoordinatorLogs = {"group", "transaction", "share"};

struct SchemaFile {
  std::string path;  // for messages
  std::string stem;  // names the generated files
  std::optional<Api> api;
  std::vector<Message> messages;
};

struct Diagnostic {
  std::string path;
  int line = 0;
  std::string what;
  // "path:line: what"
  std::string ToString() const;
};
using Diagnostics = std::vector<Diagnostic>;

}  // namespace odradek::protogen
