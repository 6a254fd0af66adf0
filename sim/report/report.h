// The report of a campaign: which runs are worth a picture, and the page on disk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sim/explore/campaign.h"
#include "sim/explore/summary.h"
#include "sim/report/capture.h"

namespace odradek::report {

struct ReportInput {
  std::string command;
  const std::vector<explore::Scenario>& scenarios;
  // Parallel to each other.
  const std::vector<explore::Job>& jobs;
  const std::vector<explore::RunResult>& results;
  const std::vector<explore::ScenarioDemand>& demands;
  // Plan and mutation of all runs.
  explore::RunOptions run_options;
  // "odradek sim replay NAME --seed N ...", and the same for shrink.
  std::function<std::string(const explore::Job&)> replay_command;
  std::function<std::string(const explore::Job&)> shrink_command;
};

// Which jobs are drawn: failures first, one of each way to fail before the second of any; then of each scenario
// without a failure the run with the most events.
struct Choice {
  std::vector<size_t> jobs;
  size_t failures_left_out = 0;
};
Choice ChoosePictures(const std::vector<explore::RunResult>& results, size_t failures_max);

inline constexpr const char* kPageName = "index.html";

// Repeats the chosen runs, writes DIR/index.html and returns its path. DIR is made if it is not there.
absl::StatusOr<std::string> WriteReport(const ReportInput& input, const std::string& directory);

}  // namespace odradek::report
