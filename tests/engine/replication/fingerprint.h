// A number for the state of a whole world, so that exploration does not enter equal ones twice. What cannot decide
// about the future is left out: times, tokens, the numbers of attempts.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/base/prng.h"
#include "tests/engine/replication/world.h"

namespace odradek::replication {

class Hasher {
 public:
  void Add(uint64_t value) { hash_ = base::Mix64(hash_ ^ value) + 0x9e3779b97f4a7c15; }
  void Add(int64_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(int32_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(bool value) { Add(static_cast<uint64_t>(value)); }
  template <typename T>
    requires requires(T t) { t.value(); }
  void Add(const T& value) {
    Add(static_cast<uint64_t>(value.value()));
  }
  void Add(const NodeIds& ids) {
    Add(static_cast<uint64_t>(ids.size()));
    for (const NodeId id : ids) Add(id);
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0;
};

inline void AddTo(Hasher& hasher, const Registration& partition) {
  for (const NodeIds& ids : {partition.replicas, partition.adding_replicas, partition.removing_replicas})
    hasher.Add(ids);
  hasher.Add(partition.isr);
  hasher.Add(partition.leader);
  hasher.Add(partition.leader_epoch);
  hasher.Add(partition.partition_epoch);
}

inline void AddTo(Hasher& hasher, const Brokers& brokers) {
  for (const auto& [id, broker] : brokers) {
    hasher.Add(broker.epoch);
    hasher.Add(broker.fenced);
  }
}

inline void AddTo(Hasher& hasher, const Question& question) {
  hasher.Add(static_cast<uint64_t>(question.index()));
  if (const auto* fetch = std::get_if<FetchPosition>(&question)) {
    hasher.Add(fetch->current_leader_epoch);
    hasher.Add(fetch->fetch_offset);
    hasher.Add(fetch->last_fetched_epoch);
  } else if (const auto* end = std::get_if<EpochEndQuestion>(&question)) {
    hasher.Add(end->current_leader_epoch);
    hasher.Add(end->leader_epoch);
  } else {
    hasher.Add(std::get<OffsetsQuestion>(question).current_leader_epoch);
    hasher.Add(std::get<OffsetsQuestion>(question).own_end);
  }
}

inline void AddTo(Hasher& hasher, const DiskModel& disk) {
  hasher.Add(disk.start());
  hasher.Add(disk.end());
  hasher.Add(disk.flushed_end());
  for (Offset at = disk.start(); at < disk.end(); ++at) {
    hasher.Add(disk.At(at).epoch);
    hasher.Add(disk.At(at).value);
  }
  hasher.Add(disk.Facts().latest_epoch());
}

inline void AddTo(Hasher& hasher, const Leader& leader) {
  hasher.Add(leader.epoch_start);
  hasher.Add(leader.isr.committed());
  hasher.Add(leader.isr.partition_epoch());
  hasher.Add(leader.isr.is_changing());
  if (leader.isr.change()) {
    hasher.Add(leader.isr.change()->isr);
    hasher.Add(static_cast<int32_t>(leader.isr.change()->state));
  }
  for (const auto& [id, progress] : leader.followers.all()) {
    hasher.Add(id);
    hasher.Add(progress.end.value_or(kNoOffset));
    hasher.Add(progress.broker_epoch);
    hasher.Add(progress.caught_up_at ? progress.caught_up_at->nanos() : -1);
  }
  hasher.Add(static_cast<uint64_t>(leader.commits.count()));
}

inline void AddTo(Hasher& hasher, const BrokerNode& node) {
  AddTo(hasher, node.disk);
  hasher.Add(node.machine.has_value());
  hasher.Add(node.incarnation);
  hasher.Add(static_cast<uint64_t>(node.view));
  hasher.Add(node.asked.has_value());
  if (node.asked) AddTo(hasher, *node.asked);
  for (const AlterRequest& alter : node.alters) {
    hasher.Add(alter.request.partition_epoch);
    hasher.Add(alter.request.isr);
  }
  if (!node.machine) return;
  hasher.Add(static_cast<int32_t>(node.machine->role()));
  hasher.Add(node.machine->leader_epoch());
  hasher.Add(node.machine->high_watermark());
  if (const auto* leader = std::get_if<Leader>(&node.machine->state())) AddTo(hasher, *leader);
  if (const auto* follower = std::get_if<Follower>(&node.machine->state())) {
    hasher.Add(static_cast<int32_t>(follower->phase));
    hasher.Add(follower->leader);
    hasher.Add(follower->not_before.nanos());
  }
}

inline uint64_t FingerprintOf(const Wire& wire) {
  Hasher hasher;
  hasher.Add(wire.from);
  hasher.Add(wire.to);
  hasher.Add(wire.incarnation);
  AddTo(hasher, wire.question);
  hasher.Add(wire.answer.has_value());
  for (const Entry& entry : wire.entries) hasher.Add(entry.value);
  if (!wire.answer) return hasher.value();
  if (const auto* fetched = std::get_if<Fetched>(&*wire.answer)) {
    hasher.Add(static_cast<int32_t>(fetched->error));
    hasher.Add(fetched->high_watermark);
    hasher.Add(fetched->diverging.end_offset);
  }
  return hasher.value();
}

inline uint64_t Fingerprint(const World& world) {
  Hasher hasher;
  hasher.Add(world.checker().Fingerprint());
  hasher.Add(world.now().nanos());
  AddTo(hasher, world.controller().partition());
  AddTo(hasher, world.controller().brokers());
  hasher.Add(world.controller().elr());
  hasher.Add(static_cast<uint64_t>(world.controller().log().size()));
  for (const BrokerNode& node : world.nodes()) AddTo(hasher, node);
  // The order in which messages were sent does not matter: any of them may come next.
  std::vector<uint64_t> wires;
  for (const Wire& wire : world.wires()) wires.push_back(FingerprintOf(wire));
  std::ranges::sort(wires);
  for (const uint64_t wire : wires) hasher.Add(wire);
  for (const ControllerWire& wire : world.controller_wires()) {
    hasher.Add(wire.to);
    hasher.Add(static_cast<int32_t>(wire.answer.error));
    hasher.Add(wire.answer.committed.partition_epoch);
  }
  return hasher.value();
}

}  // namespace odradek::replication
