// Makes the fault plan of a failing run small: takes events out, shortens what they last, rounds when they strike, as
// long as the run still fails alike. What is left is kept as a regression (`sim run --plan`).
//
// Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) over events.
#pragma once

#include <cstdint>
#include <functional>

#include "sim/explore/campaign.h"
#include "sim/nemesis/plan.pb.h"

namespace odradek::explore {

// The same verdict, and at least one violated property in common; for crashes, the same first line.
bool FailAlike(const RunResult& a, const RunResult& b);

struct ShrinkProgress {
  uint64_t run_count = 0;
  int event_count = 0;
  int event_count_before = 0;
};

struct ShrinkOptions {
  CampaignOptions workers;
  uint64_t run_count_max = 2000;
  // Called in the parent after every few runs.
  std::function<void(const ShrinkProgress&)> on_progress;
};

struct ShrinkResult {
  sim::plan::Plan plan;
  // Of the run with `plan`.
  RunResult failure;
  uint64_t run_count = 0;
};

// Runs in a worker process. May abort.
using PlanRunner = std::function<RunResult(const sim::plan::Plan&)>;

// `failure` is what the run with `plan` ended with; it failed. The result depends on the runs alone, never on the
// number of workers.
ShrinkResult ShrinkPlan(sim::plan::Plan plan, RunResult failure, const ShrinkOptions& options,
                        const PlanRunner& runner);

}  // namespace odradek::explore
