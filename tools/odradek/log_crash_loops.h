// What the zoo hunts with beside its scenarios: a log, and a compacted one, without a broker around it, next to a model
// of it, that can also be truncated as a follower's is. Only in builds with mutations; the tests of storage have the
// code.
#pragma once

#include "sim/explore/campaign.h"

namespace odradek::tool {

inline constexpr const char* kLogCrashLoops = "log_crash_loops";
inline constexpr const char* kCompactionLoops = "compaction_loops";

// `job.scenario_name` is one of them.
explore::RunResult RunLogCrashLoops(const explore::Job& job);

}  // namespace odradek::tool
