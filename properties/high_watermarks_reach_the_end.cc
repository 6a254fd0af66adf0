// V1. When no client has anything left to do, the high watermark is the log end (liveness).
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings HighWatermarksReachTheEnd(const ReplicaState& state) {
  Findings found;
  if (state.moment != ReplicaState::Moment::kAtRest) return found;
  found.Judged();
  if (state.high_watermark == state.log_end_offset) return found;
  found.Violated(
      fmt::format("{} on {}: everything is at rest, the log ends at {}, and the high watermark is {}",
                  ToString(state.partition), state.node, state.log_end_offset.value(), state.high_watermark.value()),
      {state.at_ns});
  return found;
}

}  // namespace odradek::properties
