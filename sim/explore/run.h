// One run of one seed: a world is built, faults strike while the workloads go on, everything is healed, the workloads
// must finish, every partition is read to its end, and the history is judged.
//
// A run is a function of (scenario, seed, plan, mutation): the same ones give the same hash, in every process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/mutation.h"
#include "sim/explore/result.pb.h"
#include "sim/explore/setup.h"
#include "sim/explore/witness.h"
#include "sim/history/history.h"
#include "sim/kernel/kernel.h"
#include "sim/lab/lab.h"
#include "sim/nemesis/nemesis.h"

namespace odradek::explore {

// What a run leaves for people.
struct RunReport {
  history::History history;
  std::vector<sim::Strike> strikes;
  std::vector<history::Violation> violations;
  // Of the user's programs and workloads.
  std::vector<lab::Note> notes;
};

struct RunOptions {
  std::optional<base::Mutation> mutation = std::nullopt;
  // Instead of the plan that is drawn.
  const sim::plan::Plan* plan = nullptr;
  sim::TraceSink* trace = nullptr;
  sim::HashLog* hash_log = nullptr;
  RunReport* report = nullptr;
  // What the scenario's programs and workloads are. REQUIRES: it has all that the scenario names.
  const lab::Lab* lab = nullptr;
  // Looks on.
  Witness* witness = nullptr;
};

RunResult RunSeed(const Scenario& scenario, uint64_t seed, const RunOptions& options);

// Runs the seed twice; the second result's hash decides between the first result and NONDETERMINISM.
RunResult RunSeedTwice(const Scenario& scenario, uint64_t seed, const RunOptions& options);

}  // namespace odradek::explore
