// Votes, pre-votes, and the messages by which a leader takes and leaves office.
#include <algorithm>
#include <limits>

#include "engine/base/check.h"
#include "engine/raft/raft.h"

namespace odradek::raft {
namespace {

// Each lost election doubles what is drawn from, up to the configured maximum.
constexpr Duration kBackoffBase = Duration::Millis(100);
constexpr int32_t kDoublingsMax = 20;
// An epoch that has no successor would be the quorum's last.
constexpr LeaderEpoch kVoteEpochEnd{std::numeric_limits<int32_t>::max()};

}  // namespace

bool Raft::IsForUs(const ReplicaKey& voter) const {
  return voter.is_none() || Matches(voter, options_.self);
}

VoteResponse Raft::OnVote(const VoteRequest& request) {
  const auto refuse = [this](ErrorCode error) { return VoteResponse{StandingNow(error), false}; };
  // A candidate has opened its epoch itself: its log cannot have a record of it. Who only asks may have one.
  const bool is_possible =
      request.pre_vote ? request.log_end.epoch <= request.epoch : request.log_end.epoch < request.epoch;
  const bool is_numeric = request.log_end.epoch >= LeaderEpoch(0) && request.log_end.offset >= Offset(0);
  if (!is_possible || !is_numeric || request.epoch >= kVoteEpochEnd) return refuse(ErrorCode::kInvalidRequest);
  if (request.epoch < election_.epoch) return refuse(ErrorCode::kFencedLeaderEpoch);
  if (request.candidate.id < NodeId(0) || request.candidate.id == options_.self.id) {
    return refuse(ErrorCode::kInvalidRequest);
  }
  if (request.epoch > election_.epoch) BecomeUnattached(request.epoch);
  if (!IsForUs(request.voter)) return refuse(ErrorCode::kInvalidVoterKey);

  const bool granted = MayGrant(request);
  if (granted && (!request.pre_vote || MUTATION(context_, RF10)) && election_.voted.is_none()) {
    // The candidate's chances are as good as ours: it gets a whole election timeout.
    ChangeRole({election_.epoch, kNoNode, request.candidate}, {}, Unattached{ElectionDeadline()});
  }
  INVARIANT(!granted || request.pre_vote || Matches(election_.voted, request.candidate));
  return {StandingNow(ErrorCode::kNone), granted};
}

bool Raft::MayGrant(const VoteRequest& request) const {
  INVARIANT(request.epoch == election_.epoch);
  if (request.log_end < log_.end_and_epoch()) return false;
  if (request.pre_vote) {
    const auto* follower = std::get_if<Follower>(&role_);
    return !is_leader() && (follower == nullptr || !follower->has_fetched);
  }
  if (election_.leader != kNoNode) return false;
  if (!election_.voted.is_none()) return Matches(election_.voted, request.candidate);
  INVARIANT(std::holds_alternative<Unattached>(role_) || std::holds_alternative<Prospective>(role_));
  return true;
}

BeginQuorumEpochResponse Raft::OnBegin(const BeginQuorumEpochRequest& request) {
  if (request.epoch < election_.epoch) return {StandingNow(ErrorCode::kFencedLeaderEpoch)};
  if (request.leader < NodeId(0)) return {StandingNow(ErrorCode::kInvalidRequest)};
  if (!Learn(request.epoch, request.leader, request.leader_endpoints)) {
    return {StandingNow(ErrorCode::kInvalidRequest)};
  }
  if (!IsForUs(request.voter)) return {StandingNow(ErrorCode::kInvalidVoterKey)};
  INVARIANT(election_.epoch == request.epoch);
  return {StandingNow(ErrorCode::kNone)};
}

EndQuorumEpochResponse Raft::OnEnd(const EndQuorumEpochRequest& request) {
  if (request.epoch < election_.epoch) return {StandingNow(ErrorCode::kFencedLeaderEpoch)};
  if (request.leader < NodeId(0)) return {StandingNow(ErrorCode::kInvalidRequest)};
  if (!Learn(request.epoch, request.leader, request.leader_endpoints)) {
    return {StandingNow(ErrorCode::kInvalidRequest)};
  }
  auto* follower = std::get_if<Follower>(&role_);
  if (follower != nullptr && election_.leader == request.leader) {
    // It has said goodbye: nobody needs to be protected from an election any more.
    follower->has_fetched = false;
    follower->fetch_until = std::min(follower->fetch_until, now_ + SuccessorBackoff(request.successors));
  }
  return {StandingNow(ErrorCode::kNone)};
}

// The best successor begins at once, each further one waits twice as long, so that the first mostly wins.
Duration Raft::SuccessorBackoff(const std::vector<ReplicaKey>& successors) const {
  const auto self = std::ranges::find_if(
      successors, [this](const ReplicaKey& successor) { return Matches(successor, options_.self); });
  const auto position = self - successors.begin();
  const Duration longest = options_.timeouts.election_backoff_max;
  if (self == successors.end()) return longest;
  if (position == 0) return Duration();
  const auto halvings = std::min<int64_t>(static_cast<int64_t>(successors.size()) - 1 - position, kDoublingsMax);
  INVARIANT(halvings >= 0);
  return longest / (int64_t{1} << (halvings + 1));
}

void Raft::OnVoteAnswer(NodeId from, const VoteResponse& response) {
  const bool granted = response.granted || MUTATION(context_, RF11);
  if (auto* prospective = std::get_if<Prospective>(&role_)) {
    prospective->tally.Record(from, granted);
    if (prospective->tally.is_won() && may_campaign()) {
      BecomeCandidate();
    } else if (prospective->tally.is_lost()) {
      AfterElectionLoss();
    }
  } else if (auto* candidate = std::get_if<Candidate>(&role_)) {
    candidate->tally.Record(from, granted);
    if (candidate->tally.is_won()) {
      const std::vector<NodeId> granting = candidate->tally.granting();
      BecomeLeader(granting);
    } else if (candidate->tally.is_lost() && !candidate->backoff_until) {
      AfterElectionLoss();
    }
  }
}

void Raft::AfterElectionLoss() {
  if (auto* candidate = std::get_if<Candidate>(&role_)) {
    const int64_t factor = int64_t{1} << std::min(counters_.elections_lost, kDoublingsMax);
    ++counters_.elections_lost;
    const Duration bound = std::min(options_.timeouts.election_backoff_max, kBackoffBase * factor);
    candidate->backoff_until = now_ + Draw(bound);
    return;
  }
  REQUIRES(std::holds_alternative<Prospective>(role_));
  // The others still have a leader: perhaps it is only we who lost it.
  if (election_.leader != kNoNode && EndpointOf(leader_endpoints_, options_.listener) != nullptr) {
    BecomeFollower(election_.epoch, election_.leader, leader_endpoints_);
  } else {
    BecomeUnattached(election_.epoch);
  }
}

void Raft::SendVotes(const Tally& tally, bool is_pre_vote) {
  if (tally.is_lost()) return;
  for (const Voter& voter : voters_.voters().voters()) {
    if (!tally.IsOpen(voter.key.id)) continue;
    Send(voter.key.id, voter.endpoints,
         VoteRequest{.epoch = election_.epoch,
                     .candidate = options_.self,
                     .voter = voter.key,
                     .log_end = log_.end_and_epoch(),
                     .pre_vote = is_pre_vote});
  }
}

void Raft::PollProspective() {
  const auto& role = std::get<Prospective>(role_);
  if (now_ >= role.until || !may_campaign()) {
    AfterElectionLoss();
    return;
  }
  INVARIANT(!role.tally.is_won());
  SendVotes(role.tally, /*is_pre_vote=*/true);
}

void Raft::PollCandidate() {
  const auto& role = std::get<Candidate>(role_);
  INVARIANT(election_.voted == options_.self);
  if (now_ >= role.backoff_until.value_or(role.until)) {
    if (!may_campaign()) {
      BecomeUnattached(election_.epoch);
    } else {
      BecomeProspective();
    }
    return;
  }
  if (!role.backoff_until) SendVotes(role.tally, /*is_pre_vote=*/false);
}

void Raft::PollResigned() {
  const auto& role = std::get<Resigned>(role_);
  INVARIANT(election_.leader == options_.self.id);
  if (now_ >= role.until && !shutting_down_) {
    // Not in the same epoch: there we would still be named as the leader, and could not follow anybody. Whoever was
    // told to succeed us gets time for it; after a boot, or alone, there is nobody.
    const bool has_successors = !role.successors.empty();
    BecomeUnattached(LeaderEpoch(election_.epoch.value() + 1));
    if (!has_successors) std::get<Unattached>(role_).election_at = now_;
    return;
  }
  for (const Voter& voter : voters_.voters().voters()) {
    if (!role.unacknowledged.contains(voter.key.id)) continue;
    Send(voter.key.id, voter.endpoints,
         EndQuorumEpochRequest{.epoch = election_.epoch,
                               .leader = options_.self.id,
                               .leader_endpoints = options_.endpoints,
                               .successors = role.successors});
  }
}

}  // namespace odradek::raft
