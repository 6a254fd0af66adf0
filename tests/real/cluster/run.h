// A run of a scenario against real broker processes: the setup, the fault plan, the workloads, the phases and the
// judges are those of the simulator (sim/explore/run.h); the nodes are processes, the clients share a node of
// engine/real in this one. The seed says what is done and when; what comes of it is up to the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/explore/run.h"
#include "sim/explore/setup.h"
#include "tests/real/cluster/servers.h"

namespace odradek::real_cluster {

struct RunOptions {
  std::string binary;
  // Instead of the plan that is drawn.
  const sim::plan::Plan* plan = nullptr;
  // Called before everything is read, while every server is off.
  std::function<void(const Servers& servers)> disaster = nullptr;
};

struct RunOutcome {
  // What the simulator's runs end with: violations, counts, facts judged.
  explore::RunResult result;
  // For people: a line of numbers, and of a failure all that is known.
  std::string text;
  std::map<std::string, uint64_t, std::less<>> counts;
  // Logs, data and settings of the nodes; empty: they are gone, because nothing was false.
  std::string kept_folder;

  bool passed() const { return result.verdict() == explore::PASS; }
};

// Blocks until the run is over.
RunOutcome RunReal(const explore::Scenario& scenario, uint64_t seed, const RunOptions& options);

// The scenario of a file, with another length of its faulty phase and as many more records.
absl::StatusOr<explore::Scenario> LoadWithLength(const std::string& path, std::optional<Duration> length);

// Whether links are to be cut and slowed, and so Wires are needed.
bool NeedsWires(const explore::Scenario& scenario);

}  // namespace odradek::real_cluster
