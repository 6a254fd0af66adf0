// R8. ISR and ELR are of the replicas and have nobody in common, nobody is named twice, and the leader is in the ISR.
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {
namespace {

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

bool IsPartOf(const std::vector<NodeId>& part, const std::vector<NodeId>& whole) {
  return std::all_of(part.begin(), part.end(), [&](NodeId node) { return Has(whole, node); });
}

bool NamesTwice(std::vector<NodeId> nodes) {
  std::sort(nodes.begin(), nodes.end());
  return std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end();
}

std::string Names(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += fmt::format("{}{}", text.empty() ? "" : ",", node.value());
  return "[" + text + "]";
}

}  // namespace

Findings ReplicaSetsAreInOrder(const PartitionInImage& partition) {
  Findings found;
  found.Judged();
  const bool shares =
      std::any_of(partition.elr.begin(), partition.elr.end(), [&](NodeId node) { return Has(partition.isr, node); });
  const bool is_led_from_outside = partition.leader != kNoNode && !Has(partition.isr, partition.leader);
  if (IsPartOf(partition.isr, partition.replicas) && IsPartOf(partition.elr, partition.replicas) && !shares &&
      !is_led_from_outside && !NamesTwice(partition.replicas) && !NamesTwice(partition.isr)) {
    return found;
  }
  found.Violated(
      fmt::format("{} on {}: leader {}, replicas {}, ISR {}, ELR {}", ToString(partition.partition), partition.node,
                  partition.leader.value(), Names(partition.replicas), Names(partition.isr), Names(partition.elr)),
      {partition.at_ns});
  return found;
}

}  // namespace odradek::properties
