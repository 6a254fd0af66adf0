// The voters of a quorum at one moment. A value: a change makes a new set. Owned by whoever holds it; nothing suspends.
//
//  1. Voters are ordered by id and no id occurs twice: a node votes with one directory only.
//  2. A set and what With() or Without() makes of it differ by one voter, so that any majority of the one and any of
//  the
//     other have a voter in common (Raft dissertation §4.1, KIP-853).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/protocol/generated/control_records.h"
#include "engine/raft/types.h"

namespace odradek::raft {

struct Voter {
  ReplicaKey key;
  Endpoints endpoints;
  VersionRange kraft_versions;
  friend bool operator==(const Voter&, const Voter&) = default;
};

class VoterSet {
 public:
  VoterSet() = default;
  // REQUIRES: no id twice, none negative.
  explicit VoterSet(std::vector<Voter> voters);

  const std::vector<Voter>& voters() const { return voters_; }
  size_t size() const { return voters_.size(); }
  bool empty() const { return voters_.empty(); }
  // As many as decide. REQUIRES: not empty.
  size_t majority() const;

  // nullptr: no voter of that id.
  const Voter* Find(NodeId id) const;
  bool Has(const ReplicaKey& replica) const;
  bool IsOnly(const ReplicaKey& replica) const { return size() == 1 && Has(replica); }

  // nullopt: the id votes already.
  std::optional<VoterSet> With(const Voter& voter) const;
  // nullopt: this replica is not a voter, or it is the only one.
  std::optional<VoterSet> Without(const ReplicaKey& replica) const;
  // The voter of that id with other endpoints and versions; a directory id that was not known becomes known. nullopt:
  // this replica is not a voter.
  std::optional<VoterSet> Updated(const Voter& voter) const;

  friend bool operator==(const VoterSet&, const VoterSet&) = default;

 private:
  std::vector<Voter> voters_;
};

protocol::VotersRecord ToRecord(const VoterSet& voters);
// nullopt: the record names an id twice, a negative one, or nobody: it comes from a disk or a peer.
std::optional<VoterSet> FromRecord(const protocol::VotersRecord& record);

}  // namespace odradek::raft
