// The votes of one election, or of one pre-vote, among the voters as they were when it began. A value.
//
//  1. Only voters count, each once, and a vote that was given is not taken back (PROPERTIES K14).
#pragma once

#include <map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/raft/types.h"
#include "engine/raft/voter_set.h"

namespace odradek::raft {

class Tally {
 public:
  // REQUIRES: `self` is a voter; it grants.
  Tally(const VoterSet& voters, NodeId self);

  // What is not from a voter, or was said before, changes nothing.
  void Record(NodeId voter, bool granted);

  bool is_won() const { return granted_ >= majority(); }
  // A majority cannot be reached any more.
  bool is_lost() const { return rejected_ > votes_.size() - majority(); }
  bool IsOpen(NodeId voter) const;
  std::vector<NodeId> granting() const;

  friend bool operator==(const Tally&, const Tally&) = default;

 private:
  enum class Vote : uint8_t { kOpen, kGranted, kRejected };
  size_t majority() const { return votes_.size() / 2 + 1; }

  std::map<NodeId, Vote> votes_;
  size_t granted_ = 0;
  size_t rejected_ = 0;
};

}  // namespace odradek::raft
