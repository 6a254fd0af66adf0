// K5. The epoch in quorum-state, as a loss of power would leave it, never falls: what was promised in an epoch was
// promised on the disk.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings QuorumEpochsNeverFall(const QuorumVote& vote) {
  Findings found;
  found.Judged();
  if (vote.epoch >= vote.epoch_before) return found;
  found.Violated(fmt::format("the epoch on the disk of {} was {} and is {}", vote.node, vote.epoch_before.value(),
                             vote.epoch.value()),
                 {vote.at_ns});
  return found;
}

}  // namespace odradek::properties
