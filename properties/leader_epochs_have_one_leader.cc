// R5. At most one broker leads a partition in a leader epoch. Nobody leads in some.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings LeaderEpochsHaveOneLeader(const PartitionInImage& partition) {
  Findings found;
  if (partition.leader == kNoNode || partition.known_leader == kNoNode) return found;
  found.Judged();
  if (partition.leader == partition.known_leader) return found;
  found.Violated(fmt::format("{} is led by {} in epoch {}, in which {} led before", ToString(partition.partition),
                             partition.leader.value(), partition.leader_epoch.value(), partition.known_leader.value()),
                 {partition.at_ns});
  return found;
}

}  // namespace odradek::properties
