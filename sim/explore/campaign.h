// Runs many seeds in worker processes: an assertion, a crash, memory exhaustion or a livelock is a verdict on its seed
// and never the end of the campaign. The seed range and the list of results are the whole interface, so that a campaign
// can be spread over machines.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/mutation.h"
#include "sim/explore/result.pb.h"

namespace odradek::explore {

struct Job {
  size_t scenario = 0;  // index into whatever the runner knows
  std::string scenario_name;
  uint64_t seed = 0;
  // The seed is run twice in the worker and the hashes are compared.
  bool twice = false;
  std::optional<base::Mutation> mutation = std::nullopt;
  // For the source of the job: comes back with the result.
  size_t tag = 0;
};

// Where jobs come from and results go. Everything is called in the parent process.
class JobSource {
 public:
  virtual ~JobSource() = default;
  // nullopt: nothing to do now. Asked again after each Done(); when no job is under way, nullopt ends the campaign.
  virtual std::optional<Job> Next() = 0;
  virtual void Done(const Job& job, RunResult result) = 0;
};

struct CampaignOptions {
  int worker_count = 1;
  std::chrono::seconds run_timeout{120};
  int64_t worker_memory_bytes_max = int64_t{4} << 30;
  // Called in the parent after each finished job of RunCampaign().
  std::function<void(size_t done_count, size_t job_count, const RunResult& last)> on_progress;
};

// Runs in a worker process. May abort.
using Runner = std::function<RunResult(const Job&)>;

void RunJobs(JobSource& source, const CampaignOptions& options, const Runner& runner);

// Results in the order of the jobs.
std::vector<RunResult> RunCampaign(const std::vector<Job>& jobs, const CampaignOptions& options, const Runner& runner);

// One hash over all runs: equal for equal jobs, whatever the number of workers.
std::string CampaignHash(const std::vector<RunResult>& results);
std::string HashText(const RunResult& result);

}  // namespace odradek::explore
