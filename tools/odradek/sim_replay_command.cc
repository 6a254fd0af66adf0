// odradek sim replay | plan: one run again, for people.
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <set>

#include "engine/base/absl_compat.h"
#include "sim/explore/campaign.h"
#include "sim/explore/describe.h"
#include "sim/explore/summary.h"
#include "tools/odradek/command.h"
#include "tools/odradek/sim_arguments.h"

namespace odradek::tool {
namespace {

constexpr const char* kReplayExamples = R"(Examples:
  odradek sim replay calm --seed 7
  odradek sim replay connections --seed 7 --kind client,network --node p1 --until 2.5s
  odradek sim replay connections --seed 7 --trace /tmp/trace.txt
Kinds: run, node, fault, network, disk, fiber, message, log, observed, probe, client.
Exit codes are those of `odradek sim run`.)";

struct ReplayArguments {
  OneRunArguments run;
  std::string until;
  std::vector<std::string> nodes;
  std::vector<std::string> kinds;
  std::string trace;
};

// What the terminal shows: kinds, nodes and time; and everything for the file.
class ReplayTrace final : public sim::TraceSink {
 public:
  struct Filter {
    std::set<std::string, std::less<>> kinds;
    std::set<std::string, std::less<>> nodes;  // all if empty
    int64_t until_ns = INT64_MAX;
  };
  ReplayTrace(Filter filter, std::FILE* file) : filter_(std::move(filter)), file_(file) {}

  void Add(sim::TraceEntry entry) override {
    const bool is_shown = entry.time.nanos() <= filter_.until_ns && filter_.kinds.contains(ToString(entry.kind)) &&
                          (filter_.nodes.empty() || filter_.nodes.contains(entry.node_name));
    if (!is_shown && file_ == nullptr) return;
    const std::string line = sim::FormatTrace(entry) + "\n";
    if (is_shown) std::fputs(line.c_str(), stdout);
    if (file_ != nullptr) std::fputs(line.c_str(), file_);
  }

 private:
  const Filter filter_;
  std::FILE* const file_;
};

absl::StatusOr<ReplayTrace::Filter> FilterOf(const ReplayArguments& arguments) {
  ReplayTrace::Filter filter;
  std::set<std::string, std::less<>> known;
  for (int kind = 0; kind <= static_cast<int>(sim::TraceKind::kClient); ++kind) {
    known.insert(std::string(ToString(static_cast<sim::TraceKind>(kind))));
  }
  for (const std::string& kind : arguments.kinds) {
    if (!known.contains(kind)) return base::InvalidArgument(fmt::format("--kind {}: there is no such kind", kind));
    filter.kinds.insert(kind);
  }
  if (filter.kinds.empty()) filter.kinds = {"run", "node", "fault", "log"};
  filter.nodes.insert(arguments.nodes.begin(), arguments.nodes.end());
  if (arguments.until.empty()) return filter;
  const std::optional<int64_t> until_ns = ParseTimeNanos(arguments.until);
  if (!until_ns)
    return base::InvalidArgument(fmt::format("--until {}: expected 1500000, 20ms or 1.5s", arguments.until));
  filter.until_ns = *until_ns;
  return filter;
}

void PrintOutcome(const explore::RunResult& result, const explore::RunReport& report) {
  std::cout << fmt::format("{} in {} with seed {}: {} events, {} s of virtual time\n",
                           explore::VerdictName(result.verdict()), result.scenario(), result.seed(),
                           result.event_count(), explore::SecondsText(result.virtual_ns()));
  for (const explore::Tally& count : result.counts()) {
    if (count.count() > 0) std::cout << fmt::format("  {:<24} {}\n", count.name(), count.count());
  }
  for (const history::Violation& violation : report.violations) {
    std::cout << fmt::format("\n{}: {}\n", violation.property, violation.what);
    for (const std::string& line : explore::DescribeEvidence(report.history, violation)) {
      std::cout << "  " << line << "\n";
    }
  }
  if (!result.crash_text().empty()) std::cout << result.crash_text();
  std::cout << "hash: " << explore::HashText(result) << "\n" << std::flush;
}

int ReplayCommand(const ReplayArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(arguments.run);
  if (!run.ok()) return SimUsageError(base::SV(run.status().message()));
  const absl::StatusOr<ReplayTrace::Filter> filter = FilterOf(arguments);
  if (!filter.ok()) return SimUsageError(base::SV(filter.status().message()));
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(run->scenario, run->seed);
  if (!setup.ok()) return SimUsageError(base::SV(setup.status().message()));
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
  if (!arguments.trace.empty()) {
    file.reset(std::fopen(arguments.trace.c_str(), "w"));
    if (file == nullptr) return SimUsageError(arguments.trace + ": cannot be written");
  }
  std::cout << explore::DescribeSetup(*setup) << std::flush;
  ReplayTrace trace(*filter, file.get());
  explore::RunReport report;
  explore::RunOptions options = run->options();
  options.trace = &trace;
  options.report = &report;
  const explore::RunResult result = explore::RunSeed(run->scenario, run->seed, options);
  std::fflush(stdout);
  PrintOutcome(result, report);
  return explore::ExitCode({result}, {});
}

int PlanCommand(const OneRunArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(arguments);
  if (!run.ok()) return SimUsageError(base::SV(run.status().message()));
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(run->scenario, run->seed);
  if (!setup.ok()) return SimUsageError(base::SV(setup.status().message()));
  std::cout << sim::PrintPlan(run->plan.has_value() ? *run->plan : setup->plan) << std::flush;
  return kExitOk;
}

}  // namespace

void AddSimReplayCommand(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("replay", "Run one seed again and tell what happened");
  auto arguments = std::make_shared<ReplayArguments>();
  AddOneRunOptions(*command, arguments->run);
  command->add_option("--until", arguments->until, "Show nothing later than this virtual time (ns, or 20ms, 1.5s)");
  command->add_option("--node", arguments->nodes, "Show only these nodes")->delimiter(',');
  command->add_option("--kind", arguments->kinds, "Show these kinds (default: run,node,fault,log)")->delimiter(',');
  command->add_option("--trace", arguments->trace, "Write everything to this file");
  command->footer(kReplayExamples);
  command->callback([arguments, &exit_code] { exit_code = ReplayCommand(*arguments); });
}

void AddSimPlanCommand(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("plan", "Print the fault plan of a seed, to be edited and used with --plan");
  auto arguments = std::make_shared<OneRunArguments>();
  AddOneRunOptions(*command, *arguments);
  command->callback([arguments, &exit_code] { exit_code = PlanCommand(*arguments); });
}

}  // namespace odradek::tool
