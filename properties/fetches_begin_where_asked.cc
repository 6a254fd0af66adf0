// F3. The first batch that a Fetch returns holds the offset that was asked for, or, where compaction has left a gap, is
// the next one; and what it returns goes beyond that offset.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings FetchesBeginWhereAsked(const FetchAnswer& answer) {
  Findings found;
  found.Judged();
  const bool begins_there = answer.base_offset <= answer.fetch_offset || answer.gaps != Gaps::kNone;
  const Offset first_end = answer.first_batch_end == kNoOffset ? answer.next_offset : answer.first_batch_end;
  if (begins_there && first_end > answer.fetch_offset) return found;
  found.Violated(fmt::format("{} on {}: a Fetch from {} was answered with batches from {}, the first of which ends at "
                             "{}",
                             ToString(answer.partition), answer.node, answer.fetch_offset.value(),
                             answer.base_offset.value(), first_end.value()),
                 {answer.at_ns});
  return found;
}

}  // namespace odradek::properties
