// Runs many seeds in worker processes: an assertion, a crash, memory exhaustion or a livelock is a verdict on its seed
// and never the end of the campaign. The seed range and the list of results are the whole interface, so that a campaign
// can be spread over machines.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/explore/result.pb.h"

namespace odradek::explore {

struct Job {
  size_t scenario = 0;  // index into whatever the runner knows
  std::string scenario_name;
  uint64_t seed = 0;
  // The seed is run twice in the worker and the hashes are compared.
  bool twice = false;
};

struct CampaignOptions {
  int worker_count = 1;
  std::chrono::seconds run_timeout{120};
  int64_t worker_memory_bytes_max = int64_t{4} << 30;
  // Called in the parent after each finished job.
  std::function<void(size_t done_count, size_t job_count, const RunResult& last)> on_progress;
};

// Runs in a worker process. May abort.
using Runner = std::function<RunResult(const Job&)>;

// Results in the order of the jobs.
std::vector<RunResult> RunCampaign(const std::vector<Job>& jobs, const CampaignOptions& options, const Runner& runner);

// One hash over all runs: equal for equal jobs, whatever the number of workers.
std::string CampaignHash(const std::vector<RunResult>& results);
std::string HashText(const RunResult& result);

}  // namespace odradek::explore
