#include "tools/odradek/sim_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <sstream>

#include "engine/base/absl_compat.h"
#include "tools/odradek/command.h"

namespace odradek::tool {
namespace {

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<SeedRange> ParseSeedRange(const std::string& text) {
  const size_t dots = text.find("..");
  const auto first = ParseWhole<uint64_t>(std::string_view(text).substr(0, dots));
  const auto last = dots == std::string::npos ? first : ParseWhole<uint64_t>(std::string_view(text).substr(dots + 2));
  if (!first || !last || *first > *last) return std::nullopt;
  return SeedRange{*first, *last};
}

std::optional<int64_t> ParseTimeNanos(const std::string& text) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  std::string_view number = text;
  int64_t unit_ns = 1;
  for (const auto& [suffix, ns] : kUnits) {
    if (!number.ends_with(suffix)) continue;
    number.remove_suffix(suffix.size());
    unit_ns = ns;
    break;
  }
  const size_t dot = number.find('.');
  const auto whole = ParseWhole<int64_t>(number.substr(0, dot));
  if (!whole || *whole < 0) return std::nullopt;
  int64_t total = *whole * unit_ns;
  if (dot == std::string_view::npos) return total;
  for (const char digit : number.substr(dot + 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    unit_ns /= 10;
    total += (digit - '0') * unit_ns;
  }
  return total;
}

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
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return base::NotFound(fmt::format("{}: cannot be read", path));
  return sim::ParsePlan(std::move(text).str(), path, explore::TopologyOf(scenario));
}

int SimUsageError(std::string_view what) {
  std::cerr << "odradek sim: " << what << "\n";
  return kExitUsage;
}

void AddOneRunOptions(CLI::App& command, OneRunArguments& arguments) {
  command.add_option("scenario", arguments.scenario, "Name of a scenario (see `odradek sim list`), or a file")
      ->required();
  command.add_option("--seed", arguments.seed, "Which run of it")->required();
  command.add_option("--plan", arguments.plan, "A fault plan to use instead of the seed's own")
      ->check(CLI::ExistingFile);
  command.add_option("--mutation", arguments.mutation, "A mistake of the bug zoo to switch on (mutations build only)");
}

explore::RunOptions OneRun::options() const {
  explore::RunOptions options;
  options.mutation = mutation;
  if (plan.has_value()) options.plan = &*plan;
  return options;
}

absl::StatusOr<OneRun> LoadOneRun(const OneRunArguments& arguments) {
  OneRun run;
  absl::StatusOr<explore::Scenario> scenario = explore::LoadScenario(arguments.scenario);
  if (!scenario.ok()) return scenario.status();
  run.scenario = std::move(*scenario);
  run.seed = arguments.seed;
  if (!arguments.plan.empty()) {
    absl::StatusOr<sim::plan::Plan> plan = LoadPlan(arguments.plan, run.scenario);
    if (!plan.ok()) return plan.status();
    run.plan = std::move(*plan);
  }
  if (arguments.mutation.empty()) return run;
  const absl::StatusOr<base::Mutation> mutation = ParseMutation(arguments.mutation);
  if (!mutation.ok()) return mutation.status();
  run.mutation = *mutation;
  return run;
}

}  // namespace odradek::tool
