#include "engine/metadata/placement.h"

#include <string>

#include "engine/base/check.h"

namespace odradek::metadata {
namespace {

enum class Wanted : uint8_t { kActive, kInactive };

// Brokers of one kind, one of each rack in turn, racks and ids in order.
std::vector<NodeId> InterleaveRacks(const std::map<NodeId, BrokerState>& brokers, Wanted wanted) {
  std::map<std::string, std::vector<NodeId>> racks;
  for (const auto& [id, broker] : brokers) {
    if (broker.is_active() == (wanted == Wanted::kActive)) racks[broker.rack.value_or("")].push_back(id);
  }
  std::vector<NodeId> out;
  for (size_t round = 0;; ++round) {
    const size_t before = out.size();
    for (const auto& [rack, ids] : racks) {
      if (round < ids.size()) out.push_back(ids[round]);
    }
    if (out.size() == before) return out;
  }
}

}  // namespace

std::vector<std::vector<NodeId>> PlaceReplicas(const std::map<NodeId, BrokerState>& brokers,
                                               const PlacementOptions& options, base::Prng& draws) {
  const std::vector<NodeId> active = InterleaveRacks(brokers, Wanted::kActive);
  const std::vector<NodeId> inactive = InterleaveRacks(brokers, Wanted::kInactive);
  REQUIRES(!active.empty());
  REQUIRES(options.replication_factor >= 1);
  REQUIRES(static_cast<size_t>(options.replication_factor) <= brokers.size());
  const size_t replica_count = static_cast<size_t>(options.replication_factor);
  const size_t start = draws.Below(active.size());
  std::vector<std::vector<NodeId>> out;
  for (size_t p = 0; p < static_cast<size_t>(options.partition_count); ++p) {
    // After a whole round the followers move on by one, so that a failed leader's load spreads over all others.
    const size_t round = p / active.size();
    std::vector<NodeId> replicas = {active[(start + p) % active.size()]};
    for (size_t r = 0; replicas.size() < replica_count && r + 1 < active.size(); ++r) {
      const size_t step = 1 + (round + r) % (active.size() - 1);
      replicas.push_back(active[(start + p + step) % active.size()]);
    }
    for (size_t r = 0; replicas.size() < replica_count; ++r) {
      INVARIANT(r < inactive.size());
      replicas.push_back(inactive[(start + p + r) % inactive.size()]);
    }
    out.push_back(std::move(replicas));
  }
  return out;
}

}  // namespace odradek::metadata
