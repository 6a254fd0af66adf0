// What a replica is at the moment, with the data that only this role has. Leader has a header of its own.
//
//              election timeout                 majority of pre-votes              majority of votes
//  Unattached ------------------> Prospective -----------------------> Candidate ------------------> Leader
//      ^                            |     ^                               |                             |
//      |  lost, no leader known     |     |  fetch timeout, backoff over  |                             | resigns, or
//      lost
//      +----------------------------+     +-------------------------------+                             v its quorum
//      ^                                  |                                                          Resigned
//      |  a later epoch without leader    |        a leader is known                                    |
//      +--- from anywhere              Follower <----- from anywhere                                    v
//                                                                                     Unattached in the next epoch
//
// An Unattached replica that has voted in its epoch is what Raft calls a follower without a leader, and Kafka "voted".
// A replica that does not vote (an observer) is only ever Unattached or Follower; a leader that was removed is Resigned
// first. Source: KIP-595, KIP-996.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "engine/base/time.h"
#include "engine/raft/leader.h"
#include "engine/raft/tally.h"
#include "engine/raft/types.h"

namespace odradek::raft {

struct Unattached {
  MonoTime election_at;
};

// Asks whether an election could be won before it disturbs anybody with a new epoch.
struct Prospective {
  Tally tally;
  MonoTime until;
};

struct Candidate {
  Tally tally;
  MonoTime until;
  // The votes do not suffice any more; after this the next attempt begins.
  std::optional<MonoTime> backoff_until = std::nullopt;
};

// A snapshot on its way from the leader.
struct Download {
  SnapshotId id;
  int64_t position_bytes = 0;
};

struct Follower {
  MonoTime fetch_until;
  // The leader was there in this epoch and has not said goodbye: whoever asks for a pre-vote is wrong about it.
  bool has_fetched = false;
  // When to look next whether the voter set has our endpoints right.
  MonoTime update_voter_at;
  std::optional<Download> download = std::nullopt;
};

struct Resigned {
  std::set<NodeId> unacknowledged;
  std::vector<ReplicaKey> successors;
  MonoTime until;
};

using Role = std::variant<Unattached, Prospective, Candidate, Follower, Leader, Resigned>;

}  // namespace odradek::raft
