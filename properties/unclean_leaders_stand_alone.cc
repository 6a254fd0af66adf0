// R8, R9. A leader that was in neither the ISR nor the ELR before is the whole ISR afterwards, and nobody is eligible
// beside it: what the others have is not its log (KIP-704). Judged where an image shows one change, unless a move ends
// with it: then who has joined the ISR may lead at once.
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings UncleanLeadersStandAlone(const PartitionInImage& partition) {
  Findings found;
  const bool is_next = partition.partition_epoch == partition.partition_epoch_before + 1;
  if (!is_next || partition.partition_epoch_before < 0 || partition.leader == kNoNode) return found;
  if (partition.adding_before != partition.adding || partition.removing_before != partition.removing) return found;
  const std::vector<NodeId>& before = partition.candidates_before;
  if (std::find(before.begin(), before.end(), partition.leader) != before.end()) return found;
  found.Judged();
  if (partition.isr == std::vector{partition.leader} && partition.elr.empty()) return found;
  found.Violated(
      fmt::format("broker {} was not in sync and leads {}, with {} in the ISR and {} in the ELR",
                  partition.leader.value(), ToString(partition.partition), partition.isr.size(), partition.elr.size()),
      {partition.at_ns});
  return found;
}

}  // namespace odradek::properties
