// D4. The checkpoint files of a data directory parse at every instant, and no log start, recovery point or high
// watermark in them lies behind the end of its log. A recovery point does not even lie behind what is durable: the
// checkpoint may survive a loss of power that takes the rest, and what lies below is never read again.
//
// Legal: entries without a folder, of partitions that are being made or deleted; a high watermark from before a loss of
// power that took the end of the log, which a node that has not yet started does not know: it is cut down to the log
// end whenever the log is loaded.
#include <fmt/format.h>

#include <algorithm>

#include "properties/monitors.h"

namespace odradek::properties {
namespace {

void CheckWhole(const DirectoryState& state, std::string_view name, const WrittenCheckpoint& checkpoint,
                Findings& found) {
  found.Judged();
  if (checkpoint.problem.empty()) return;
  found.Violated(fmt::format("the {} in {} on {}: {}", name, state.directory, state.node, checkpoint.problem),
                 {state.at_ns});
}

void CheckBelow(const DirectoryState& state, const DirectoryLog& log, std::string_view name,
                const WrittenCheckpoint& checkpoint, Offset end, Findings& found) {
  const auto at = checkpoint.offsets.find(log.partition);
  if (at == checkpoint.offsets.end()) return;
  found.Judged();
  if (at->second <= end) return;
  found.Violated(fmt::format("the {} in {} on {} says {} of {}, which goes up to {} only", name, state.directory,
                             state.node, at->second.value(), ToString(log.partition), end.value()),
                 {state.at_ns});
}

}  // namespace

Findings CheckpointsDescribeTheirLogs(const DirectoryState& state) {
  Findings found;
  CheckWhole(state, "recovery points", state.recovery_points, found);
  CheckWhole(state, "log starts", state.log_starts, found);
  CheckWhole(state, "high watermarks", state.high_watermarks, found);
  for (const DirectoryLog& log : state.logs) {
    const auto entry = state.log_starts.offsets.find(log.partition);
    const Offset log_start = entry == state.log_starts.offsets.end() ? Offset(0) : entry->second;
    const auto end_of = [&](const WrittenLog& written) {
      const Offset base = written.segments.empty() ? Offset(0) : written.segments.front().base_offset;
      return written.EndOfRun(std::max(base, log_start), log.gaps);
    };
    CheckBelow(state, log, "recovery point", state.recovery_points, std::max(end_of(log.durable), log_start), found);
    if (log.trust == DirectoryLog::Trust::kNone || log.folder == DirectoryLog::Folder::kGone) continue;
    const Offset end = end_of(log.files);
    CheckBelow(state, log, "log start", state.log_starts, end, found);
    const bool may_be_older =
        log.past == DirectoryLog::Past::kShortened || state.moment == DirectoryState::Moment::kStopped;
    if (may_be_older) continue;
    CheckBelow(state, log, "high watermark", state.high_watermarks, end, found);
  }
  return found;
}

}  // namespace odradek::properties
