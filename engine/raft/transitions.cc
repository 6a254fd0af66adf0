// From role to role: the only place where epoch, leader, vote and role change.
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/raft/raft.h"

namespace odradek::raft {
namespace {

// An epoch that has no successor would be the quorum's last.
constexpr LeaderEpoch kLastEpoch{std::numeric_limits<int32_t>::max()};

}  // namespace

void Raft::ChangeRole(const Election& next, Endpoints leader_endpoints, Role role) {
  REQUIRES(next.epoch >= election_.epoch);
  if (next.epoch == election_.epoch) {
    INVARIANT(election_.voted.is_none() || next.voted == election_.voted || MUTATION(context_, RF02));
    INVARIANT(election_.leader == kNoNode || next.leader == election_.leader);
  }
  const bool was_leader = is_leader();
  const bool is_news = next.epoch != election_.epoch || next.leader != election_.leader;
  Role old = std::exchange(role_, std::move(role));
  election_ = next;
  leader_endpoints_ = std::move(leader_endpoints);
  peers_.Reset();
  PersistElection();
  if (was_leader) AnswerAbandoned(std::get<Leader>(old));
  if (!is_news && !was_leader) return;
  const auto* leader = std::get_if<Leader>(&role_);
  const bool is_resigned = std::holds_alternative<Resigned>(role_);
  output_.effects.push_back(AnnounceLeader{election_.epoch, is_resigned ? kNoNode : election_.leader,
                                           leader ? std::optional(leader->epoch_start()) : std::nullopt});
}

void Raft::PersistElection() {
  const auto version = voters_.is_dynamic() ? QuorumStateVersion::kV1 : QuorumStateVersion::kV0;
  if (persisted_ == election_ && persisted_version_ == version) return;
  QuorumState state;
  state.version = version;
  state.leader_epoch = election_.epoch;
  state.leader_id = election_.leader;
  state.voted_id = election_.voted.id;
  if (version == QuorumStateVersion::kV1) state.voted_directory_id = election_.voted.directory_id;
  if (version == QuorumStateVersion::kV0) {
    for (const Voter& voter : voters_.voters().voters()) state.current_voters.push_back(voter.key.id);
  }
  persisted_ = election_;
  persisted_version_ = version;
  output_.effects.push_back(PersistQuorumState{std::move(state)});
}

// What others wait for from a leader that is none any more: they have to ask somebody else.
void Raft::AnswerAbandoned(Leader& old) {
  for (const WaitingFetch& fetch : old.waiting()) {
    Reply(fetch.token,
          FetchResponse{
              .standing = StandingNow(ErrorCode::kNotLeaderOrFollower), .log_start = log_.start(), .batches = {}});
  }
  if (!old.voter_change()) return;
  // Its record may still be committed by the next leader: this is no "it did not happen".
  Reply(old.voter_change()->token, VoterChangeResponse{.error = ErrorCode::kNotLeaderOrFollower,
                                                       .message = {},
                                                       .epoch = election_.epoch,
                                                       .leader = election_.leader,
                                                       .leader_endpoints = leader_endpoints_});
}

void Raft::BecomeUnattached(LeaderEpoch epoch) {
  Election next = election_;
  if (epoch > election_.epoch) next = {epoch, kNoNode, {}};
  // A later epoch is no reason to begin the wait anew, or a crowd of failing candidates could put it off for ever.
  MonoTime election_at = ElectionDeadline();
  if (const auto* before = std::get_if<Unattached>(&role_)) election_at = before->election_at;
  if (const auto* before = std::get_if<Candidate>(&role_)) election_at = std::min(election_at, before->until);
  ChangeRole(next, next.leader == kNoNode ? Endpoints() : leader_endpoints_, Unattached{election_at});
}

void Raft::BecomeProspective() {
  REQUIRES(may_campaign());
  REQUIRES(!is_leader());
  const MonoTime until = ElectionDeadline();
  Prospective role{Tally(voters_.voters(), options_.self.id), until};
  const bool is_won = role.tally.is_won();
  ChangeRole(election_, leader_endpoints_, std::move(role));
  if (is_won) BecomeCandidate();
}

void Raft::BecomeCandidate() {
  REQUIRES(may_campaign());
  REQUIRES(std::holds_alternative<Prospective>(role_));
  const LeaderEpoch epoch(election_.epoch.value() + 1);
  const MonoTime until = ElectionDeadline();
  Candidate role{Tally(voters_.voters(), options_.self.id), until};
  const bool is_won = role.tally.is_won();
  ChangeRole({epoch, kNoNode, options_.self}, {}, std::move(role));
  if (is_won) BecomeLeader({options_.self.id});
}

void Raft::BecomeLeader(const std::vector<NodeId>& granting_voters) {
  REQUIRES(std::holds_alternative<Candidate>(role_));
  REQUIRES(granting_voters.size() >= voters_.voters().majority());
  REQUIRES(!installing_);
  Election next = election_;
  next.leader = options_.self.id;
  Leader leader({.self = options_.self,
                 .epoch_start = log_.end(),
                 .fetch_timeout = options_.timeouts.fetch,
                 .now = now_,
                 .granting_voters = granting_voters},
                voters_.voters());
  leader.OnFlushed(log_.flushed_end());
  counters_.elections_lost = 0;
  ChangeRole(next, options_.endpoints, std::move(leader));

  // The record that makes an epoch: with it all earlier records can be committed. A leader whose endpoints are not
  // those of the voter set, or whose voter set stands in no log yet, writes the set with it (KIP-853).
  AppendControl batch{log_.end(), election_.epoch, LeaderChange{options_.self.id, {}, granting_voters}, {}, {}};
  for (const Voter& voter : voters_.voters().voters()) batch.leader_change->voters.push_back(voter.key.id);
  if (voters_.is_dynamic() && (NeedsVoterUpdate() || voters_.voters_offset() == kNoOffset)) {
    batch.kraft_version = voters_.kraft_version();
    batch.voters = voters_.voters().Updated({options_.self, options_.endpoints, options_.kraft_versions});
    INVARIANT(batch.voters.has_value());
  }
  AppendControlBatch(std::move(batch));
}

void Raft::BecomeFollower(LeaderEpoch epoch, NodeId leader, Endpoints endpoints) {
  REQUIRES(leader != options_.self.id && leader != kNoNode);
  REQUIRES(!is_leader() || epoch > election_.epoch);
  Election next = election_;
  if (epoch > election_.epoch) next = {epoch, kNoNode, {}};
  next.leader = leader;
  if (MUTATION(context_, RF02)) next.voted = {};
  counters_.elections_lost = 0;
  const MonoTime until = now_ + options_.timeouts.fetch;
  ChangeRole(next, std::move(endpoints), Follower{.fetch_until = until, .update_voter_at = until});
}

void Raft::BecomeResigned() {
  REQUIRES(is_leader());
  const auto& leader = std::get<Leader>(role_);
  Resigned role{.unacknowledged = {}, .successors = leader.Successors(voters_.voters()), .until = ElectionDeadline()};
  for (const ReplicaKey& voter : role.successors) role.unacknowledged.insert(voter.id);
  ChangeRole(election_, leader_endpoints_, std::move(role));
}

void Raft::ResumeLeading() {
  const Offset epoch_start = log_.end() - 1;
  Leader leader({.self = options_.self,
                 .epoch_start = epoch_start,
                 .fetch_timeout = options_.timeouts.fetch,
                 .now = now_,
                 .granting_voters = {options_.self.id}},
                voters_.voters());
  leader.OnFlushed(log_.flushed_end());
  role_ = std::move(leader);
  output_.effects.push_back(AnnounceLeader{election_.epoch, options_.self.id, epoch_start});
}

bool Raft::Learn(LeaderEpoch epoch, NodeId leader, const Endpoints& endpoints) {
  if (epoch < election_.epoch) return true;
  if (epoch >= kLastEpoch) {
    output_.effects.push_back(Fault{"a peer has used up all epochs"});
    return false;
  }
  if (epoch == election_.epoch && leader != kNoNode && election_.leader != kNoNode) {
    if (leader == election_.leader) return true;
    output_.effects.push_back(Fault{"two leaders in one epoch"});
    return false;
  }
  if (leader != kNoNode && leader == options_.self.id) {
    // We led then, and our disk has forgotten it: at least our own vote must not be given to anybody else.
    if (epoch > election_.epoch) BecomeUnattached(epoch);
    if (election_.voted.is_none()) ChangeRole({epoch, kNoNode, options_.self}, {}, role_);
    return true;
  }
  Endpoints at = endpoints;
  const Voter* voter = voters_.voters().Find(leader);
  if (at.empty() && voter != nullptr) at = voter->endpoints;
  if (leader != kNoNode && EndpointOf(at, options_.listener) != nullptr) {
    BecomeFollower(epoch, leader, std::move(at));
  } else if (epoch > election_.epoch) {
    BecomeUnattached(epoch);
  }
  return true;
}

bool Raft::Learn(const Standing& standing) {
  if (standing.epoch < election_.epoch) return false;
  const bool is_news = standing.epoch > election_.epoch || standing.error == ErrorCode::kFencedLeaderEpoch ||
                       standing.error == ErrorCode::kNotLeaderOrFollower ||
                       (standing.leader != kNoNode && election_.leader == kNoNode);
  const LeaderEpoch epoch_before = election_.epoch;
  if (is_news && !Learn(standing.epoch, standing.leader, standing.leader_endpoints)) return false;
  INVARIANT(election_.epoch >= standing.epoch);
  return standing.error == ErrorCode::kNone && standing.epoch == epoch_before;
}

}  // namespace odradek::raft
