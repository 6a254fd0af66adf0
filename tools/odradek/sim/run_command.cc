// odradek sim: run many seeds of scenarios, and list what there is.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/absl_compat.h"
#include "engine/base/prng.h"
#include "sim/explore/campaign.h"
#include "sim/explore/summary.h"
#include "sim/report/report.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/output.h"

namespace odradek::tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kRunExamples = R"(Examples:
  odradek sim run calm
  odradek sim run power_loss_flush_never connections --seeds 1..1000 --jobs 8 --json out.json
  odradek sim run disk_faults --seeds 1..200 --report /tmp/report
Exit codes: 0 all passed; 1 all passed, but a result could not be written; 2 wrong usage, or a file could not be written
already before the campaign; 10 a liveness property is false; 11 a safety property is false, or two runs of a seed differ;
12 a run crashed or hung; 13 a probe that a scenario demands was never reached, of which fewer than 100 runs of that
scenario say nothing. The gravest one wins (crash, safety, liveness, probe).)";

struct RunArguments {
  std::vector<std::string> scenarios;
  std::string seeds = "1..100";
  int jobs = 0;
  std::string json;
  std::string junit;
  std::string report;
  Variation variation;
  std::string twice_share = "1/8";
  int timeout_s = 120;
};

struct Share {
  uint64_t parts = 1;
  uint64_t of = 8;
};

std::optional<Share> ParseShare(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return text == "0" ? std::optional(Share{0, 1}) : std::nullopt;
  const auto parts = ParseSeedRange(text.substr(0, slash));
  const auto of = ParseSeedRange(text.substr(slash + 1));
  if (!parts || !of || of->first == 0 || parts->first > of->first) return std::nullopt;
  return Share{parts->first, of->first};
}

// A campaign that was read and found good.
struct Campaign {
  std::vector<explore::Scenario> scenarios;
  std::vector<std::string> arguments;  // how each was named
  std::vector<explore::Job> jobs;
  std::vector<explore::ScenarioDemand> demands;
  std::optional<sim::plan::Plan> plan;
  std::optional<base::Mutation> mutation;
};

absl::StatusOr<Campaign> LoadCampaign(const Tool& tool, const RunArguments& arguments) {
  const std::optional<SeedRange> seeds = ParseSeedRange(arguments.seeds);
  if (!seeds) return base::InvalidArgument(fmt::format("--seeds {}: expected A..B with A <= B", arguments.seeds));
  const std::optional<Share> twice = ParseShare(arguments.twice_share);
  if (!twice) return base::InvalidArgument(fmt::format("--twice-share {}: expected N/M", arguments.twice_share));
  Campaign campaign;
  for (const std::string& name : arguments.scenarios) {
    absl::StatusOr<explore::Scenario> scenario = LoadScenario(tool, name, arguments.variation.pinned);
    if (!scenario.ok()) return scenario.status();
    explore::ScenarioDemand demand{.scenario = scenario->name()};
    demand.probes.assign(scenario->demanded_probe().begin(), scenario->demanded_probe().end());
    campaign.demands.push_back(std::move(demand));
    campaign.arguments.push_back(name);
    campaign.scenarios.push_back(std::move(*scenario));
  }
  if (!arguments.variation.plan.empty()) {
    absl::StatusOr<sim::plan::Plan> plan = LoadPlan(arguments.variation.plan, campaign.scenarios.front());
    if (!plan.ok()) return plan.status();
    campaign.plan = std::move(*plan);
  }
  if (!arguments.variation.mutation.empty()) {
    const absl::StatusOr<base::Mutation> mutation = ParseMutation(arguments.variation.mutation);
    if (!mutation.ok()) return mutation.status();
    campaign.mutation = *mutation;
  }
  for (size_t i = 0; i < campaign.scenarios.size(); ++i) {
    for (uint64_t seed = seeds->first;; ++seed) {
      const bool is_twice = base::Mix64(seed) % twice->of < twice->parts;
      campaign.jobs.push_back({i, campaign.scenarios[i].name(), seed, is_twice});
      if (seed == seeds->last) break;
    }
  }
  return campaign;
}

