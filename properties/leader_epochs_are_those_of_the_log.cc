// R12. For each batch in the files the last entry of the leader-epoch cache at or before it has the batch's epoch.
//
// Legal: entries of the cache without batches (epochs in which nothing was written), and an entry whose start was moved
// up to the log start when older batches were deleted.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "properties/monitors.h"

namespace odradek::properties {

Findings LeaderEpochsAreThoseOfTheLog(const ReplicaState& state) {
  Findings found;
  if (state.files == nullptr) return found;
  for (const WrittenBatch& batch : state.files->batches) {
    if (batch.next_offset() <= state.log_start_offset || batch.base_offset >= state.log_end_offset) continue;
    found.Judged();
    const Offset at = std::max(batch.base_offset, state.log_start_offset);
    // Several epochs may start at one offset; the last of them is the one with batches.
    const auto next =
        std::upper_bound(state.epochs.begin(), state.epochs.end(), at,
                         [](Offset wanted, const ReplicaEpoch& entry) { return wanted < entry.start_offset; });
    const LeaderEpoch cached = next == state.epochs.begin() ? kNoLeaderEpoch : std::prev(next)->epoch;
    if (cached == batch.leader_epoch) continue;
    found.Violated(fmt::format("{} on {}: the batch at {} has epoch {}, the cache says {}", ToString(state.partition),
                               state.node, batch.base_offset.value(), batch.leader_epoch.value(), cached.value()),
                   {state.at_ns});
    return found;
  }
  return found;
}

}  // namespace odradek::properties
