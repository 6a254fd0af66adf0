#include "tools/odradek/log_crash_loops.h"

#include "tests/engine/storage/compaction_loop.h"
#include "tests/engine/storage/crash_loop.h"

namespace odradek::tool {

explore::RunResult RunLogCrashLoops(const explore::Job& job) {
  storage::CrashLoopOptions options{.seed = job.seed};
  options.policy = static_cast<storage::FlushPolicy>(job.seed % 4);
  if (job.mutation.has_value()) options.mutations.insert(*job.mutation);
  const storage::CrashLoopResult done = job.scenario_name == kCompactionLoops ? storage::CompactionLoop(options).Run()
                                                                              : storage::CrashLoop(options).Run();
  explore::RunResult result;
  result.set_scenario(job.scenario_name);
  result.set_seed(job.seed);
  result.set_mutation_hits(done.mutation_hits);
  if (done.problem.empty()) return result;
  result.set_verdict(explore::SAFETY);
  explore::FoundViolation* found = result.add_violations();
  found->set_property("log model");
  found->set_what(done.problem);
  return result;
}

}  // namespace odradek::tool
