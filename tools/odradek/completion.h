// Completion scripts for shells, generated from the definitions of the verbs: what `--help` knows, a tab knows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace odradek::tool {

std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

}  // namespace odradek::tool
