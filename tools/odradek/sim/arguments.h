// What the verbs of the simulator share, under `odradek sim` and in a user's own binary (sim/lab/main.h).
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/mutation.h"
#include "sim/explore/run.h"
#include "sim/lab/lab.h"
#include "tools/odradek/sim/exit_codes.h"
#include "tools/odradek/sim/values.h"

namespace odradek::tool {

// Which program the verbs belong to: what a user types before a verb, and what of his own can be run.
struct Tool {
  std::string command = "odradek sim";
  const lab::Lab* lab;

  // A text that speaks of `odradek sim`, for this program.
  std::string Said(std::string_view text) const;
  // Prints "odradek sim: what" and returns the exit code of wrong usage.
  int UsageError(std::string_view what) const;
  // The same for what is nobody's mistake in the command line: 1.
  int Failed(std::string_view what) const;
};

absl::StatusOr<base::Mutation> ParseMutation(const std::string& id);

absl::StatusOr<sim::plan::Plan> LoadPlan(const std::string& path, const explore::Scenario& scenario);

// With the user's own names, and with settings pinned: "ledger.order=send-first".
absl::StatusOr<explore::Scenario> LoadScenario(const Tool& tool, const std::string& name,
                                               const std::vector<std::string>& pinned);

// What decides about a run besides scenario and seed.
struct Variation {
  std::string plan;
  std::string mutation;
  std::vector<std::string> pinned;
};
void AddVariationOptions(CLI::App& command, const Tool& tool, Variation& variation);
// As it stands on a command line: "" or " --plan FILE --mutation ID --set NAME=VALUE".
std::string ToArguments(const Variation& variation);

// Scenario, seed, plan and mutation of one run.
struct OneRunArguments {
  std::string scenario;
  uint64_t seed = 1;
  Variation variation;
};
void AddOneRunOptions(CLI::App& command, const Tool& tool, OneRunArguments& arguments);
// "odradek sim replay NAME --seed N ..."
std::string RepeatCommand(const Tool& tool, std::string_view verb, const OneRunArguments& arguments);

struct OneRun {
  explore::Scenario scenario;
  uint64_t seed = 0;
  std::optional<sim::plan::Plan> plan;
  std::optional<base::Mutation> mutation;
  const lab::Lab* lab = nullptr;
  // Refers to this.
  explore::RunOptions options() const;
};
absl::StatusOr<OneRun> LoadOneRun(const Tool& tool, const OneRunArguments& arguments);

// The verbs; run_command.cc has run and list.
void AddSimRunCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimListCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimReplayCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimExplainCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimDiffCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimPlanCommand(CLI::App& sim, const Tool& tool, int& exit_code);
void AddSimShrinkCommand(CLI::App& sim, const Tool& tool, int& exit_code);
// All of them.
void AddSimVerbs(CLI::App& sim, const Tool& tool, int& exit_code);

// An empty text is what an unset variable of a script leaves, and no wish for the default.
CLI::Validator NotEmpty();
// Whole numbers of an option, without a sign.
CLI::Validator WholeNumber(uint64_t min, uint64_t max);
// Whatever the option's variable can hold.
template <typename T>
CLI::Validator WholeNumberFrom(uint64_t min) {
  return WholeNumber(min, static_cast<uint64_t>(std::numeric_limits<T>::max()));
}

// Of a command line that was not understood: what was not understood is likelier the mistake than what is missing
// because of it.
std::string ExplainUsage(const CLI::App* app, const CLI::Error& error);

}  // namespace odradek::tool
