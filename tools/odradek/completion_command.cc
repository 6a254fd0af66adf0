// odradek completion: scripts that let a shell complete verbs, options and names of scenarios.
#include <iostream>
#include <memory>

#include "tools/odradek/command.h"
#include "tools/odradek/completion.h"

namespace odradek::tool {

void AddCompletionCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("completion", "Print a script that completes command lines, for a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  command->footer(
      "Examples:\n"
      "  source <(odradek completion bash)                       in ~/.bashrc\n"
      "  odradek completion zsh > \"${fpath[1]}/_odradek\"\n"
      "An installed package has both in their places.\n"
      "Exit codes: 0 success; 2 wrong usage.");
  command->callback([&app, shell, &exit_code] {
    std::cout << (*shell == "bash" ? BashCompletion(app) : ZshCompletion(app)) << std::flush;
    exit_code = kExitOk;
  });
}

}  // namespace odradek::tool