// One line that is written again on a terminal, and a line now and then elsewhere.
class Progress {
 public:
  void Update(size_t done_count, size_t job_count, const explore::RunResult& last) {
    if (last.verdict() != explore::PASS) ++failed_count_;
    const bool is_last = done_count == job_count;
    const auto now = Clock::now();
    const auto pause = is_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
    if (!is_last && now - printed_at_ < pause) return;
    printed_at_ = now;
    constexpr size_t kBarWidth = 30;
    const size_t filled = job_count == 0 ? kBarWidth : done_count * kBarWidth / job_count;
    const double seconds = std::chrono::duration<double>(now - began_at_).count();
    const std::string text =
        fmt::format("{}/{} runs, {} failed, {:.0f} s", done_count, job_count, failed_count_, seconds);
    if (is_terminal_) {
      std::cerr << "\r[" << std::string(filled, '#') << std::string(kBarWidth - filled, '.') << "] " << text
                << (is_last ? "\n" : "   ") << std::flush;
    } else {
      std::cerr << text << "\n" << std::flush;
    }
  }

 private:
  const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
  const Clock::time_point began_at_ = Clock::now();
  Clock::time_point printed_at_;
  size_t failed_count_ = 0;
};

// `verb`: replay or shrink.
std::string RepeatJob(const Tool& tool, std::string_view verb, const RunArguments& arguments, const Campaign& campaign,
                      const explore::Job& job) {
  return RepeatCommand(
      tool, verb, {.scenario = campaign.arguments[job.scenario], .seed = job.seed, .variation = arguments.variation});
}

// The campaign's command with what decides about its runs.
std::string CampaignCommand(const Tool& tool, const RunArguments& arguments) {
  std::string command = tool.command + " run";
  for (const std::string& scenario : arguments.scenarios) command += " " + scenario;
  return command + " --seeds " + arguments.seeds + ToArguments(arguments.variation);
}

absl::Status WriteReportPage(const Tool& tool, const RunArguments& arguments, const Campaign& campaign,
                             const std::vector<explore::RunResult>& results, const explore::RunOptions& run_options) {
  const auto command_of = [&](std::string_view verb) {
    return [&tool, &arguments, &campaign, verb](const explore::Job& job) {
      return RepeatJob(tool, verb, arguments, campaign, job);
    };
  };
  const absl::StatusOr<std::string> path = report::WriteReport({.command = CampaignCommand(tool, arguments),
                                                                .scenarios = campaign.scenarios,
                                                                .jobs = campaign.jobs,
                                                                .results = results,
                                                                .demands = campaign.demands,
                                                                .run_options = run_options,
                                                                .replay_command = command_of("replay"),
                                                                .shrink_command = command_of("shrink")},
                                                               arguments.report);
  if (!path.ok()) return path.status();
  std::cout << "report: " << *path << "\n" << std::flush;
  return absl::OkStatus();
}

// Empty: what a campaign may take hours to find can be written in the end.
std::string OutputProblem(const RunArguments& arguments) {
  for (const std::string& path : {arguments.json, arguments.junit}) {
    if (path.empty()) continue;
    if (std::string problem = WhyNotWritable(path); !problem.empty()) return problem;
  }
  return arguments.report.empty() ? "" : WhyNotWritable(arguments.report, report::kPageName);
}

// False, and it is said: something could not be written.
bool WriteResults(const Tool& tool, const RunArguments& arguments, const Campaign& campaign,
                  const std::vector<explore::RunResult>& results, const explore::RunOptions& run_options) {
  std::vector<std::string> problems;
  if (!arguments.json.empty()) {
    problems.push_back(WriteTextFile(arguments.json, explore::ToJson(results, campaign.demands)));
  }
  if (!arguments.junit.empty()) problems.push_back(WriteTextFile(arguments.junit, explore::ToJUnitXml(results)));
  if (!arguments.report.empty()) {
    const absl::Status written = WriteReportPage(tool, arguments, campaign, results, run_options);
    problems.emplace_back(base::SV(written.message()));
  }
  std::erase(problems, "");
  for (const std::string& problem : problems) tool.Failed(problem);
  return problems.empty();
}

