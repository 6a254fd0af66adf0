#include "engine/metadata/placement.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

#include "engine/base/check.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

struct Place {
  NodeId id;
  size_t rack = 0;
  bool is_fenced = false;
  int64_t replica_count = 0;  // that it has got so far
};

// One place of each rack in turn, racks and ids in order: neighbours are of different racks where that can be.
std::vector<Place> InterleaveRacks(const std::map<NodeId, BrokerState>& brokers) {
  std::map<std::string, std::vector<Place>> racks;
  for (const auto& [id, broker] : brokers) {
    if (IsUsable(broker)) racks[broker.rack.value_or("")].push_back({id, 0, broker.fenced, 0});
  }
  std::vector<Place> out;
  for (size_t round = 0;; ++round) {
    const size_t before = out.size();
    size_t rack_index = 0;
    for (auto& [rack, places] : racks) {
      if (round < places.size()) out.push_back(places[round]);
      if (round < places.size()) out.back().rack = rack_index;
      ++rack_index;
    }
    if (out.size() == before) return out;
  }
}

class Placing {
 public:
  explicit Placing(std::vector<Place> places) : places_(std::move(places)) {
    for (size_t i = 0; i < places_.size(); ++i) {
      if (!places_[i].is_fenced) active_.push_back(i);
    }
    REQUIRES(!active_.empty());
  }
  size_t active_count() const { return active_.size(); }
  size_t usable_count() const { return places_.size(); }

  std::vector<NodeId> Choose(size_t turn, size_t replica_count);

 private:
  // The next follower, from behind the leader on.
  size_t BestFollower(const std::vector<size_t>& chosen) const;

  std::vector<Place> places_;
  std::vector<size_t> active_;
};

size_t Placing::BestFollower(const std::vector<size_t>& chosen) const {
  using Cost = std::tuple<int64_t, bool, int64_t, size_t>;
  std::optional<Cost> least;
  size_t best = places_.size();
  for (size_t step = 1; step < places_.size(); ++step) {
    const size_t i = (chosen.front() + step) % places_.size();
    if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
    const auto in_rack = [&](size_t other) { return places_[other].rack == places_[i].rack; };
    const int64_t neighbours = std::count_if(chosen.begin(), chosen.end(), in_rack);
    const Cost cost{neighbours, places_[i].is_fenced, places_[i].replica_count, step};
    if (least && *least <= cost) continue;
    least = cost;
    best = i;
  }
  INVARIANT(best < places_.size());
  return best;
}

std::vector<NodeId> Placing::Choose(size_t turn, size_t replica_count) {
  std::vector<size_t> chosen = {active_[turn % active_.size()]};
  while (chosen.size() < replica_count) chosen.push_back(BestFollower(chosen));
  std::vector<NodeId> out;
  for (const size_t i : chosen) {
    ++places_[i].replica_count;
    out.push_back(places_[i].id);
  }
  INVARIANT(AreDistinct(out));
  return out;
}

}  // namespace

bool IsUsable(const BrokerState& broker) {
  if (broker.in_controlled_shutdown) return false;
  const auto is_cordoned = [&](const Uuid& dir) {
    return std::find(broker.cordoned_log_dirs.begin(), broker.cordoned_log_dirs.end(), dir) !=
           broker.cordoned_log_dirs.end();
  };
  return broker.log_dirs.empty() || !std::all_of(broker.log_dirs.begin(), broker.log_dirs.end(), is_cordoned);
}

std::vector<std::vector<NodeId>> PlaceReplicas(const std::map<NodeId, BrokerState>& brokers,
                                               const PlacementOptions& options, base::Prng& draws) {
  Placing placing(InterleaveRacks(brokers));
  REQUIRES(options.replication_factor >= 1);
  REQUIRES(static_cast<size_t>(options.replication_factor) <= placing.usable_count());
  const size_t start = draws.Below(placing.active_count());
  std::vector<std::vector<NodeId>> out;
  for (size_t p = 0; p < static_cast<size_t>(options.partition_count); ++p) {
    out.push_back(placing.Choose(start + p, static_cast<size_t>(options.replication_factor)));
  }
  return out;
}

}  // namespace odradek::metadata
