// R8. Who is new in an ISR is active: neither fenced nor shutting down (KIP-841). Judged where an image shows one
// change: of several, what joined may have left its life behind since. Legal: it is the only one in sync, and was
// fenced since; without ELR the last member stays.
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {
namespace {

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

Findings OnlyLiveBrokersJoinIsrs(const PartitionInImage& partition) {
  Findings found;
  const bool is_next = partition.partition_epoch == partition.partition_epoch_before + 1;
  if (!is_next || partition.partition_epoch_before < 0 || partition.isr.size() < 2) return found;
  for (const NodeId member : partition.isr) {
    if (Has(partition.isr_before, member)) continue;
    found.Judged();
    if (!Has(partition.inactive, member)) continue;
    found.Violated(fmt::format("broker {} has joined the ISR of {}, and is fenced or shutting down", member.value(),
                               ToString(partition.partition)),
                   {partition.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