int RunCampaignCommand(const Tool& tool, const RunArguments& arguments) {
  const absl::StatusOr<Campaign> campaign = LoadCampaign(tool, arguments);
  if (!campaign.ok()) return tool.UsageError(base::SV(campaign.status().message()));
  if (const std::string problem = OutputProblem(arguments); !problem.empty()) return tool.UsageError(problem);
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  Progress progress;
  const explore::CampaignOptions options{
      .worker_count = arguments.jobs > 0 ? arguments.jobs : cores,
      .run_timeout = std::chrono::seconds(arguments.timeout_s),
      .on_progress = [&](size_t done_count, size_t job_count, const explore::RunResult& last) {
        progress.Update(done_count, job_count, last);
      }};
  explore::RunOptions run_options{.mutation = campaign->mutation};
  run_options.lab = tool.lab;
  if (campaign->plan.has_value()) run_options.plan = &*campaign->plan;
  const std::vector<explore::RunResult> results =
      explore::RunCampaign(campaign->jobs, options, [&](const explore::Job& job) {
        const explore::Scenario& scenario = campaign->scenarios[job.scenario];
        return job.twice ? explore::RunSeedTwice(scenario, job.seed, run_options)
                         : explore::RunSeed(scenario, job.seed, run_options);
      });
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].verdict() == explore::PASS) continue;
    std::cout << explore::FailureText(results[i], RepeatJob(tool, "replay", arguments, *campaign, campaign->jobs[i]))
              << "\n";
  }
  std::cout << explore::SummaryTable(results, campaign->demands) << std::flush;
  const bool is_written = WriteResults(tool, arguments, *campaign, results, run_options);
  const int exit_code = explore::ExitCode(results, campaign->demands);
  return exit_code == kExitOk && !is_written ? kExitFailed : exit_code;
}

int ListCommand(const Tool& tool) {
  const std::vector<std::string> paths = explore::ListScenarios(*tool.lab);
  if (paths.empty()) return tool.UsageError("there is no folder of scenarios here or above");
  for (const std::string& path : paths) {
    const absl::StatusOr<explore::Scenario> scenario = explore::LoadScenario(path, *tool.lab);
    if (!scenario.ok()) return tool.UsageError(base::SV(scenario.status().message()));
    std::cout << fmt::format("{:<30} {}\n", scenario->name(), scenario->description());
  }
  return kExitOk;
}

}  // namespace

void AddSimRunCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command = sim.add_subcommand("run", "Run seeds of scenarios in worker processes and judge them");
  auto arguments = std::make_shared<RunArguments>();
  command->add_option("scenarios", arguments->scenarios, "Names of scenarios, or files")->required();
  command->add_option("--seeds", arguments->seeds, "A..B, both included; one number is that seed alone")
      ->capture_default_str();
  command->add_option("--jobs", arguments->jobs, "Worker processes (default: as many as there are processors)")
      ->check(WholeNumberFrom<int>(1));
  command->add_option("--json", arguments->json, "Write every result to this file");
  command->add_option("--junit", arguments->junit, "Write JUnit XML to this file");
  command->add_option("--report", arguments->report, "Write a page for people into this folder: DIR/index.html");
  AddVariationOptions(*command, tool, arguments->variation);
  command->add_option("--twice-share", arguments->twice_share, "Share of the seeds that are run twice and compared")
      ->capture_default_str();
  command->add_option("--timeout", arguments->timeout_s, "Seconds of wall-clock time after which a run has hung")
      ->check(WholeNumberFrom<int>(1))
      ->capture_default_str();
  command->footer(tool.Said(kRunExamples));
  command->callback([tool, arguments, &exit_code] { exit_code = RunCampaignCommand(tool, *arguments); });
}

void AddSimListCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* list = sim.add_subcommand("list", "List the scenarios");
  list->footer(
      tool.Said("Examples:\n"
                "  odradek sim list\n"
                "Exit codes: 0 success; 2 wrong usage, or there are no scenarios."));
  list->callback([tool, &exit_code] { exit_code = ListCommand(tool); });
}

}  // namespace odradek::tool
