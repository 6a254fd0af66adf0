// odradek sim zoo: whether the properties can fail. Hunts the mistakes of the bug zoo one by one.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/absl_compat.h"
#include "sim/explore/run.h"
#include "sim/explore/zoo.h"
#include "tools/odradek/command.h"
#include "tools/odradek/log_crash_loops.h"
#include "tools/odradek/sim/arguments.h"
#include "tools/odradek/sim/output.h"

namespace odradek::tool {
namespace {

int SimUsageError(std::string_view what) {
  std::cerr << "odradek sim: " << what << "\n";
  return kExitUsage;
}

constexpr int kExitNotDetected = 14;
// They take a fraction of the time that a broker with its clients takes.
constexpr uint64_t kLoopSeedsPerTurn = 8;

constexpr const char* kZooExamples = R"(Examples:
  odradek sim zoo                                 every mistake, 60 seconds of processor time each
  odradek sim zoo --only LG07,ID02 --budget 10
  odradek sim zoo calm connections --at-least 20
Without scenarios it hunts with all of them and with log_crash_loops and compaction_loops: a log alone, beside a model
of it.
Needs a binary with the mistakes compiled in: cmake --preset mutations && cmake --build --preset mutations
Exit codes: 0 as many as demanded were detected; 2 wrong usage, or no such binary; 14 fewer were.)";

struct ZooArguments {
  std::vector<std::string> scenarios;
  std::vector<std::string> only;
  double budget_s = 60;
  int jobs = 0;
  uint64_t first_seed = 1;
  int at_least = -1;
  int timeout_s = 30;
  std::string json;
};

// What was read and found good.
struct Zoo {
  std::vector<base::MutationInfo> mutations;
  std::vector<explore::Scenario> scenarios;
};

absl::StatusOr<Zoo> LoadZoo(const ZooArguments& arguments) {
  Zoo zoo;
#if !defined(ODRADEK_MUTATIONS)
  return base::FailedPrecondition(
      "zoo: this binary was built without mutations, and there would be nothing to detect; build one with "
      "`cmake --preset mutations && cmake --build --preset mutations --target odradek`");
#endif
  for (const std::string& id : arguments.only) {
    const absl::StatusOr<base::Mutation> mutation = ParseMutation(id);
    if (!mutation.ok()) return mutation.status();
    zoo.mutations.push_back(base::kMutations[static_cast<size_t>(*mutation)]);
  }
  if (zoo.mutations.empty()) zoo.mutations.assign(base::kMutations.begin(), base::kMutations.end());
  const std::vector<std::string> names = arguments.scenarios.empty() ? explore::ListScenarios() : arguments.scenarios;
  if (names.empty()) return base::NotFound("there is no folder of scenarios here or above");
  for (const std::string& name : names) {
    absl::StatusOr<explore::Scenario> scenario = explore::LoadScenario(name);
    if (!scenario.ok()) return scenario.status();
    zoo.scenarios.push_back(std::move(*scenario));
  }
  return zoo;
}

// Says on a terminal what is hunted now, and elsewhere what became of each.
class ZooProgress {
 public:
  explicit ZooProgress(size_t count) : count_(count) {}

  void Update(const explore::ZooEntry& entry, size_t done_count) {
    const bool is_done = done_count > done_count_;
    done_count_ = done_count;
    const std::string state = entry.detected ? "detected by " + entry.by : is_done ? "not detected" : "hunted";
    const std::string line =
        fmt::format("{}/{} {} {} after {} runs, {:.1f} s of processor time", done_count, count_, entry.info.id, state,
                    entry.run_count, static_cast<double>(entry.cpu_ns) / 1e9);
    if (is_terminal_) {
      std::cerr << fmt::format("\r{:<90}", line) << (done_count == count_ ? "\n" : "") << std::flush;
    } else if (is_done) {
      std::cerr << line << "\n" << std::flush;
    }
  }

