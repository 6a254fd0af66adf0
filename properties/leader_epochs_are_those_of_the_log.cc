// R12. For each batch the last entry of the leader-epoch cache at or before it has the batch's epoch: every epoch of
// the batches is in the cache, with a start not behind its first batch.
//
// Legal: entries of the cache without batches (epochs in which nothing was written), and an entry whose start was moved
// up to the log start when older batches were deleted.
#include <fmt/format.h>

#include <algorithm>

#include "properties/monitors.h"

namespace odradek::properties {

Findings LeaderEpochsAreThoseOfTheLog(const ReplicaState& state) {
  Findings found;
  if (state.fold == nullptr) return found;
  found.Judged(state.fold->epochs.size());
  for (const ReplicaEpoch& written : state.fold->epochs) {
    const auto next = std::find_if(state.epochs.begin(), state.epochs.end(), [&](const ReplicaEpoch& entry) {
      return entry.start_offset > std::max(written.start_offset, state.log_start_offset);
    });
    const LeaderEpoch cached = next == state.epochs.begin() ? kNoLeaderEpoch : std::prev(next)->epoch;
    // Several epochs may start at one offset; the last of them is the one with batches.
    if (cached == written.epoch) continue;
    found.Violated(fmt::format("{} on {}: the batch at {} has epoch {}, the cache says {}", ToString(state.partition),
                               state.node, written.start_offset.value(), written.epoch.value(), cached.value()),
                   {state.at_ns});
    return found;
  }
  return found;
}

}  // namespace odradek::properties
