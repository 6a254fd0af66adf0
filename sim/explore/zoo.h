// The bug zoo: switches one mistake after the other on (engine/base/mutation.h) and hunts it with runs of scenarios,
// seed after seed, until a property, an assertion or the clock by the wall says no, or the budget is spent. A mistake
// that nothing detects stays in the table as not detected.
//
// Invariants: a detection counts only if the same scenario and seed pass without the mutation; the runs of one mutation
// follow each other, so that what is detected where does not depend on the number of workers, only on the budget.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/mutation.h"
#include "sim/explore/campaign.h"

namespace odradek::explore {

// What became of one mutation.
struct ZooEntry {
  base::MutationInfo info;
  bool detected = false;
  // Properties that were false, or "assertion", "hang".
  std::string by;
  std::string what;
  // Where: the run that detected it.
  std::string scenario;
  uint64_t seed = 0;
  uint64_t run_count = 0;
  // Runs in which a site did what the mutation says. A crashed run leaves no count.
  uint64_t reached_count = 0;
  int64_t cpu_ns = 0;
  // Runs that failed without the mutation as well.
  uint64_t failed_anyway_count = 0;
};

// Where is hunted. Cheap runs may come several at a time.
struct HuntingGround {
  std::string scenario;
  uint64_t seeds_per_turn = 1;
};

struct ZooOptions {
  std::vector<base::MutationInfo> mutations;
  // Taken in turn, the next seeds of each. The index is the job's `scenario`.
  std::vector<HuntingGround> grounds;
  uint64_t first_seed = 1;
  // Of processor time, for each mutation.
  std::chrono::nanoseconds budget{std::chrono::seconds(60)};
  CampaignOptions workers;
  // Called in the parent after each run; `done_count` entries are final.
  std::function<void(const ZooEntry& entry, size_t done_count)> on_progress;
};

// In the order of the mutations.
std::vector<ZooEntry> RunZoo(const ZooOptions& options, const Runner& runner);

size_t DetectedCount(const std::vector<ZooEntry>& entries);
std::string ZooTable(const std::vector<ZooEntry>& entries);
std::string ZooToJson(const std::vector<ZooEntry>& entries);

}  // namespace odradek::explore
