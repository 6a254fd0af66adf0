#include "tools/protogen/run.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "tools/protogen/check.h"
#include "tools/protogen/parse.h"

namespace odradek::protogen {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

GeneratedTree GenerateFromFolder(const std::filesystem::path& schema_folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(schema_folder, error)) {
    if (entry.path().extension() == ".msg") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  GeneratedTree tree;
  std::vector<SchemaFile> files;
  for (const auto& path : paths) {
    const std::string text = ReadText(path);
    const std::string name = path.string();
    files.push_back(Parse({.path = name, .text = text}, tree.diagnostics));
  }
  if (paths.empty()) tree.diagnostics.push_back({schema_folder.string(), 0, "no .msg file in this folder"});
  // Names are only worth looking up once every line was understood.
  if (tree.diagnostics.empty()) {
    for (SchemaFile& file : files) CheckAndResolve(file, tree.diagnostics);
    CheckTogether(files, tree.diagnostics);
  }
  if (!tree.diagnostics.empty()) return tree;
  tree.engine = GenerateEngine(files);
  tree.tests = GenerateTests(files);
  tree.json = GenerateJson(files);
  return tree;
}

Differences Compare(const std::vector<GeneratedFile>& files, const std::filesystem::path& folder) {
  Differences differences;
  std::set<std::string> names;
  for (const GeneratedFile& file : files) {
    names.insert(file.name);
    if (ReadText(folder / file.name) != file.text) differences.changed.push_back(file.name);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string extension = entry.path().extension().string();
    const std::string name = entry.path().filename().string();
    if ((extension == ".h" || extension == ".cc") && !names.contains(name)) differences.leftovers.push_back(name);
  }
  std::ranges::sort(differences.leftovers);
  return differences;
}

bool Write(const std::vector<GeneratedFile>& files, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const Differences differences = Compare(files, folder);
  for (const GeneratedFile& file : files) {
    // An unchanged file keeps its time, so that nothing is compiled again.
    if (std::ranges::find(differences.changed, file.name) == differences.changed.end()) continue;
    std::ofstream out(folder / file.name, std::ios::binary | std::ios::trunc);
    out << file.text;
    if (!out.flush()) return false;
  }
  for (const std::string& name : differences.leftovers) std::filesystem::remove(folder / name, error);
  return !error;
}

}  // namespace odradek::protogen
