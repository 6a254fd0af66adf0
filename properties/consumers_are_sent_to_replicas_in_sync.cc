// V2. A leader sends consumers only to replicas in its ISR that are neither fenced nor shutting down (KIP-392): to
// others they might come again and again (KAFKA-14372, KAFKA-15390).
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings ConsumersAreSentToReplicasInSync(const Redirection& redirection) {
  Findings found;
  if (redirection.to == kNoNode) return found;
  found.Judged();
  const auto has = [&](const std::vector<NodeId>& nodes) {
    return std::find(nodes.begin(), nodes.end(), redirection.to) != nodes.end();
  };
  if (has(redirection.isr) && !has(redirection.inactive)) return found;
  found.Violated(fmt::format("{} leads {} and sends consumers of rack {} to broker {}, which is {}", redirection.node,
                             ToString(redirection.partition), redirection.rack, redirection.to.value(),
                             has(redirection.isr) ? "fenced or shutting down" : "not in sync"),
                 {redirection.at_ns});
  return found;
}

}  // namespace odradek::properties
