// Where the replicas of new partitions go: leaders round robin over the active brokers from a drawn start; followers
// over as many racks as there are, then to active brokers before fenced ones, then to those that have got least.
// Brokers that shut down, or take no new replicas, get none. Pure; the draw is the caller's.
//
// Source: KIP-36 (racks), KIP-841 (shutting down), KIP-1066 (cordoned).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/prng.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// Whether a broker may get new replicas: fenced ones may, as it is thought that they come back.
bool IsUsable(const BrokerState& broker);

struct PlacementOptions {
  int32_t partition_count = 1;
  int16_t replication_factor = 1;
};

// Replicas of each partition, the preferred leader first: distinct usable brokers, the first one active.
// REQUIRES: 1 <= replication_factor <= usable brokers, at least one of them active.
std::vector<std::vector<NodeId>> PlaceReplicas(const std::map<NodeId, BrokerState>& brokers,
                                               const PlacementOptions& options, base::Prng& draws);

}  // namespace odradek::metadata
