// Where replicas are to go when a broker is to be emptied, or takes its share as a new one. Pure: shapes go in and come
// out, nothing is asked or moved. A replica that moves keeps its place in the list, so that as many partitions prefer
// each broker as leader as before; it goes to the broker with the fewest replicas, of a rack that has none of the
// partition yet if there is one.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/ids.h"

namespace odradek::tool {

struct PlanBroker {
  NodeId id;
  std::string rack;  // empty: none
};

struct PlanPartition {
  TopicPartition name;
  std::vector<NodeId> replicas;
  friend bool operator==(const PlanPartition&, const PlanPartition&) = default;
};

// What changes, as it is to be. An error: a partition has no other broker to go to.
absl::StatusOr<std::vector<PlanPartition>> PlanDrain(const std::vector<PlanBroker>& brokers,
                                                     const std::vector<PlanPartition>& partitions, NodeId away);

// Moves replicas to `newcomer` until it has as many as the average broker, from those that have most, and none that
// would leave a partition in fewer racks.
std::vector<PlanPartition> PlanFill(const std::vector<PlanBroker>& brokers,
                                    const std::vector<PlanPartition>& partitions, NodeId newcomer);

}  // namespace odradek::tool
