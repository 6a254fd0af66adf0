// M4. When the faults have ended and everybody has had time, all nodes have the same image.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings ImagesConverge(const ClusterAtRest& cluster) {
  Findings found;
  const ClusterAtRest::Node* first = nullptr;
  for (const ClusterAtRest::Node& node : cluster.nodes) {
    if (node.state != ClusterAtRest::Node::State::kServing) continue;
    if (first == nullptr) {
      first = &node;
      continue;
    }
    found.Judged();
    if (node.fingerprint == first->fingerprint) continue;
    found.Violated(fmt::format("in the end the images of {} and {} differ", first->name, node.name), {cluster.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
