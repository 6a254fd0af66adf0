// R12. In the leader-epoch cache epochs strictly increase and their start offsets do not decrease, and no epoch starts
// behind the log end.
//
// Legal: a follower enters the epochs of the batches that it has fetched before it appends them.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings LeaderEpochsIncrease(const ReplicaState& state) {
  Findings found;
  const ReplicaEpoch* last = nullptr;
  found.Judged(state.epochs.size());
  for (const ReplicaEpoch& entry : state.epochs) {
    const bool fits = last == nullptr || (entry.epoch > last->epoch && entry.start_offset >= last->start_offset);
    const bool may_run_ahead =
        state.replicas == ReplicaState::Replicas::kSeveral && state.moment == ReplicaState::Moment::kRunning;
    if (!fits || (entry.start_offset > state.log_end_offset && !may_run_ahead)) {
      found.Violated(fmt::format("{} on {}: epoch {} starts at {} after epoch {} at {}, and the log ends at {}",
                                 ToString(state.partition), state.node, entry.epoch.value(), entry.start_offset.value(),
                                 last == nullptr ? -1 : last->epoch.value(),
                                 last == nullptr ? -1 : last->start_offset.value(), state.log_end_offset.value()),
                     {state.at_ns});
      return found;
    }
    last = &entry;
  }
  return found;
}

}  // namespace odradek::properties
