// odradek sim explain: one failed run told for people.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>

#include "engine/base/absl_compat.h"
#include "sim/explore/describe.h"
#include "sim/explore/explain.h"
#include "sim/explore/summary.h"
#include "sim/report/capture.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/child.h"

namespace odradek::tool {
namespace {

constexpr const char* kExplainExamples = R"(Examples:
  odradek sim explain disk_faults --seed 5272
  odradek sim explain disk_faults --seed 5272 --plan disk_faults-5272.plan.txtpb
It is shortest with the plan that `odradek sim shrink` writes.
Exit codes: those of `odradek sim run`.)";

constexpr size_t kLastLines = 25;

bool IsForPeople(const report::TraceLine& line) {
  constexpr std::string_view kKinds[] = {"run", "node", "fault", "log", "client", "observed"};
  return std::find(std::begin(kKinds), std::end(kKinds), line.kind()) != std::end(kKinds);
}

// Of a run that did not come to its end nothing can be judged: what happened last is all that there is.
void TellLastLines(const OneRun& run) {
  const report::Picture picture = report::Capture(
      [&](sim::TraceSink* trace, explore::RunReport* report) {
        explore::RunOptions options = run.options();
        options.trace = trace;
        options.report = report;
        return explore::RunSeed(run.scenario, run.seed, options);
      },
      {});
  std::vector<const report::TraceLine*> lines;
  for (const report::TraceLine& line : picture.lines) {
    if (IsForPeople(line)) lines.push_back(&line);
  }
  std::cout << "what happened last:\n";
  for (size_t i = lines.size() - std::min(lines.size(), kLastLines); i < lines.size(); ++i) {
    std::cout << fmt::format("  {:>14}  {:<6} {}\n", explore::SecondsText(lines[i]->at_ns()), lines[i]->node(),
                             lines[i]->text());
  }
}

int ExplainCommand(const Tool& tool, const OneRunArguments& arguments) {
  const absl::StatusOr<OneRun> run = LoadOneRun(tool, arguments);
  if (!run.ok()) return tool.UsageError(base::SV(run.status().message()));
  const ChildEnd end = RunInChild(tool.command + " explain", [&] {
    explore::Witness witness;
    explore::RunReport report;
    explore::RunOptions options = run->options();
    options.witness = &witness;
    options.report = &report;
    const explore::RunResult result = explore::RunSeed(run->scenario, run->seed, options);
    std::cout << explore::Explain({run->scenario, result, report, witness.deeds(), run->lab}) << result.crash_text();
    return explore::ExitCode({result}, {});
  });
  if (!end.signal.has_value()) return end.exit_code;
  std::cout << fmt::format("crash in {} with seed {}: killed by signal {} ({})\n", run->scenario.name(), run->seed,
                           *end.signal, strsignal(*end.signal));
  TellLastLines(*run);
  std::cout << std::flush;
  return explore::kExitCrash;
}

}  // namespace

void AddSimExplainCommand(CLI::App& sim, const Tool& tool, int& exit_code) {
  CLI::App* command =
      sim.add_subcommand("explain", "Tell why a seed fails: the records, what became of each, and faults");
  auto arguments = std::make_shared<OneRunArguments>();
  AddOneRunOptions(*command, tool, *arguments);
  command->footer(tool.Said(kExplainExamples));
  command->callback([tool, arguments, &exit_code] { exit_code = ExplainCommand(tool, *arguments); });
}

}  // namespace odradek::tool
