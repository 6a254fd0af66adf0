// The producers' state of a log and its snapshots on disk, <offset>.snapshot. Owned by a Log, which lets one fiber at a
// time call what suspends.
//
//  1. A snapshot at an offset holds the fold of all batches below it.
//  2. SyncSnapshots() before the recovery point passes an offset: a snapshot at or below the recovery point is durable,
//     or was damaged later, which its CRC tells.
//
// Source: FEATURES 3.2, Kafka's ProducerStateManager.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/producers/producer_states.h"

namespace odradek::storage {

class ProducerStore {
 public:
  ProducerStore(env::Disk& disk, base::Context& context, std::string folder, const producers::ProducersConfig& config);

  const producers::ProducerStates& states() const { return states_; }
  producers::ProducerStates& states() { return states_; }

  // Snapshots that the folder has.
  void AddFound(Offset offset) { snapshots_[offset] = nullptr; }
  bool HasSnapshot(Offset offset) const { return snapshots_.contains(offset); }
  std::vector<Offset> SnapshotOffsets() const;

  struct RestoreResult {
    env::DiskError error = env::DiskError::kNone;
    Offset offset;                      // the state is the fold of everything below
    std::vector<std::string> problems;  // damaged snapshots, which were removed
  };
  // Takes the newest snapshot at or below `at_most`, an empty state at `otherwise` if there is none.
  RestoreResult Restore(fiber::Fiber& self, Offset at_most, Offset otherwise);

  // Writes the state as the snapshot at `offset`, the log end; not durable yet.
  env::DiskError TakeSnapshot(fiber::Fiber& self, Offset offset);
  // Makes the snapshots at and below `offset` durable, but for their entries in the folder.
  env::DiskError SyncSnapshots(fiber::Fiber& self, Offset offset);
  bool NeedsSync(Offset offset) const;

  env::DiskError RemoveAbove(fiber::Fiber& self, Offset offset);
  // Keeps those at `bases` and the newest one.
  env::DiskError RemoveStray(fiber::Fiber& self, const std::set<Offset>& bases);
  env::DiskError RemoveAll(fiber::Fiber& self);

 private:
  std::string PathOf(Offset offset) const;
  env::DiskError Remove(fiber::Fiber& self, Offset offset);

  env::Disk& disk_;
  base::Context& context_;
  const std::string folder_;
  producers::ProducerStates states_;
  // The file is kept open until it is synced.
  std::map<Offset, std::shared_ptr<env::File>> snapshots_;
};

}  // namespace odradek::storage
