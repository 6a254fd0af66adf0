// R11. 0 <= log start <= last stable offset <= high watermark <= log end, on every replica at every instant.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings WatermarksAreOrdered(const ReplicaState& state) {
  Findings found;
  found.Judged();
  const bool ordered = Offset(0) <= state.log_start_offset && state.log_start_offset <= state.last_stable_offset &&
                       state.last_stable_offset <= state.high_watermark && state.high_watermark <= state.log_end_offset;
  if (ordered) return found;
  found.Violated(
      fmt::format("{} on {}: log start {}, last stable offset {}, high watermark {}, log end {}",
                  ToString(state.partition), state.node, state.log_start_offset.value(),
                  state.last_stable_offset.value(), state.high_watermark.value(), state.log_end_offset.value()),
      {state.at_ns});
  return found;
}

}  // namespace odradek::properties
