// V4. When the faults have ended and everybody has had time, every partition has a leader.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings PartitionsAreLedInTheEnd(const ClusterAtRest& cluster) {
  Findings found;
  found.Judged(cluster.partitions.size());
  for (const TopicPartition& partition : cluster.leaderless) {
    found.Violated(fmt::format("{} has no leader in the end", ToString(partition)), {cluster.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
