#include "sim/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "engine/base/absl_compat.h"
#include "sim/report/page.h"
#include "sim/report/page_data.h"

namespace odradek::report {
namespace {

constexpr size_t kFailurePicturesMax = 20;
// A line takes about 100 bytes of the page: browsers open 60 MB at once, but not happily.
constexpr size_t kPageLinesMax = 400'000;
constexpr size_t kPictureLinesMin = 2'000;
// A run that hung is not waited for again: what it did at first tells enough.
constexpr int kHungSecondsMax = 5;

// How it failed, in one word.
std::string WayToFail(const explore::RunResult& result) {
  std::string way = result.scenario() + " " + explore::VerdictName(result.verdict());
  for (const explore::FoundViolation& violation : result.violations()) way += " " + violation.property();
  return way;
}

PicturedRun Draw(const ReportInput& input, size_t index, size_t lines_max) {
  const explore::Job& job = input.jobs[index];
  const explore::Scenario& scenario = input.scenarios[job.scenario];
  PicturedRun run;
  run.result = input.results[index];
  run.replay_command = input.replay_command(job);
  if (run.result.verdict() != explore::PASS) run.shrink_command = input.shrink_command(job);
  const absl::StatusOr<explore::RunSetup> setup = explore::DrawSetup(scenario, job.seed);
  if (setup.ok()) run.setup = explore::DescribeSetup(*setup);
  const RunBody body = [&](sim::TraceSink* trace, explore::RunReport* report) {
    explore::RunOptions options = input.run_options;
    options.trace = trace;
    options.report = report;
    return explore::RunSeed(scenario, job.seed, options);
  };
  CaptureLimits limits{.lines_max = lines_max};
  if (run.result.verdict() == explore::TIMEOUT) limits.seconds_max = kHungSecondsMax;
  run.picture = Capture(body, limits);
  return run;
}

std::vector<PicturedRun> DrawAll(const ReportInput& input, const Choice& choice) {
  std::vector<PicturedRun> runs;
  size_t lines_left = kPageLinesMax;
  for (size_t i = 0; i < choice.jobs.size(); ++i) {
    const size_t share = lines_left / (choice.jobs.size() - i);
    const CaptureLimits usual;
    const size_t lines_max = std::clamp(share, kPictureLinesMin, usual.lines_max);
    runs.push_back(Draw(input, choice.jobs[i], lines_max));
    lines_left -= std::min(lines_left, runs.back().picture.lines.size());
  }
  return runs;
}

}  // namespace

Choice ChoosePictures(const std::vector<explore::RunResult>& results, size_t failures_max) {
  std::map<std::string, size_t> times_seen;
  std::vector<std::pair<size_t, size_t>> failures;  // (how many failed that way before, index)
  std::map<std::string, size_t> most_events;
  std::set<std::string> failing;
  for (size_t i = 0; i < results.size(); ++i) {
    const explore::RunResult& result = results[i];
    if (result.verdict() != explore::PASS) {
      const size_t before = times_seen[WayToFail(result)]++;
      failures.emplace_back(before, i);
      failing.insert(result.scenario());
      continue;
    }
    const auto [at, is_new] = most_events.try_emplace(result.scenario(), i);
    if (!is_new && result.event_count() > results[at->second].event_count()) at->second = i;
  }
  std::sort(failures.begin(), failures.end());
  Choice choice;
  for (const auto& [before, index] : failures) {
    if (choice.jobs.size() < failures_max) {
      choice.jobs.push_back(index);
    } else {
      ++choice.failures_left_out;
    }
  }
  for (const auto& [scenario, index] : most_events) {
    if (!failing.contains(scenario)) choice.jobs.push_back(index);
  }
  return choice;
}

absl::StatusOr<std::string> WriteReport(const ReportInput& input, const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return base::InvalidArgument(fmt::format("{}: {}", directory, error.message()));
  const Choice choice = ChoosePictures(input.results, kFailurePicturesMax);
  std::vector<std::string> descriptions;
  for (const explore::Scenario& scenario : input.scenarios) descriptions.push_back(scenario.description());
  const std::string page_data = PageData({.command = input.command,
                                          .results = input.results,
                                          .demands = input.demands,
                                          .descriptions = std::move(descriptions),
                                          .properties = explore::AllSentences(input.run_options.lab),
                                          .pictures = DrawAll(input, choice),
                                          .failures_left_out = choice.failures_left_out});
  const std::string path = (std::filesystem::path(directory) / kPageName).string();
  std::ofstream out(path, std::ios::binary);
  if (!(out << RenderPage("Odradek: campaign report", page_data) << std::flush)) {
    return base::InvalidArgument(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  }
  return path;
}

}  // namespace odradek::report
