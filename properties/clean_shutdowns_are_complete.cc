// D5. Where a data directory has the mark of a clean shutdown, the shutdown was complete: every log is whole and
// durable to its end, which is its recovery point, and a producer snapshot stands there. While a node changes the
// directory there is no mark, not even one that a loss of power could bring back.
//
// Legal: no mark after a complete shutdown; it may be lost.
#include <fmt/format.h>

#include <algorithm>

#include "properties/monitors.h"

namespace odradek::properties {
namespace {

// Empty: the log was shut down completely.
std::string WhatIsMissing(const DirectoryState& state, const DirectoryLog& log) {
  for (const WrittenSegment& segment : log.files.segments) {
    if (!segment.problem.empty()) return segment.problem;
  }
  const auto start = state.log_starts.offsets.find(log.partition);
  const Offset log_start = start == state.log_starts.offsets.end() ? Offset(0) : start->second;
  const Offset base = log.files.segments.empty() ? log_start : log.files.segments.front().base_offset;
  const Offset from = std::max(base, log_start);
  const Offset end = log.files.EndOfRun(from, log.gaps);
  const Offset durable_end = log.durable.EndOfRun(from, log.gaps);
  if (durable_end != end) {
    return fmt::format("its end {}, only what is below {} is durable", end.value(), durable_end.value());
  }
  const auto recovery = state.recovery_points.offsets.find(log.partition);
  const Offset recovery_point = recovery == state.recovery_points.offsets.end() ? Offset(0) : recovery->second;
  if (recovery_point != end) {
    return fmt::format("its end {} and the recovery point {}", end.value(), recovery_point.value());
  }
  const bool has_producers = std::any_of(log.files.batches.begin(), log.files.batches.end(),
                                         [](const WrittenBatch& batch) { return batch.has_producer(); });
  const auto snapshot = log.durable.snapshots.find(end);
  if (has_producers && (snapshot == log.durable.snapshots.end() || !snapshot->second.problem.empty())) {
    return fmt::format("no producer snapshot at its end {}", end.value());
  }
  return {};
}

}  // namespace

Findings CleanShutdownsAreComplete(const DirectoryState& state) {
  Findings found;
  using Marker = DirectoryState::Marker;
  if (state.moment == DirectoryState::Moment::kServing) {
    found.Judged();
    if (state.clean_marker == Marker::kNone && state.durable_clean_marker == Marker::kNone) return found;
    found.Violated(
        fmt::format("{} on {} has the mark of a clean shutdown while the node is running", state.directory, state.node),
        {state.at_ns});
    return found;
  }
  if (state.clean_marker == Marker::kNone) return found;
  for (const DirectoryLog& log : state.logs) {
    found.Judged();
    const std::string missing = WhatIsMissing(state, log);
    if (missing.empty()) continue;
    found.Violated(fmt::format("{} on {} has the mark of a clean shutdown, and {} has {}", state.directory, state.node,
                               ToString(log.partition), missing),
                   {state.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
