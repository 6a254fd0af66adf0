// K6. One vote per node and epoch across restarts: neither changed nor forgotten. Read from quorum-state, as a loss of
// power would leave it.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings QuorumVotesAreGivenOnce(const QuorumVote& vote) {
  Findings found;
  if (vote.epoch != vote.epoch_before || vote.voted_before == kNoNode) return found;
  found.Judged();
  if (vote.voted == vote.voted_before) return found;
  found.Violated(fmt::format("in epoch {} the vote of {} was for {} and is for {}", vote.epoch.value(), vote.node,
                             vote.voted_before.value(), vote.voted.value()),
                 {vote.at_ns});
  return found;
}

}  // namespace odradek::properties
