// O2. An offset that a search by timestamp or for the largest timestamp finds lies in the visible log: not below the
// log start when the call began, and below the high watermark when it ended.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings FoundOffsetsAreInTheLog(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks starts;
    for (const history::LogStart* start : partition.log_starts_everywhere)
      starts.Add(start->at_ns, start->log_start_offset);
    starts.Seal();
    RisingMarks ends;
    for (const history::HighWatermark* mark : partition.high_watermarks) ends.Add(mark->at_ns, mark->high_watermark);
    ends.Seal();
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool is_search =
          call->query == history::OffsetQuery::kByTimestamp || call->query == history::OffsetQuery::kMaxTimestamp;
      if (!is_search || call->outcome != history::Outcome::kOk || call->offset == kNoOffset) continue;
      found.Judged();
      const RisingMarks::Mark* start = starts.HighestBefore(call->span.invoked_ns);
      const RisingMarks::Mark* end = ends.HighestBefore(call->span.completed_ns);
      const bool too_low = start != nullptr && call->offset < start->offset;
      const bool too_high = end != nullptr && call->offset >= end->offset;
      if (!too_low && !too_high) continue;
      found.Violated(fmt::format("a search of {} found offset {}, but the log starts at {} and is visible up to {}",
                                 ToString(name), call->offset.value(), start == nullptr ? 0 : start->offset.value(),
                                 end == nullptr ? -1 : end->offset.value()),
                     {call->span.invoked_ns, call->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
