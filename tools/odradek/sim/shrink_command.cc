// odradek sim shrink: the smallest fault plan with which a seed still fails.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include "engine/base/absl_compat.h"
#include "sim/explore/shrink.h"
#include "sim/explore/summary.h"
#include "sim/nemesis/plan.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

constexpr const char* kShrinkExamples = R"(Examples:
  odradek sim shrink disk_faults --seed 5272
  odradek sim shrink disk_faults --seed 5272 --output tests/scenarios/cut_without_sync.plan.txtpb
Exit codes: 0 a plan was written; 1 the seed passes, there is nothing to shrink; 2 wrong usage.)";

struct ShrinkArguments {
  OneRunArguments run;
  std::string output;
  int jobs = 0;
  uint64_t runs_max = 2000;
  int timeout_s = 120;
};

void ShowProgress(const explore::ShrinkProgress& progress) {
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  std::cerr << (is_terminal ? "\r" : "")
            << fmt::format("{} runs, {} of {} events left", progress.run_count, progress.event_count,
                           progress.event_count_before)
            << (is_terminal ? "   " : "\n") << std::flush;
}

int ShrinkCommand(const Tool& tool, const ShrinkArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(tool, arguments.run);
  if (!run.ok()) return tool.UsageError(base::SV(run.status().message()));
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(run->scenario, run->seed);
  if (!setup.ok()) return tool.UsageError(base::SV(setup.status().message()));
  const sim::plan::Plan& plan = run->plan.has_value() ? *run->plan : setup->plan;
  const explore::PlanRunner runner = [&](const sim::plan::Plan& candidate) {
    explore::RunOptions options = run->options();
    options.plan = &candidate;
    return explore::RunSeed(run->scenario, run->seed, options);
  };
  explore::ShrinkOptions options;
  options.workers.worker_count =
      arguments.jobs > 0 ? arguments.jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.workers.run_timeout = std::chrono::seconds(arguments.timeout_s);
  options.run_count_max = arguments.runs_max;
  options.on_progress = ShowProgress;
  const explore::Job job{.scenario_name = run->scenario.name(), .seed = run->seed};
  const auto first = explore::RunCampaign({job}, options.workers, [&](const explore::Job&) { return runner(plan); });
  if (first.front().verdict() == explore::PASS) {
    std::cerr << fmt::format("{}: {} passes with seed {}: there is nothing to shrink\n", tool.command,
                             run->scenario.name(), run->seed);
    return kExitFailed;
  }
  const explore::ShrinkResult shrunk = explore::ShrinkPlan(plan, first.front(), options, runner);
  if (isatty(STDERR_FILENO) == 1) std::cerr << "\n";
  const std::string path =
      arguments.output.empty() ? fmt::format("{}-{}.plan.txtpb", run->scenario.name(), run->seed) : arguments.output;
  std::ofstream out(path, std::ios::binary);
  if (!(out << sim::PrintPlan(shrunk.plan) << std::flush)) return tool.UsageError(path + ": cannot be written");
  OneRunArguments shrunk_run = arguments.run;
  shrunk_run.variation.plan = path;
  const std::string repeat = RepeatCommand(tool, "replay", shrunk_run);
  for (const sim::plan::Event& event : shrunk.plan.event()) {
    std::cout << "  " << sim::DescribeAction(event.action()) << "\n";
  }
  std::cout << fmt::format("{} of {} events are needed ({} runs)\n", shrunk.plan.event_size(), plan.event_size(),
                           shrunk.run_count)
            << explore::FailureText(shrunk.failure, repeat) << std::flush;
  return kExitOk;
}

}  // namespace

void AddSimShrinkCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command = sim.add_subcommand("shrink", "Find the smallest fault plan with which a seed still fails");
  auto arguments = std::make_shared<ShrinkArguments>();
  AddOneRunOptions(*command, tool, arguments->run);
  command->add_option("--output", arguments->output, "Where the plan goes (default: SCENARIO-SEED.plan.txtpb)");
  command->add_option("--jobs", arguments->jobs, "Worker processes (default: as many as there are processors)")
      ->check(WholeNumberFrom<int>(1));
  command->add_option("--runs-max", arguments->runs_max, "Stop after so many runs")
      ->check(WholeNumberFrom<uint64_t>(1))
      ->capture_default_str();
  command->add_option("--timeout", arguments->timeout_s, "Seconds of wall-clock time after which a run has hung")
      ->check(WholeNumberFrom<int>(1))
      ->capture_default_str();
  command->footer(tool.Said(kShrinkExamples));
  command->callback([tool, arguments, &exit_code] { exit_code = ShrinkCommand(tool, *arguments); });
}

}  // namespace odradek::tool
