// D3. What a node counts as synced is on the disk: if power were lost now and nothing that is pending survived, the log
// would still hold every batch from its start to the offset up to which the node reported a sync, and its recovery
// point is not above that: what lies below the recovery point is never read again after a crash. A failed sync that is
// counted shows here.
//
// Legal: a recovery point at the log start, if that is higher; what is deleted needs no sync.
#include <fmt/format.h>

#include <algorithm>

#include "properties/monitors.h"

namespace odradek::properties {

Findings RecoveryPointsAreDurable(const ReplicaState& state) {
  Findings found;
  found.Judged();
  if (state.recovery_point > std::max(state.flushed_end, state.log_start_offset)) {
    found.Violated(
        fmt::format("{} on {}: the recovery point is {}, but the log starts at {} and only what is below {} was synced",
                    ToString(state.partition), state.node, state.recovery_point.value(), state.log_start_offset.value(),
                    state.flushed_end.value()),
        {state.at_ns});
  }
  if (state.durable == nullptr) return found;
  found.Judged();
  const Offset durable_end = state.durable->EndOfRun(state.log_start_offset, state.gaps);
  if (durable_end >= state.flushed_end) return found;
  found.Violated(fmt::format("{} on {}: the node reported a sync up to {}, but a loss of power would leave batches up "
                             "to {} only",
                             ToString(state.partition), state.node, state.flushed_end.value(), durable_end.value()),
                 {state.at_ns});
  return found;
}

}  // namespace odradek::properties
