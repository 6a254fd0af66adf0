// V12. When the faults have ended and everybody has had time, every move of replicas is over.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings MovesEnd(const ClusterAtRest& cluster) {
  Findings found;
  for (const ClusterAtRest::Partition& partition : cluster.partitions) {
    found.Judged();
    if (!partition.is_moving) continue;
    found.Violated(fmt::format("the replicas of {} still move in the end", ToString(partition.name)), {cluster.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
