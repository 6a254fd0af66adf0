// R16. A move of replicas ends when all that stay are in sync, and not before: those that go may have been the only
// ones that had everything. Called off, it leaves those that were there before it (KIP-455, KAFKA-15665).
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {
namespace {

// In order, without those that are in `less`.
std::vector<NodeId> Minus(std::vector<NodeId> nodes, const std::vector<NodeId>& less) {
  std::erase_if(nodes, [&](NodeId node) { return std::find(less.begin(), less.end(), node) != less.end(); });
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

}  // namespace

Findings MovesEndInSync(const PartitionInImage& partition) {
  Findings found;
  const bool is_next = partition.partition_epoch == partition.partition_epoch_before + 1;
  const bool was_moving = !partition.adding_before.empty() || !partition.removing_before.empty();
  const bool is_moving = !partition.adding.empty() || !partition.removing.empty();
  if (!is_next || !was_moving || is_moving) return found;
  const std::vector<NodeId> now = Minus(partition.replicas, {});
  const bool is_called_off = now == Minus(partition.replicas_before, partition.adding_before);
  if (is_called_off || now != Minus(partition.replicas_before, partition.removing_before)) return found;
  found.Judged();
  const std::vector<NodeId> behind = Minus(now, partition.isr);
  if (behind.empty()) return found;
  found.Violated(fmt::format("{} on {}: its move has ended, and replica {} is not in sync",
                             ToString(partition.partition), partition.node, behind.front().value()),
                 {partition.at_ns});
  return found;
}

}  // namespace odradek::properties
