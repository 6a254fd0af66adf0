// The verbs of the simulator as a user's own binary: lab::Main().
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "sim/lab/main.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/output.h"

namespace odradek::lab {

int Main(const Lab& lab, int argc, char** argv) {
  const std::string path = argc > 0 ? argv[0] : "lab";
  const std::string name = std::filesystem::path(path).filename().string();
  const std::string problem = CheckLab(lab);
  if (!problem.empty()) {
    std::cerr << fmt::format("{}: {}\n", name, problem);
    return tool::kExitUsage;
  }
  CLI::App app{"Tests programs beside an Odradek broker in a simulated world.", name};
  app.require_subcommand(1);
  app.failure_message(tool::ExplainUsage);
  int exit_code = tool::kExitOk;
  // As it was called, so that the command that repeats a run can be pasted.
  tool::AddSimVerbs(app, {.command = path, .lab = &lab}, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? tool::kExitOk : tool::kExitUsage;
  }
  return tool::CheckOutput(tool::VerbOf(app), exit_code);
}

}  // namespace odradek::lab
