// Checked schemas to C++ text. The output depends on the schemas alone, byte for byte.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/protogen/schema.h"

namespace odradek::protogen {

struct GeneratedFile {
  std::string name;  // relative to its folder
  std::string text;
};

std::string GenerateHeader(const SchemaFile& file);
std::string GenerateSource(const SchemaFile& file);
// Random values for tests, and the file's entry in their table of messages.
std::string GenerateFiller(const SchemaFile& file);

// What goes to engine/protocol/generated: a header and a source per schema, and the tables of keys.
std::vector<GeneratedFile> GenerateEngine(std::span<const SchemaFile> files);
// What goes to tests/engine/protocol/generated.
std::vector<GeneratedFile> GenerateTests(std::span<const SchemaFile> files);
// What goes to tools/odradek/dump/generated: metadata and control records as JSON.
std::vector<GeneratedFile> GenerateJson(std::span<const SchemaFile> files);

}  // namespace odradek::protogen
