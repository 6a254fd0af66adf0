// D3. A log's recovery point is at most the offset up to which the node reported a sync: what lies below it is never
// read again after a crash.
//
// Legal: the log start offset, if it is higher; what is deleted needs no sync.
#include <fmt/format.h>

#include <algorithm>

#include "properties/monitors.h"

namespace odradek::properties {

Findings RecoveryPointsAreDurable(const ReplicaState& state) {
  Findings found;
  found.Judged();
  if (state.recovery_point <= std::max(state.flushed_end, state.log_start_offset)) return found;
  found.Violated(
      fmt::format("{} on {}: the recovery point is {}, but the log starts at {} and only what is below {} was synced",
                  ToString(state.partition), state.node, state.recovery_point.value(), state.log_start_offset.value(),
                  state.flushed_end.value()),
      {state.at_ns});
  return found;
}

}  // namespace odradek::properties
