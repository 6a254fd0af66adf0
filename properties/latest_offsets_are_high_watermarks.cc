// O4. ListOffsets(LATEST) answers the high watermark: not below what it was when the call began, and not above what it
// was when the call ended.
//
// Legal: a lower one after a loss of power that took it, or, where leaders change (Promise::linearizable), from one who
// is deposed and does not know it yet. A partition whose high watermark was never seen to move says nothing.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings LatestOffsetsAreHighWatermarks(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks marks;
    for (const history::HighWatermark* mark : partition.high_watermarks) marks.Add(mark->at_ns, mark->high_watermark);
    marks.Seal();
    for (const history::ListOffsets* call : partition.list_offsets) {
      if (call->query != history::OffsetQuery::kLatest || call->outcome != history::Outcome::kOk) continue;
      const RisingMarks::Mark* highest = marks.HighestBefore(call->span.completed_ns);
      if (highest == nullptr) continue;
      found.Judged();
      const RisingMarks::Mark* lowest = marks.HighestBefore(call->span.invoked_ns);
      const bool too_low = evidence.history().promise.linearizable && lowest != nullptr &&
                           call->offset < lowest->offset && !partition.LostSince(lowest->offset - 1, lowest->at_ns);
      if (!too_low && call->offset <= highest->offset) continue;
      found.Violated(
          fmt::format("the end offset of {} was said to be {}, when the high watermark was {} to {}", ToString(name),
                      call->offset.value(), lowest == nullptr ? -1 : lowest->offset.value(), highest->offset.value()),
          {call->span.invoked_ns, call->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
