// odradek sim replay | plan: one run again, for people.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iostream>
#include <memory>
#include <set>

#include "engine/base/absl_compat.h"
#include "sim/explore/campaign.h"
#include "sim/explore/describe.h"
#include "sim/explore/summary.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/child.h"

namespace odradek::tool {
namespace {

constexpr const char* kReplayExamples = R"(Examples:
  odradek sim replay calm --seed 7
  odradek sim replay connections --seed 7 --kind client,network --node p1 --until 2.5s
  odradek sim replay connections --seed 7 --trace /tmp/trace.txt
Kinds: run, node, fault, network, disk, fiber, message, log, observed, probe, client.
Exit codes: those of `odradek sim run`; 1 output could not be written. To debug with gdb: set follow-fork-mode child.)";

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
  ReplayTrace(Filter filter, std::FILE* file) : filter_(std::move(filter)), file_(file) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    if (file_ != nullptr) std::setvbuf(file_, nullptr, _IOLBF, BUFSIZ);
  }

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

absl::StatusOr<ReplayTrace::Filter> FilterOf(const ReplayArguments& arguments, const sim::Topology& topology) {
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
  std::vector<std::string> names;
  for (const sim::Topology::Member& member : topology.members) names.push_back(member.name);
  for (const std::string& node : arguments.nodes) {
    if (std::find(names.begin(), names.end(), node) != names.end()) continue;
    return base::InvalidArgument(
        fmt::format("--node {}: there is no such node: one of {}", node, fmt::join(names, ", ")));
  }
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

// Lines are written one by one, so that the last one is the last that happened.
int SurviveCrash(const Tool& tool, const OneRun& run, const std::function<int()>& replay) {
  const ChildEnd end = RunInChild(tool.command + " replay", replay);
  if (!end.signal.has_value()) return end.exit_code;
  std::cout << fmt::format("crash in {} with seed {}: killed by signal {} ({}); the trace ends where it happened\n",
                           run.scenario.name(), run.seed, *end.signal, strsignal(*end.signal))
            << std::flush;
  return explore::kExitCrash;
}

int ReplayCommand(const Tool& tool, const ReplayArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(tool, arguments.run);
  if (!run.ok()) return tool.UsageError(base::SV(run.status().message()));
  const absl::StatusOr<ReplayTrace::Filter> filter = FilterOf(arguments, explore::TopologyOf(run->scenario));
  if (!filter.ok()) return tool.UsageError(base::SV(filter.status().message()));
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(run->scenario, run->seed);
  if (!setup.ok()) return tool.UsageError(base::SV(setup.status().message()));
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
  if (!arguments.trace.empty()) {
    file.reset(std::fopen(arguments.trace.c_str(), "w"));
    if (file == nullptr) return tool.UsageError(arguments.trace + ": cannot be written");
  }
  std::cout << explore::DescribeSetup(*setup) << std::flush;
  return SurviveCrash(tool, *run, [&] {
    ReplayTrace trace(*filter, file.get());
    explore::RunReport report;
    explore::RunOptions options = run->options();
    options.trace = &trace;
    options.report = &report;
    const explore::RunResult result = explore::RunSeed(run->scenario, run->seed, options);
    std::fflush(stdout);
    PrintOutcome(result, report);
    const int exit_code = explore::ExitCode({result}, {});
    if (file == nullptr || (std::fflush(file.get()) == 0 && std::ferror(file.get()) == 0)) return exit_code;
    const int failed = tool.Failed(arguments.trace + ": cannot be written");
    return exit_code == kExitOk ? failed : exit_code;
  });
}

int PlanCommand(const Tool& tool, const OneRunArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(tool, arguments);
  if (!run.ok()) return tool.UsageError(base::SV(run.status().message()));
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(run->scenario, run->seed);
  if (!setup.ok()) return tool.UsageError(base::SV(setup.status().message()));
  std::cout << sim::PrintPlan(run->plan.has_value() ? *run->plan : setup->plan) << std::flush;
  return kExitOk;
}

}  // namespace

void AddSimReplayCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command = sim.add_subcommand("replay", "Run one seed again and tell what happened");
  auto arguments = std::make_shared<ReplayArguments>();
  AddOneRunOptions(*command, tool, arguments->run);
  command->add_option("--until", arguments->until, "Show nothing later than this virtual time (ns, or 20ms, 1.5s)");
  command->add_option("--node", arguments->nodes, "Show only these nodes")->delimiter(',');
  command->add_option("--kind", arguments->kinds, "Show these kinds (default: run,node,fault,log)")->delimiter(',');
  command->add_option("--trace", arguments->trace, "Write everything to this file");
  command->footer(tool.Said(kReplayExamples));
  command->callback([tool, arguments, &exit_code] { exit_code = ReplayCommand(tool, *arguments); });
}

void AddSimPlanCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command = sim.add_subcommand("plan", "Print the fault plan of a seed, to be edited and used with --plan");
  auto arguments = std::make_shared<OneRunArguments>();
  AddOneRunOptions(*command, tool, *arguments);
  command->footer(
      tool.Said("Examples:\n"
                "  odradek sim plan disk_faults --seed 7 > plan.txtpb\n"
                "  odradek sim replay disk_faults --seed 7 --plan plan.txtpb\n"
                "Exit codes: 0 success; 2 wrong usage."));
  command->callback([tool, arguments, &exit_code] { exit_code = PlanCommand(tool, *arguments); });
}

}  // namespace odradek::tool
