// What the machine knows of its replica's log: where it starts, ends and is safe on disk, where each leader epoch
// begins, which snapshots exist. The log itself is the shell's; both stay in step because the machine says every change
// as an effect and makes the same change here. A value; nothing suspends.
//
//  1. start <= flushed_end <= end.
//  2. Epochs rise strictly, and so do the offsets at which they begin; the first begins at start, all below end. Every
//     record's epoch is that of the last entry at or below it (PROPERTIES R12).
//  3. Snapshots rise in offset and never fall in epoch. start > 0 if and only if there is a snapshot that ends at start
//     (K10); the epoch of the record before start is that snapshot's.
//
// Source: KIP-595 (divergence), KIP-630 (snapshots).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/raft/types.h"

namespace odradek::raft {

struct EpochStart {
  LeaderEpoch epoch;
  Offset start;
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

struct SnapshotFacts {
  SnapshotId id;
  int64_t size_bytes = 0;
  friend bool operator==(const SnapshotFacts&, const SnapshotFacts&) = default;
};

// How a follower's log relates to ours, as far as ours can tell.
enum class Validity : uint8_t {
  kValid,      // its log is a prefix of ours
  kDiverging,  // it has to truncate: `at` is the last point that may be common
  kSnapshot,   // what it needs is not in our log any more: `at` is the snapshot to fetch
};
struct Validation {
  Validity validity = Validity::kValid;
  OffsetAndEpoch at;
  friend bool operator==(const Validation&, const Validation&) = default;
};

class LogFacts {
 public:
  // An empty log.
  LogFacts() = default;
  // A log as recovery found it: all of it is on disk. `snapshots` may hold the bootstrap snapshot. nullopt: the parts
  // contradict each other (invariants 2 and 3); they come from a disk.
  struct Parts {
    Offset start{0};
    Offset end{0};
    std::vector<EpochStart> epochs;
    std::vector<SnapshotFacts> snapshots;
  };
  static std::optional<LogFacts> FromParts(const Parts& parts);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Offset flushed_end() const { return flushed_end_; }
  // Of the last record, or of the snapshot if there is none behind it; 0 in an empty log.
  LeaderEpoch last_epoch() const;
  OffsetAndEpoch end_and_epoch() const { return {last_epoch(), end_}; }
  const std::vector<EpochStart>& epochs() const { return epochs_; }

  // Of the last epoch at or below `epoch`: which one it is, and where it ends. Below everything: the point at which the
  // log starts (SEMANTICS 25).
  OffsetAndEpoch EndOfEpoch(LeaderEpoch epoch) const;
  // The epoch of the record in front of `end`. nullopt: not a point of this log.
  std::optional<LeaderEpoch> EpochBefore(Offset end) const;
  // Leader: a follower whose log ends at `offset` with a record of `last_epoch`.
  Validation Validate(Offset offset, LeaderEpoch last_epoch) const;
  // Follower: where to truncate when the leader names this diverging point.
  Offset TruncationFor(const OffsetAndEpoch& diverging) const;

  const std::vector<SnapshotFacts>& snapshots() const { return snapshots_; }
  // nullptr: not here.
  const SnapshotFacts* FindSnapshot(const SnapshotId& id) const;
  // nullopt: there is none but perhaps the bootstrap snapshot, which is for nobody else.
  std::optional<SnapshotId> latest_snapshot() const;

  // Whether the snapshot has what this log lacks: it ends higher, or in a later epoch.
  bool Precedes(const SnapshotId& snapshot) const { return snapshot.offset > end_ || snapshot > end_and_epoch(); }

  // REQUIRES: epoch >= last_epoch(), end > end().
  void Append(LeaderEpoch epoch, Offset end);
  // REQUIRES: start() <= end <= end().
  void TruncateTo(Offset end);
  // Everything below `end` is on disk; more than the log holds (it was truncated meanwhile) is ignored.
  void FlushedTo(Offset end);
  // REQUIRES: newer than every other, on a point of this log.
  void AddSnapshot(const SnapshotFacts& snapshot);
  // The log's prefix up to this snapshot is deleted, with all older snapshots. REQUIRES: it exists and is not below
  // start.
  void TrimTo(const SnapshotId& snapshot);
  // The whole log is replaced by this snapshot. REQUIRES: Precedes(snapshot.id).
  void ResetTo(const SnapshotFacts& snapshot);

  friend bool operator==(const LogFacts&, const LogFacts&) = default;

 private:
  bool IsConsistent() const;
  std::optional<SnapshotId> snapshot_at_start() const;

  Offset start_{0};
  Offset end_{0};
  Offset flushed_end_{0};
  std::vector<EpochStart> epochs_;
  std::vector<SnapshotFacts> snapshots_;
};

}  // namespace odradek::raft
