// What the verbs under `odradek sim` share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/mutation.h"
#include "sim/explore/run.h"

namespace odradek::tool {

// Both ends included.
struct SeedRange {
  uint64_t first = 1;
  uint64_t last = 100;
};
// "7" or "1..100".
std::optional<SeedRange> ParseSeedRange(const std::string& text);

// "1500000", "1500us", "20ms", "1.5s": nanoseconds.
std::optional<int64_t> ParseTimeNanos(const std::string& text);

absl::StatusOr<base::Mutation> ParseMutation(const std::string& id);

absl::StatusOr<sim::plan::Plan> LoadPlan(const std::string& path, const explore::Scenario& scenario);

// Prints "odradek sim: what" and returns the exit code of wrong usage.
int SimUsageError(std::string_view what);

// Scenario, seed, plan and mutation of one run.
struct OneRunArguments {
  std::string scenario;
  uint64_t seed = 1;
  std::string plan;
  std::string mutation;
};
void AddOneRunOptions(CLI::App& command, OneRunArguments& arguments);

struct OneRun {
  explore::Scenario scenario;
  uint64_t seed = 0;
  std::optional<sim::plan::Plan> plan;
  std::optional<base::Mutation> mutation;
  // Refers to this.
  explore::RunOptions options() const;
};
absl::StatusOr<OneRun> LoadOneRun(const OneRunArguments& arguments);

// The verbs; sim_command.cc has run and list.
void AddSimReplayCommand(CLI::App& sim, int& exit_code);
void AddSimDiffCommand(CLI::App& sim, int& exit_code);
void AddSimZooCommand(CLI::App& sim, int& exit_code);
void AddSimPlanCommand(CLI::App& sim, int& exit_code);
void AddSimShrinkCommand(CLI::App& sim, int& exit_code);

}  // namespace odradek::tool
