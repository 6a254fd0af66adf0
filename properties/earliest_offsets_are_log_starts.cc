// O3. ListOffsets(EARLIEST) answers the log start offset: not below what it was when the call began, and not above what
// it was when the call ended.
//
// Legal: the log start that a node reports next. It is in effect when it is durable, and reported a little later.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings EarliestOffsetsAreLogStarts(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks starts;
    RisingMarks starts_everywhere;
    for (const history::LogStart* start : partition.log_starts) starts.Add(start->at_ns, start->log_start_offset);
    for (const history::LogStart* start : partition.log_starts_everywhere) {
      starts_everywhere.Add(start->at_ns, start->log_start_offset);
    }
    starts.Seal();
    starts_everywhere.Seal();
    const auto start_before = [](const RisingMarks& marks, int64_t at_ns) {
      const RisingMarks::Mark* mark = marks.HighestBefore(at_ns);
      return mark == nullptr ? Offset(0) : mark->offset;
    };
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool counts = call->query == history::OffsetQuery::kEarliest && call->outcome == history::Outcome::kOk;
      if (!counts) continue;
      found.Judged();
      const Offset lowest = start_before(starts_everywhere, call->span.invoked_ns);
      const Offset highest = start_before(starts, call->span.completed_ns);
      if (call->offset >= lowest && call->offset <= highest) continue;
      const RisingMarks::Mark* next = starts.NextFrom(call->span.completed_ns);
      if (next != nullptr && call->offset == next->offset) continue;
      found.Violated(fmt::format("the earliest offset of {} was said to be {}, when the log started at {} to {}",
                                 ToString(name), call->offset.value(), lowest.value(), highest.value()),
                     {call->span.invoked_ns, call->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
