// The verbs of the one binary. Each registers itself with its options; the callback leaves the exit code.
#pragma once

#include <CLI/CLI.hpp>

namespace odradek::tool {

// Exit codes that all verbs share; sim run adds its own (sim/explore/summary.h).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

void AddBrokerCommand(CLI::App& app, int& exit_code);
void AddSimCommand(CLI::App& app, int& exit_code);
void AddTopicCommand(CLI::App& app, int& exit_code);
void AddProduceCommand(CLI::App& app, int& exit_code);
void AddConsumeCommand(CLI::App& app, int& exit_code);
void AddConfigCommand(CLI::App& app, int& exit_code);
void AddDumpLogCommand(CLI::App& app, int& exit_code);

}  // namespace odradek::tool
