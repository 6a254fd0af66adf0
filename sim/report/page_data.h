// What the page shows, as JSON: totals of a campaign, and pictures of single runs. js/model.js reads it.
#pragma once

#include <string>
#include <vector>

#include "sim/explore/sentences.h"
#include "sim/explore/summary.h"
#include "sim/report/capture.h"

namespace odradek::report {

// One run that is drawn. The result is the campaign's, which knows of crashes what the capture cannot.
struct PicturedRun {
  explore::RunResult result;
  Picture picture;
  std::string setup;  // what the seed drew, a line each
  std::string replay_command;
  std::string shrink_command;
};

struct PageInput {
  std::string command;
  const std::vector<explore::RunResult>& results;
  const std::vector<explore::ScenarioDemand>& demands;
  // Of each scenario of `demands`.
  std::vector<std::string> descriptions;
  std::vector<explore::Sentence> properties;
  std::vector<PicturedRun> pictures;
  // Failed runs that have no picture.
  size_t failures_left_out = 0;
};

// Text that is not UTF-8 is repaired, never refused.
std::string PageData(const PageInput& input);

}  // namespace odradek::report
