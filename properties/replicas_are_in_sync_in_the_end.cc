// V3. When the faults have ended and everybody has had time, every replica is in the ISR.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings ReplicasAreInSyncInTheEnd(const ClusterAtRest& cluster) {
  Findings found;
  for (const ClusterAtRest::Partition& partition : cluster.partitions) {
    found.Judged();
    if (partition.isr_count == partition.replica_count) continue;
    found.Violated(fmt::format("{} of {} replicas of {} are in sync in the end", partition.isr_count,
                               partition.replica_count, ToString(partition.name)),
                   {cluster.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
