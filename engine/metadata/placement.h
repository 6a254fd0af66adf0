// Where the replicas of new partitions go: round robin over the brokers from a drawn start, so that leaders and load
// spread; neighbours in the round are of different racks where there are several; brokers that are not active come
// last. Pure; the draw is the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/prng.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

struct PlacementOptions {
  int32_t partition_count = 1;
  int16_t replication_factor = 1;
};

// Replicas of each partition, the preferred leader first: distinct brokers, the first one active.
// REQUIRES: 1 <= replication_factor <= brokers, at least one of them active.
std::vector<std::vector<NodeId>> PlaceReplicas(const std::map<NodeId, BrokerState>& brokers,
                                               const PlacementOptions& options, base::Prng& draws);

}  // namespace odradek::metadata
