// D2. When a node has loaded a log, its files are whole batches from end to end: torn tails are cut off, damaged
// batches with all that followed are gone, and the batches from the log start on fill it up to its end.
//
// Legal: what lies below the log start; gaps where the log is compacted.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings RecoveredLogsAreWhole(const RecoveredLog& log) {
  Findings found;
  for (const WrittenSegment& segment : log.files->segments) {
    found.Judged();
    if (segment.problem.empty()) continue;
    found.Violated(fmt::format("{} on {} was loaded with {} in segment {}", ToString(log.partition), log.node,
                               segment.problem, segment.base_offset.value()),
                   {log.at_ns});
  }
  found.Judged();
  const Offset end = log.files->EndOfRun(log.log_start_offset, log.gaps);
  const Offset file_end = log.files->batches.empty() ? log.log_start_offset : log.files->batches.back().next_offset();
  if (end == log.log_end_offset && file_end <= log.log_end_offset) return found;
  found.Violated(fmt::format("{} on {} was loaded as [{}, {}); its batches are whole up to {}, and there are some up "
                             "to {}",
                             ToString(log.partition), log.node, log.log_start_offset.value(),
                             log.log_end_offset.value(), end.value(), file_end.value()),
                 {log.at_ns});
  return found;
}

}  // namespace odradek::properties
