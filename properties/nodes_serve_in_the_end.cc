// V4. When the faults have ended and everybody has had time, every node serves and every broker is registered and
// unfenced.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings NodesServeInTheEnd(const ClusterAtRest& cluster) {
  Findings found;
  for (const ClusterAtRest::Node& node : cluster.nodes) {
    found.Judged();
    if (node.state == ClusterAtRest::Node::State::kServing) continue;
    found.Violated(fmt::format("{} does not serve in the end", node.name), {cluster.at_ns});
  }
  for (const NodeId broker : cluster.fenced_brokers) {
    found.Violated(fmt::format("broker {} is fenced or not registered in the end", broker.value()), {cluster.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
