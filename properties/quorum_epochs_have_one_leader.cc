// K1. At most one leader in an epoch of the quorum, whoever names it and whenever.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings QuorumEpochsHaveOneLeader(const QuorumMember& member) {
  Findings found;
  if (member.leader == kNoNode || member.known_leader == kNoNode) return found;
  found.Judged();
  if (member.leader == member.known_leader) return found;
  found.Violated(fmt::format("epoch {} of the quorum has leader {} on {} and had leader {}", member.epoch.value(),
                             member.leader.value(), member.node, member.known_leader.value()),
                 {member.at_ns});
  return found;
}

}  // namespace odradek::properties
