// Adding, removing and updating a voter, one at a time (KIP-853). The errors are Kafka's: a change that cannot begin
// now but might later is REQUEST_TIMED_OUT.
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/raft/raft.h"

namespace odradek::raft {
namespace {

VoterChangeResponse Refusal(const Standing& standing, std::string message) {
  return {standing.error, std::move(message), standing.epoch, standing.leader, standing.leader_endpoints};
}

}  // namespace

// What holds for every change.
ErrorCode Raft::MayChangeVoters() const {
  REQUIRES(is_leader());
  const auto& leader = std::get<Leader>(role_);
  if (leader.voter_change()) return ErrorCode::kRequestTimedOut;
  // Before something of this epoch is committed, a change of an older leader could still be committed beside ours.
  if (!leader.high_watermark()) return ErrorCode::kRequestTimedOut;
  if (!voters_.is_dynamic()) return ErrorCode::kUnsupportedVersion;
  const std::optional<Offset> offset = voters_.voters_offset();
  if (!offset || *offset >= *leader.high_watermark()) return ErrorCode::kRequestTimedOut;
  return ErrorCode::kNone;
}

void Raft::OnAddVoter(RequestToken token, const AddVoterRequest& request) {
  const auto refuse = [this, token](ErrorCode error, std::string message) {
    Reply(token, Refusal(StandingNow(error), std::move(message)));
  };
  if (!is_leader()) return refuse(ErrorCode::kNotLeaderOrFollower, "");
  if (request.replica.id < NodeId(0) || request.replica.directory_id.is_zero()) {
    return refuse(ErrorCode::kInvalidRequest, "a voter needs an id and a directory id");
  }
  if (EndpointOf(request.endpoints, options_.listener) == nullptr) {
    return refuse(ErrorCode::kInvalidRequest, "no endpoint of the listener " + options_.listener);
  }
  const ErrorCode error = MayChangeVoters();
  if (error != ErrorCode::kNone) return refuse(error, "another change is not committed, or kraft.version is 0");
  if (voters_.voters().Find(request.replica.id) != nullptr) {
    return refuse(ErrorCode::kDuplicateVoter, "this id votes already");
  }
  if (!peers_.IsReady(request.replica.id)) {
    return refuse(ErrorCode::kRequestTimedOut, "the new voter cannot be asked now");
  }
  const Duration wait = request.timeout > Duration() ? request.timeout : options_.timeouts.request;
  Send(request.replica.id, request.endpoints, KraftVersionsRequest{});
  const auto probe = peers_.all().find(request.replica.id);
  INVARIANT(probe != peers_.all().end() && probe->second.in_flight.has_value());
  std::get<Leader>(role_).voter_change() = VoterChange{.token = token,
                                                       .until = now_ + wait,
                                                       .addition = request,
                                                       .probe = probe->second.in_flight,
                                                       .record_offset = std::nullopt};
}

void Raft::OnKraftVersions(RequestId id, const KraftVersionsResponse& response) {
  auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr || !leader->voter_change() || leader->voter_change()->probe != id) return;
  if (response.error == ErrorCode::kNone) peers_.Finish(id);
  leader->voter_change()->probe.reset();
  const AddVoterRequest request = *leader->voter_change()->addition;
  if (response.error != ErrorCode::kNone) {
    return FinishVoterChange(ErrorCode::kRequestTimedOut, "the new voter does not answer");
  }
  if (!response.kraft_versions.Contains(voters_.kraft_version())) {
    return FinishVoterChange(ErrorCode::kInvalidRequest, "the new voter does not support this kraft.version");
  }
  // A voter that is far behind would stop the high watermark for as long as it takes to catch up.
  const Progress* progress = leader->FindProgress(request.replica);
  const MonoTime recent = now_ - options_.limits.caught_up_age_max;
  if (progress == nullptr || !progress->caught_up_at || *progress->fetched_at <= recent) {
    return FinishVoterChange(ErrorCode::kRequestTimedOut, "the new voter lags behind");
  }
  const auto voters = voters_.voters().With({request.replica, request.endpoints, response.kraft_versions});
  INVARIANT(voters.has_value());
  AppendVoters(*voters);
  INVARIANT(is_leader() && leader->voter_change());  // nobody has the new record yet, so it cannot be committed
  if (!request.ack_when_committed) FinishVoterChange(ErrorCode::kNone, "");
}

