// The verbs of the one binary. Each registers itself with its options; the callback leaves the exit code.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/odradek/sim/exit_codes.h"

namespace odradek::tool {

void AddBrokerCommand(CLI::App& app, int& exit_code);
void AddSimCommand(CLI::App& app, int& exit_code);
void AddSimZooCommand(CLI::App& sim, int& exit_code);
void AddTopicCommand(CLI::App& app, int& exit_code);
void AddClusterCommand(CLI::App& app, int& exit_code);
void AddProduceCommand(CLI::App& app, int& exit_code);
void AddConsumeCommand(CLI::App& app, int& exit_code);
void AddConfigCommand(CLI::App& app, int& exit_code);
void AddDumpLogCommand(CLI::App& app, int& exit_code);
void AddDevCommand(CLI::App& app, int& exit_code);
void AddCompletionCommand(CLI::App& app, int& exit_code);

}  // namespace odradek::tool
