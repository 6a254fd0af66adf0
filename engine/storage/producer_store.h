// The producers' state of a log and its snapshots on disk, <offset>.snapshot. Owned by a Log, which lets one fiber at a
// time call what suspends.
//
//  1. A snapshot at an offset holds the fold of all batches below it.
//  2. A snapshot is taken only for what it says it is: of this log and at this offset.
//  3. A snapshot that replaces batches is durable before they go; any other one may be torn by a crash, which its CRC
//     tells: then an older one and more batches give the same state.
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
#include "engine/env/observer.h"
#include "engine/fiber/fiber.h"
#include "engine/producers/producer_states.h"
#include "engine/producers/snapshot.h"
#include "engine/storage/log_marks.h"

namespace odradek::storage {

class ProducerStore {
 public:
  ProducerStore(env::Disk& disk, base::Context& context, const LogPlace& place,
                const producers::ProducersConfig& config);

  const producers::ProducerStates& states() const { return states_; }
  producers::ProducerStates& states() { return states_; }

  // A snapshot that the folder has. After a crash its bytes may never have reached the disk.
  void AddFound(Offset offset, env::ShutdownKind previous_shutdown);
  bool HasSnapshot(Offset offset) const { return snapshots_.contains(offset); }
  std::vector<Offset> SnapshotOffsets() const;
  producers::SnapshotPlace PlaceAt(Offset offset) const { return {.end_offset = offset, .log = log_}; }

  struct RestoreResult {
    env::DiskError error = env::DiskError::kNone;
    producers::ProducerStates states;
    Offset offset;                      // the state is the fold of everything below
    std::vector<std::string> problems;  // damaged snapshots, which were removed
  };
  // Reads the newest snapshot at or below `at_most`; an empty state at `otherwise` if there is none.
  RestoreResult Restore(fiber::Fiber& self, Offset at_most, Offset otherwise);

  // Writes `states` as the snapshot at `offset`, if there is none; not durable yet.
  env::DiskError TakeSnapshot(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset);
  env::DiskError TakeSnapshot(fiber::Fiber& self, Offset offset) { return TakeSnapshot(self, states_, offset); }
  // Makes the snapshots at and below `offset` durable that this process wrote, but for their names in the folder.
  env::DiskError SyncSnapshots(fiber::Fiber& self, Offset offset);
  // The snapshot at `offset` says what `states` say and is durable, but for its name in the folder. Nothing is relied
  // on that a crash left: nobody knows whether it was ever synced, and a read of it may give zeros from one moment to
  // the next.
  env::DiskError SnapshotDurably(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset);
  env::DiskError SnapshotDurably(fiber::Fiber& self, Offset offset) { return SnapshotDurably(self, states_, offset); }
  // The same, whatever a snapshot at `offset` says so far.
  env::DiskError ReplaceDurably(fiber::Fiber& self, const producers::ProducerStates& states, Offset offset);
  // Whether one is there that is as durable as the last sync made it.
  bool HasOwnSnapshot(Offset offset) const;

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
  const std::string log_;  // topic-partition
  producers::ProducerStates states_;
  struct Snapshot {
    std::shared_ptr<env::File> unsynced;  // open until it is synced
    bool suspect = false;                 // found after a crash
  };
  std::map<Offset, Snapshot> snapshots_;
};

}  // namespace odradek::storage
