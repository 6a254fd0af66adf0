#include "tools/odradek/sim/arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "engine/base/absl_compat.h"
#include "sim/explore/scenario.h"
#include "sim/explore/text_file.h"
#include "tools/odradek/sim/output.h"

namespace odradek::tool {
absl::StatusOr<base::Mutation> ParseMutation(const std::string& id) {
#if !defined(ODRADEK_MUTATIONS)
  return base::FailedPrecondition(fmt::format(
      "this binary was built without mutations, and \"{}\" would do nothing: use the preset mutations", id));
#else
  for (const base::MutationInfo& info : base::kMutations) {
    if (info.id == id) return info.mutation;
  }
  return base::InvalidArgument(fmt::format("there is no mutation \"{}\"", id));
#endif
}

absl::StatusOr<sim::plan::Plan> LoadPlan(const std::string& path, const explore::Scenario& scenario) {
  const absl::StatusOr<std::string> text = explore::ReadTextFile(path);
  if (!text.ok()) return text.status();
  return sim::ParsePlan(*text, path, explore::TopologyOf(scenario));
}

absl::StatusOr<explore::Scenario> LoadScenario(const Tool& tool, const std::string& name,
                                               const std::vector<std::string>& pinned) {
  absl::StatusOr<explore::Scenario> scenario = explore::LoadScenario(name, *tool.lab);
  if (!scenario.ok()) return scenario;
  for (const std::string& setting : pinned) {
    const absl::Status status = explore::PinSetting(setting, *tool.lab, *scenario);
    if (!status.ok()) return base::InvalidArgument(fmt::format("--set {}: {}", setting, base::SV(status.message())));
  }
  return scenario;
}

std::string Tool::Said(std::string_view text) const {
  constexpr std::string_view kOurs = "odradek sim";
  std::string said(text);
  for (size_t at = said.find(kOurs); at != std::string::npos; at = said.find(kOurs, at + command.size())) {
    said.replace(at, kOurs.size(), command);
  }
  return said;
}

int Tool::UsageError(std::string_view what) const {
  Failed(what);
  return kExitUsage;
}

int Tool::Failed(std::string_view what) const {
  std::cerr << command << ": " << what << "\n";
  return kExitFailed;
}

void AddVariationOptions(CLI::App& command, const Tool& tool, Variation& variation) {
  command.add_option("--plan", variation.plan, "A fault plan to use instead of the seed's own")
      ->check(CLI::ExistingFile);
  command.add_option("--mutation", variation.mutation, "A mistake of the bug zoo to switch on (mutations build only)");
  if (tool.lab->programs.empty() && tool.lab->workloads.empty()) return;
  command.add_option("--set", variation.pinned, "Pin a setting: PROGRAM.NAME=VALUE, or of a workload");
}

std::string ToArguments(const Variation& variation) {
  std::string text;
  if (!variation.plan.empty()) text += " --plan " + variation.plan;
  if (!variation.mutation.empty()) text += " --mutation " + variation.mutation;
  for (const std::string& setting : variation.pinned) text += " --set " + setting;
  return text;
}

void AddOneRunOptions(CLI::App& command, const Tool& tool, OneRunArguments& arguments) {
  command
      .add_option("scenario", arguments.scenario, tool.Said("Name of a scenario (see `odradek sim list`), or a file"))
      ->required();
  command.add_option("--seed", arguments.seed, "Which run of it")->check(WholeNumberFrom<uint64_t>(0))->required();
  AddVariationOptions(command, tool, arguments.variation);
}

std::string RepeatCommand(const Tool& tool, std::string_view verb, const OneRunArguments& arguments) {
  return fmt::format("{} {} {} --seed {}{}", tool.command, verb, arguments.scenario, arguments.seed,
                     ToArguments(arguments.variation));
}

explore::RunOptions OneRun::options() const {
  explore::RunOptions options;
  options.mutation = mutation;
  options.lab = lab;
  if (plan.has_value()) options.plan = &*plan;
  return options;
}

absl::StatusOr<OneRun> LoadOneRun(const Tool& tool, const OneRunArguments& arguments) {
  OneRun run;
  absl::StatusOr<explore::Scenario> scenario = LoadScenario(tool, arguments.scenario, arguments.variation.pinned);
  if (!scenario.ok()) return scenario.status();
  run.scenario = std::move(*scenario);
  run.seed = arguments.seed;
  run.lab = tool.lab;
  if (!arguments.variation.plan.empty()) {
    absl::StatusOr<sim::plan::Plan> plan = LoadPlan(arguments.variation.plan, run.scenario);
    if (!plan.ok()) return plan.status();
    run.plan = std::move(*plan);
  }
  if (arguments.variation.mutation.empty()) return run;
  const absl::StatusOr<base::Mutation> mutation = ParseMutation(arguments.variation.mutation);
  if (!mutation.ok()) return mutation.status();
  run.mutation = *mutation;
  return run;
}

void AddSimVerbs(CLI::App& sim, const Tool& tool, int& exit_code) {
  AddSimRunCommand(sim, tool, exit_code);
  AddSimReplayCommand(sim, tool, exit_code);
  AddSimExplainCommand(sim, tool, exit_code);
  AddSimPlanCommand(sim, tool, exit_code);
  AddSimDiffCommand(sim, tool, exit_code);
  AddSimShrinkCommand(sim, tool, exit_code);
  AddSimListCommand(sim, tool, exit_code);
}

CLI::Validator NotEmpty() {
  const auto problem = [](const std::string& text) { return text.empty() ? std::string("is empty") : std::string(); };
  return CLI::Validator(problem, "");
}

CLI::Validator WholeNumber(uint64_t min, uint64_t max) {
  const auto problem = [min, max](const std::string& text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= min && number <= max)
      return std::string();
    // Nobody needs the largest of 64 bits to be told.
    const bool is_open = max >= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return fmt::format("\"{}\" is not a whole number from {} {}", text, min,
                       is_open ? "on" : fmt::format("to {}", max));
  };
  return CLI::Validator(problem, fmt::format("FROM {}", min));
}

std::string ExplainUsage(const CLI::App* app, const CLI::Error& error) {
  const CLI::App* verb = app;
  while (!verb->get_subcommands().empty()) verb = verb->get_subcommands().front();
  const std::vector<std::string> extras = app->remaining(true);
  std::string text = error.what();
  if (verb->get_require_subcommand_min() > 0 && verb->get_subcommands().empty()) {
    std::string names;
    for (const CLI::App* one : verb->get_subcommands([](const CLI::App*) { return true; })) {
      names += (names.empty() ? "" : ", ") + one->get_name();
    }
    text = extras.empty() ? "a verb is missing" : fmt::format("there is no verb \"{}\"", extras.front());
    text += ": one of " + names;
  } else if (!extras.empty() && dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    text = "not understood: " + extras.front() + "; " + text;
  }
  return VerbOf(*app) + ": " + text + "\nRun with --help for more information.\n";
}

}  // namespace odradek::tool
