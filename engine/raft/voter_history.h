// The voter sets and kraft versions that the log has said, by the offset of the record. A replica goes by the last set
// in its log, committed or not (KIP-853, "Reading the voter set"): that is what makes the majorities of two consecutive
// sets overlap. Truncation takes the set back. Owned by the machine; nothing suspends.
//
//  1. Offsets rise strictly. A set that comes from a snapshot stands at the snapshot's last offset, so that of the
//     bootstrap snapshot at −1.
//  2. With kraft.version 0, or where nothing was said yet, the configured voters hold.
#pragma once

#include <map>
#include <optional>

#include "engine/raft/types.h"
#include "engine/raft/voter_set.h"

namespace odradek::raft {

class VoterHistory {
 public:
  explicit VoterHistory(VoterSet configured) : configured_(std::move(configured)) {}

  // REQUIRES: behind what is there.
  void AddVoters(Offset offset, const VoterSet& voters);
  void AddKraftVersion(Offset offset, int16_t version);
  // Forgets what stands at or above `end`.
  void TruncateTo(Offset end);
  // Everything below `start` is in a snapshot: of what stands there only the last of each kind is needed.
  void TrimTo(Offset start);
  void Clear();

  const VoterSet& voters() const;
  int16_t kraft_version() const;
  bool is_dynamic() const { return kraft_version() >= kDynamicVoters; }
  // Where voters() stands. nullopt: configured.
  std::optional<Offset> voters_offset() const;

  // As of a snapshot that ends at `end`.
  const VoterSet& VotersAt(Offset end) const;
  int16_t KraftVersionAt(Offset end) const;

  friend bool operator==(const VoterHistory&, const VoterHistory&) = default;

 private:
  VoterSet configured_;
  std::map<Offset, VoterSet> voters_;
  std::map<Offset, int16_t> kraft_versions_;
};

}  // namespace odradek::raft