 private:
  const bool is_terminal_ = isatty(STDERR_FILENO) == 1;
  const size_t count_;
  size_t done_count_ = 0;
};

int RunZooCommand(const ZooArguments& arguments) {
  const absl::StatusOr<Zoo> zoo = LoadZoo(arguments);
  if (!zoo.ok()) return SimUsageError(base::SV(zoo.status().message()));
  const std::string unwritable = arguments.json.empty() ? "" : WhyNotWritable(arguments.json);
  if (!unwritable.empty()) return SimUsageError(unwritable);
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  ZooProgress progress(zoo->mutations.size());
  explore::ZooOptions options{.mutations = zoo->mutations, .first_seed = arguments.first_seed};
  options.budget = std::chrono::nanoseconds(static_cast<int64_t>(arguments.budget_s * 1e9));
  options.workers.worker_count = arguments.jobs > 0 ? arguments.jobs : cores;
  options.workers.run_timeout = std::chrono::seconds(arguments.timeout_s);
  for (const explore::Scenario& scenario : zoo->scenarios) options.grounds.push_back({scenario.name()});
  if (arguments.scenarios.empty()) {
    for (const char* loops : {kLogCrashLoops, kCompactionLoops}) options.grounds.push_back({loops, kLoopSeedsPerTurn});
  }
  options.on_progress = [&](const explore::ZooEntry& entry, size_t done_count) { progress.Update(entry, done_count); };
  const std::vector<explore::ZooEntry> entries = explore::RunZoo(options, [&](const explore::Job& job) {
#if defined(ODRADEK_MUTATIONS)
    if (job.scenario >= zoo->scenarios.size()) return RunLogCrashLoops(job);
#endif
    return explore::RunSeed(zoo->scenarios[job.scenario], job.seed, {.mutation = job.mutation});
  });
  std::cout << explore::ZooTable(entries) << std::flush;
  const std::string lost = arguments.json.empty() ? "" : WriteTextFile(arguments.json, explore::ZooToJson(entries));
  if (!lost.empty()) std::cerr << "odradek sim: zoo: " << lost << "\n";
  const size_t demanded = arguments.at_least < 0 ? entries.size() : static_cast<size_t>(arguments.at_least);
  if (explore::DetectedCount(entries) >= demanded) return lost.empty() ? kExitOk : kExitFailed;
  std::cerr << fmt::format("odradek sim: zoo: {} mutations were detected, {} are demanded\n",
                           explore::DetectedCount(entries), demanded);
  return kExitNotDetected;
}

}  // namespace

void AddSimZooCommand(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("zoo", "Switch known mistakes on, one by one, and see what detects them");
  auto arguments = std::make_shared<ZooArguments>();
  command->add_option("scenarios", arguments->scenarios, "Names of scenarios, or files (default: all)");
  command->add_option("--only", arguments->only, "Hunt only these mistakes: LG07,ID02")->delimiter(',');
  command->add_option("--budget", arguments->budget_s, "Seconds of processor time for each mistake")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--jobs", arguments->jobs, "Worker processes (default: as many as there are processors)")
      ->check(WholeNumberFrom<int>(1));
  command->add_option("--first-seed", arguments->first_seed, "Seed of the first runs")
      ->check(WholeNumberFrom<uint64_t>(0))
      ->capture_default_str();
  command->add_option("--at-least", arguments->at_least, "How many must be detected (default: all)")
      ->check(WholeNumberFrom<int>(0));
  command->add_option("--timeout", arguments->timeout_s, "Seconds of wall-clock time after which a run has hung")
      ->check(WholeNumberFrom<int>(1))
      ->capture_default_str();
  command->add_option("--json", arguments->json, "Write the table to this file");
  command->footer(kZooExamples);
  command->callback([arguments, &exit_code] { exit_code = RunZooCommand(*arguments); });
}

}  // namespace odradek::tool
