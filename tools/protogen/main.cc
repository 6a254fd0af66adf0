// protogen SCHEMA_FOLDER ENGINE_OUT TESTS_OUT: regenerates the protocol codecs. Exit codes: 0 done, 1 a schema is
// wrong, 2 wrong arguments or a file could not be written.
#include <cstdio>

#include "tools/protogen/run.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs(
        "usage: protogen SCHEMA_FOLDER ENGINE_OUT TESTS_OUT\n"
        "example: protogen engine/protocol/schema engine/protocol/generated tests/engine/protocol/generated\n",
        stderr);
    return 2;
  }
  const odradek::protogen::GeneratedTree tree = odradek::protogen::GenerateFromFolder(argv[1]);
  for (const auto& diagnostic : tree.diagnostics) std::fprintf(stderr, "%s\n", diagnostic.ToString().c_str());
  if (!tree.diagnostics.empty()) return 1;
  if (!odradek::protogen::Write(tree.engine, argv[2]) || !odradek::protogen::Write(tree.tests, argv[3])) {
    std::fprintf(stderr, "protogen: cannot write below %s or %s\n", argv[2], argv[3]);
    return 2;
  }
  return 0;
}
