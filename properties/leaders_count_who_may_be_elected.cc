// R7. As long as its ISR is large enough, a leader counts for its high watermark all whom the controller could elect:
// the ISR and the ELR of the newest image are part of its maximal ISR (KIP-497, KIP-966). Below min.insync.replicas its
// high watermark stands still, and it need not know of the ELR.
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings LeadersCountWhoMayBeElected(const LeaderState& leader) {
  Findings found;
  if (static_cast<int32_t>(leader.isr.size()) < leader.min_isr) return found;
  found.Judged();
  for (const NodeId candidate : leader.candidates) {
    const std::vector<NodeId>& counted = leader.maximal_isr;
    if (std::find(counted.begin(), counted.end(), candidate) != counted.end()) continue;
    found.Violated(fmt::format("{} leads {} and does not count broker {}, which the controller could elect",
                               leader.node, ToString(leader.partition), candidate.value()),
                   {leader.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