void Raft::OnRemoveVoter(RequestToken token, const RemoveVoterRequest& request) {
  const auto refuse = [this, token](ErrorCode error, std::string message) {
    Reply(token, Refusal(StandingNow(error), std::move(message)));
  };
  if (!is_leader()) return refuse(ErrorCode::kNotLeaderOrFollower, "");
  if (request.replica.id < NodeId(0) || request.replica.directory_id.is_zero()) {
    return refuse(ErrorCode::kInvalidRequest, "a voter has an id and a directory id");
  }
  const ErrorCode error = MayChangeVoters();
  if (error != ErrorCode::kNone) return refuse(error, "another change is not committed, or kraft.version is 0");
  if (!voters_.voters().Has(request.replica)) return refuse(ErrorCode::kVoterNotFound, "not a voter");
  const auto voters = voters_.voters().Without(request.replica);
  if (!voters) return refuse(ErrorCode::kInvalidRequest, "the last voter cannot be removed");
  std::get<Leader>(role_).voter_change() = VoterChange{
      .token = token, .until = now_ + options_.timeouts.request, .addition = {}, .probe = {}, .record_offset = {}};
  AppendVoters(*voters);
}

VoterChangeResponse Raft::OnUpdateVoter(const UpdateVoterRequest& request) {
  const ErrorCode not_leader = CheckLeader(request.epoch);
  if (not_leader != ErrorCode::kNone) return Refusal(StandingNow(not_leader), "");
  const Voter& voter = request.voter;
  const bool is_valid = !voter.key.directory_id.is_zero() && voter.kraft_versions.min >= 0 &&
                        voter.kraft_versions.min <= voter.kraft_versions.max &&
                        EndpointOf(voter.endpoints, options_.listener) != nullptr;
  if (!is_valid) return Refusal(StandingNow(ErrorCode::kInvalidRequest), "");
  const ErrorCode error = MayChangeVoters();
  if (error != ErrorCode::kNone) return Refusal(StandingNow(error), "");
  if (!voter.kraft_versions.Contains(voters_.kraft_version())) {
    return Refusal(StandingNow(ErrorCode::kInvalidRequest), "");
  }
  const auto voters = voters_.voters().Updated(voter);
  if (!voters) return Refusal(StandingNow(ErrorCode::kVoterNotFound), "");
  // Who votes stays the same, so the answer need not wait for the commit.
  INVARIANT(voters->size() == voters_.voters().size());
  if (*voters != voters_.voters()) AppendVoters(*voters);
  return Refusal(StandingNow(ErrorCode::kNone), "");
}

void Raft::AppendVoters(const VoterSet& voters) {
  REQUIRES(is_leader());
  REQUIRES(*voters_.voters_offset() < high_watermark_);
  auto& change = std::get<Leader>(role_).voter_change();
  if (change) change->record_offset = log_.end();
  AppendControlBatch({log_.end(), election_.epoch, std::nullopt, std::nullopt, voters});
  // With fewer voters, what was not enough may be enough now.
  AdvanceLeader();
}

void Raft::FinishVoterChange(ErrorCode error, std::string_view message) {
  auto& change = std::get<Leader>(role_).voter_change();
  REQUIRES(change.has_value());
  Reply(change->token, Refusal(StandingNow(error), std::string(message)));
  change.reset();
}

void Raft::AfterVotersCommit() {
  const auto& leader = std::get<Leader>(role_);
  const Offset committed = *leader.high_watermark();
  const auto& change = leader.voter_change();
  if (change && change->record_offset && *change->record_offset < committed) {
    FinishVoterChange(ErrorCode::kNone, "");
  }
  // A leader that was removed leads until that is committed, and not longer.
  if (!is_voter() && voters_.voters_offset().value_or(kNoOffset) < committed) BecomeResigned();
}

}  // namespace odradek::raft
