#include "engine/raft/leader.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::raft {

Leader::Leader(const Start& start, const VoterSet& voters)
    : self_(start.self),
      epoch_start_(start.epoch_start),
      fetch_timeout_(start.fetch_timeout),
      granting_voters_(start.granting_voters),
      quorum_seen_at_(start.now),
      next_reminder_(start.now) {
  REQUIRES(voters.Has(start.self));
  REQUIRES(!granting_voters_.empty());
}

const Progress* Leader::FindProgress(const ReplicaKey& replica) const {
  const auto at = progress_.find(replica);
  return at == progress_.end() ? nullptr : &at->second;
}

void Leader::OnFetch(const Fetched& fetch, const VoterSet& voters) {
  REQUIRES(fetch.replica.id != self_.id);
  REQUIRES(fetch.offset <= fetch.leader_end);
  Progress& progress = progress_[fetch.replica];
  if (fetch.offset >= fetch.leader_end) {
    progress.caught_up_at = fetch.now;
  } else if (progress.fetched_at && fetch.offset >= progress.leader_end_at_fetch) {
    // It has now what we had when it fetched before: then it was not behind.
    progress.caught_up_at = std::max(progress.caught_up_at.value_or(*progress.fetched_at), *progress.fetched_at);
  }
  progress.leader_end_at_fetch = fetch.leader_end;
  progress.fetched_at = fetch.now;
  progress.end = fetch.offset;
  OnAlive(fetch.replica, fetch.now, voters);
}

void Leader::OnAlive(const ReplicaKey& replica, MonoTime now, const VoterSet& voters) {
  if (!voters.Has(replica)) return;
  fetched_voters_.insert(replica.id);
  std::erase_if(fetched_voters_, [&voters](NodeId id) { return voters.Find(id) == nullptr; });
  const size_t needed = voters.majority() - (voters.Has(self_) ? 1 : 0);
  if (fetched_voters_.size() < needed) return;
  fetched_voters_.clear();
  quorum_seen_at_ = now;
}

const Progress* Leader::FindVoterProgress(const ReplicaKey& voter) const {
  const Progress* latest = nullptr;
  for (const auto& [replica, progress] : progress_) {
    if (!Matches(voter, replica)) continue;
    if (latest == nullptr || progress.fetched_at >= latest->fetched_at) latest = &progress;
  }
  return latest;
}

std::optional<Offset> Leader::EndOf(const Voter& voter) const {
  if (Matches(voter.key, self_)) return flushed_end_;
  const Progress* progress = FindVoterProgress(voter.key);
  return progress == nullptr ? std::nullopt : progress->end;
}

bool Leader::AdvanceHighWatermark(const VoterSet& voters, base::Context& context) {
  std::vector<Offset> ends;
  for (const Voter& voter : voters.voters()) ends.push_back(EndOf(voter).value_or(kNoOffset));
  std::ranges::sort(ends);
  const Offset committed = ends[ends.size() - voters.majority()];
  const bool is_of_this_epoch = committed > epoch_start_ || MUTATION(context, RF05);
  if (!is_of_this_epoch || committed <= high_watermark_.value_or(kNoOffset)) return false;
  high_watermark_ = committed;
  return true;
}

MonoTime Leader::CheckQuorumDeadline(const VoterSet& voters) const {
  if (voters.IsOnly(self_)) return MonoTime::Never();
  return quorum_seen_at_ + fetch_timeout_ + fetch_timeout_ / 2;
}

std::vector<NodeId> Leader::VotersToRemind(const VoterSet& voters, MonoTime now) const {
  std::vector<NodeId> ids;
  for (const Voter& voter : voters.voters()) {
    if (voter.key.id == self_.id) continue;
    const bool fetches = std::ranges::any_of(progress_, [&](const auto& entry) {
      return Matches(voter.key, entry.first) && entry.second.fetched_at &&
             *entry.second.fetched_at + fetch_timeout_ / 2 > now;
    });
    if (!fetches) ids.push_back(voter.key.id);
  }
  return ids;
}

void Leader::Reminded(MonoTime now) {
  REQUIRES(now >= next_reminder_);
  next_reminder_ = now + fetch_timeout_ / 2;
}

std::vector<ReplicaKey> Leader::Successors(const VoterSet& voters) const {
  std::vector<Voter> others;
  for (const Voter& voter : voters.voters()) {
    if (voter.key.id != self_.id) others.push_back(voter);
  }
  std::ranges::stable_sort(others, [this](const Voter& a, const Voter& b) {
    return EndOf(a).value_or(kNoOffset) > EndOf(b).value_or(kNoOffset);
  });
  std::vector<ReplicaKey> keys;
  for (const Voter& voter : others) keys.push_back(voter.key);
  return keys;
}

void Leader::ForgetObservers(MonoTime fetched_before, const VoterSet& voters) {
  std::erase_if(progress_, [&](const auto& entry) {
    return !voters.Has(entry.first) && entry.second.fetched_at.value_or(fetched_before) <= fetched_before;
  });
}

}  // namespace odradek::raft
