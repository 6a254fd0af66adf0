// Repeats one run in a process of its own and brings back what it looked like. The engine may abort or hang there: then
// the trace goes as far as the run went.
//
// Invariants: a capture never fails the caller; the newest lines and every line of the kinds run, node and fault are
// kept, whatever the limit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/explore/run.h"
#include "sim/report/picture.pb.h"

namespace odradek::report {

// Of one run.
struct Picture {
  std::vector<TraceLine> lines;
  // Lines that are not here: slices of fibers, and what the limit cut away.
  uint64_t fiber_line_count = 0;
  uint64_t cut_line_count = 0;
  // Absent if the run did not come to its end.
  bool has_ended = false;
  Ending ending;
  std::string how_it_died;
};

struct CaptureLimits {
  size_t lines_max = 50'000;
  // Of wall-clock time.
  int seconds_max = 60;
  int64_t memory_bytes_max = int64_t{4} << 30;
};

// The run, with the trace and the report that it shall fill.
using RunBody = std::function<explore::RunResult(sim::TraceSink* trace, explore::RunReport* report)>;

Picture Capture(const RunBody& body, const CaptureLimits& limits);

}  // namespace odradek::report
