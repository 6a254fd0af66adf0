// The generator from folder to folders, for its main and for the test that regenerates.
#pragma once

#include <filesystem>
#include <vector>

#include "tools/protogen/generate.h"

namespace odradek::protogen {

struct GeneratedTree {
  std::vector<GeneratedFile> engine;
  std::vector<GeneratedFile> tests;
  std::vector<GeneratedFile> json;
  Diagnostics diagnostics;  // if not empty, nothing was generated
};

// All *.msg files of the folder, in the order of their names.
GeneratedTree GenerateFromFolder(const std::filesystem::path& schema_folder);

struct Differences {
  std::vector<std::string> changed;    // missing, or with other bytes
  std::vector<std::string> leftovers;  // generated once, by no schema now
};
Differences Compare(const std::vector<GeneratedFile>& files, const std::filesystem::path& folder);

// Writes what differs and removes leftovers. False: a file could not be written.
bool Write(const std::vector<GeneratedFile>& files, const std::filesystem::path& folder);

}  // namespace odradek::protogen
