// Z4, H6. Neither a follower nor the newest leader says OFFSET_OUT_OF_RANGE of an offset between its log start and the
// end of what any replica has seen committed: what a follower has not got yet is not out of range, and a consumer would
// start somewhere else. Legal: a leader that was deposed and does not know it.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings CommittedOffsetsAreInRange(const OutOfRangeAnswer& answer) {
  Findings found;
  found.Judged();
  if (answer.fetch_offset < answer.log_start_offset || answer.fetch_offset > answer.committed_end) return found;
  found.Violated(
      fmt::format("{} says of offset {} of {} that it is out of range; it starts at {}, and all below {} is committed",
                  answer.node, answer.fetch_offset.value(), ToString(answer.partition), answer.log_start_offset.value(),
                  answer.committed_end.value()),
      {answer.at_ns});
  return found;
}

}  // namespace odradek::properties
