#include "engine/raft/tally.h"

#include "engine/base/check.h"

namespace odradek::raft {

Tally::Tally(const VoterSet& voters, NodeId self) {
  for (const Voter& voter : voters.voters()) votes_.emplace(voter.key.id, Vote::kOpen);
  REQUIRES(votes_.contains(self));
  Record(self, true);
  INVARIANT(granted_ == 1);
}

void Tally::Record(NodeId voter, bool granted) {
  const auto at = votes_.find(voter);
  if (at == votes_.end() || at->second != Vote::kOpen) return;
  at->second = granted ? Vote::kGranted : Vote::kRejected;
  ++(granted ? granted_ : rejected_);
  INVARIANT(granted_ + rejected_ <= votes_.size());
  INVARIANT(!is_won() || !is_lost());
}

bool Tally::IsOpen(NodeId voter) const {
  const auto at = votes_.find(voter);
  return at != votes_.end() && at->second == Vote::kOpen;
}

std::vector<NodeId> Tally::granting() const {
  std::vector<NodeId> ids;
  for (const auto& [id, vote] : votes_) {
    if (vote == Vote::kGranted) ids.push_back(id);
  }
  return ids;
}

}  // namespace odradek::raft
