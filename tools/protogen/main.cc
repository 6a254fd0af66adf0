// protogen SCHEMA_FOLDER ENGINE_OUT TESTS_OUT JSON_OUT: regenerates what is made of the message schemas. Exit codes: 0
// done, 1 a schema is wrong, 2 wrong arguments or a file could not be written.
#include <cstdio>

#include "tools/protogen/run.h"

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs(
        "usage: protogen SCHEMA_FOLDER ENGINE_OUT TESTS_OUT JSON_OUT\n"
        "example: protogen engine/protocol/schema engine/protocol/generated tests/engine/protocol/generated "
        "tools/odradek/dump/generated\n",
        stderr);
    return 2;
  }
  const odradek::protogen::GeneratedTree tree = odradek::protogen::GenerateFromFolder(argv[1]);
  for (const auto& diagnostic : tree.diagnostics) std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
  if (!tree.diagnostics.empty()) return 1;
  const std::vector<odradek::protogen::GeneratedFile>* outputs[] = {&tree.engine, &tree.tests, &tree.json};
  for (int i = 0; i < 3; ++i) {
    const char* folder = argv[2 + i];
    if (odradek::protogen::Write(*outputs[i], folder)) continue;
    std::fprintf(stderr, "protogen: cannot write below %s\n", folder);
    return 2;
  }
  return 0;
}
