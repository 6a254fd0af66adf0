// R14. Leader epoch and partition epoch of a partition never fall along the metadata log, and a leader epoch that rises
// takes the partition epoch with it.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings PartitionEpochsNeverFall(const PartitionInImage& partition) {
  Findings found;
  if (partition.partition_epoch_before < 0) return found;
  found.Judged();
  const bool rises = partition.leader_epoch > partition.leader_epoch_before;
  if (partition.leader_epoch >= partition.leader_epoch_before &&
      partition.partition_epoch >= partition.partition_epoch_before + (rises ? 1 : 0)) {
    return found;
  }
  found.Violated(fmt::format("{} had leader epoch {} and partition epoch {}, and later {} and {} (on {})",
                             ToString(partition.partition), partition.leader_epoch_before.value(),
                             partition.partition_epoch_before, partition.leader_epoch.value(),
                             partition.partition_epoch, partition.node),
                 {partition.at_ns});
  return found;
}

}  // namespace odradek::properties
