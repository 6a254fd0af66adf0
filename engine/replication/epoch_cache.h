// Which leader epoch begins at which offset of a log (KIP-101): what a leader answers with and a follower truncates by.
// A value, filled from the log's leader-epoch-checkpoint; nothing suspends.
//
//  1. Epochs rise strictly, start offsets rise strictly (PROPERTIES R12).
#pragma once

#include <optional>
#include <vector>

#include "engine/base/ids.h"

namespace odradek::replication {

struct EpochEntry {
  LeaderEpoch epoch;
  Offset start_offset;
  friend bool operator==(const EpochEntry&, const EpochEntry&) = default;
};

// The largest epoch that is at most the one that was asked for, and where it ends. Both "none": not known.
struct EpochEndOffset {
  LeaderEpoch epoch = kNoLeaderEpoch;
  Offset end_offset = kNoOffset;
  bool is_none() const { return end_offset < Offset(0); }
  friend bool operator==(const EpochEndOffset&, const EpochEndOffset&) = default;
};

class EpochCache {
 public:
  EpochCache() = default;
  // nullopt: the entries break the invariant; they come from a disk.
  static std::optional<EpochCache> FromEntries(std::vector<EpochEntry> entries);

  const std::vector<EpochEntry>& entries() const { return entries_; }
  // kNoLeaderEpoch: there is none.
  LeaderEpoch latest() const { return entries_.empty() ? kNoLeaderEpoch : entries_.back().epoch; }
  LeaderEpoch EpochAt(Offset offset) const;

  // `epoch` begins at `start`, if it has not begun. Entries that contradict it go: of its epoch or later ones, and what
  // would begin at or above `start`. REQUIRES: neither is negative.
  void Assign(LeaderEpoch epoch, Offset start);
  // Drops what begins at or above `end`, also if that is the end of the log already (BUG_ZOO RP13).
  void TruncateFromEnd(Offset end);
  // What is in force at `start` begins there; what ended below goes.
  void TruncateFromStart(Offset start);
  void Clear() { entries_.clear(); }

  // SEMANTICS 25. An epoch below the first one ends, as far as we know, where the first one begins.
  EpochEndOffset EndOffsetFor(LeaderEpoch epoch, Offset log_end_offset) const;

  friend bool operator==(const EpochCache&, const EpochCache&) = default;

 private:
  std::vector<EpochEntry> entries_;
};

}  // namespace odradek::replication
