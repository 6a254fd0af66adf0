// What a leader does: appends, answers fetches, moves the high watermark, and notices when nobody listens any more.
#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/raft/raft.h"

namespace odradek::raft {

// May a request of this epoch be served here as by the leader?
ErrorCode Raft::CheckLeader(LeaderEpoch epoch) const {
  if (epoch < election_.epoch) return ErrorCode::kFencedLeaderEpoch;
  if (epoch > election_.epoch) return ErrorCode::kUnknownLeaderEpoch;
  if (!is_leader()) return ErrorCode::kNotLeaderOrFollower;
  INVARIANT(election_.leader == options_.self.id);
  return ErrorCode::kNone;
}

void Raft::OnFetch(RequestToken token, const FetchRequest& request) {
  const auto refuse = [this, token](ErrorCode error) {
    FetchResponse response;
    response.standing = StandingNow(error);
    response.log_start = log_.start();
    Reply(token, std::move(response));
  };
  const bool is_numeric = request.offset >= Offset(0) && request.last_epoch >= LeaderEpoch(0) &&
                          request.wait_max >= Duration() && request.last_epoch <= request.epoch;
  // A copy of ourselves cannot follow us: what it fetched would count for us.
  if (!is_numeric || request.replica.id == options_.self.id) return refuse(ErrorCode::kInvalidRequest);
  const ErrorCode error = CheckLeader(request.epoch);
  if (error != ErrorCode::kNone) return refuse(error);

  auto& leader = std::get<Leader>(role_);
  const bool is_valid = log_.Validate(request.offset, request.last_epoch).validity == Validity::kValid;
  if (is_valid && request.replica.id >= NodeId(0)) {
    leader.OnFetch({request.replica, request.offset, log_.end(), now_}, voters_.voters());
    leader.ForgetObservers(now_ - options_.limits.observer_session, voters_.voters());
    AdvanceLeader();
  }
  // The advance may have committed that this leader does not vote any more.
  if (!is_leader()) return refuse(ErrorCode::kNotLeaderOrFollower);
  if (HasNews(request) || request.wait_max == Duration()) {
    Reply(token, AnswerFetch(request));
  } else {
    const Duration wait = std::min(request.wait_max, options_.timeouts.fetch_wait_max);
    std::get<Leader>(role_).waiting().push_back({token, request, now_ + wait});
  }
}

bool Raft::HasNews(const FetchRequest& request) const {
  INVARIANT(is_leader());
  if (log_.Validate(request.offset, request.last_epoch).validity != Validity::kValid) return true;
  if (log_.end() > request.offset) return true;
  const std::optional<Offset> high_watermark = std::get<Leader>(role_).high_watermark();
  return request.high_watermark && high_watermark && *high_watermark > *request.high_watermark;
}

FetchResponse Raft::AnswerFetch(const FetchRequest& request) const {
  INVARIANT(is_leader());
  FetchResponse response;
  response.standing = StandingNow(ErrorCode::kNone);
  response.high_watermark = std::get<Leader>(role_).high_watermark();
  response.log_start = log_.start();
  response.read_from = response.read_end = request.offset;
  const Validation validation = log_.Validate(request.offset, request.last_epoch);
  switch (validation.validity) {
    case Validity::kDiverging:
      response.diverging = validation.at;
      break;
    case Validity::kSnapshot:
      response.snapshot = validation.at;
      break;
    case Validity::kValid:
      response.read_end = log_.end();
      response.bytes_max = std::min(request.bytes_max, options_.limits.fetch_bytes_max);
      INVARIANT(response.read_from <= response.read_end);
      break;
  }
  return response;
}

FetchSnapshotResponse Raft::OnFetchSnapshot(const FetchSnapshotRequest& request) {
  const auto refuse = [this](ErrorCode error) {
    FetchSnapshotResponse response;
    response.standing = StandingNow(error);
    return response;
  };
  const ErrorCode error = CheckLeader(request.epoch);
  if (error != ErrorCode::kNone) return refuse(error);
  if (request.replica.id == options_.self.id || request.bytes_max <= 0) return refuse(ErrorCode::kInvalidRequest);
  const SnapshotFacts* snapshot = log_.FindSnapshot(request.snapshot);
  if (snapshot == nullptr || snapshot->id == kBootstrapSnapshot) return refuse(ErrorCode::kSnapshotNotFound);
  if (request.position_bytes < 0 || request.position_bytes >= snapshot->size_bytes) {
    return refuse(ErrorCode::kPositionOutOfRange);
  }
  std::get<Leader>(role_).OnAlive(request.replica, now_, voters_.voters());
  const int64_t left = snapshot->size_bytes - request.position_bytes;
  const int64_t most = std::min(request.bytes_max, options_.limits.snapshot_fetch_bytes_max);
  FetchSnapshotResponse response;
  response.standing = StandingNow(ErrorCode::kNone);
  response.snapshot = snapshot->id;
  response.size_bytes = snapshot->size_bytes;
  response.position_bytes = request.position_bytes;
  response.read_bytes = static_cast<int32_t>(std::min(left, most));
  INVARIANT(response.read_bytes > 0);
  return response;
}

void Raft::OnPropose(const Propose& propose) {
  REQUIRES(!propose.record_counts.empty());
  if (!is_leader() || (propose.epoch != election_.epoch && !MUTATION(context_, RF17))) {
    output_.effects.push_back(AnswerProposal{propose.token, ErrorCode::kNotLeaderOrFollower});
    return;
  }
  const Offset base = log_.end();
  for (const int32_t count : propose.record_counts) {
    REQUIRES(count > 0);
    log_.Append(election_.epoch, log_.end() + count);
  }
  output_.effects.push_back(AppendProposal{propose.token, base, election_.epoch, propose.bytes});
  output_.effects.push_back(AnswerProposal{propose.token, ErrorCode::kNone, base, log_.end()});
  AnswerWaiting();
  RequestFlush();
}

// A batch of control records; what it says about the voters holds from now on.
void Raft::AppendControlBatch(AppendControl batch) {
  REQUIRES(is_leader());
  REQUIRES(batch.base_offset == log_.end());
  Offset offset = batch.base_offset;
  if (batch.leader_change) ++offset;
  if (batch.kraft_version) {
    voters_.AddKraftVersion(offset, *batch.kraft_version);
    ++offset;
  }
  if (batch.voters) {
    voters_.AddVoters(offset, *batch.voters);
    ++offset;
  }
  log_.Append(election_.epoch, offset);
  output_.effects.push_back(std::move(batch));
  AnswerWaiting();
  RequestFlush();
}

// One flush at a time: what is appended meanwhile shares the next one.
void Raft::RequestFlush() {
  if (flushing_ || log_.flushed_end() == log_.end()) return;
  flushing_ = Flushing{FlushId(++counters_.flushes), log_.end()};
  output_.effects.push_back(FlushLog{flushing_->id});
  if (!MUTATION(context_, RF04)) return;
  log_.FlushedTo(log_.end());
  if (is_leader()) std::get<Leader>(role_).OnFlushed(log_.end());
}

void Raft::OnFlushed(FlushId id) {
  if (!flushing_ || flushing_->id != id) return;
  log_.FlushedTo(flushing_->end);
  flushing_.reset();
  RequestFlush();
  if (!is_leader()) return;
  std::get<Leader>(role_).OnFlushed(log_.flushed_end());
  AdvanceLeader();
}

void Raft::AdvanceLeader() {
  auto& leader = std::get<Leader>(role_);
  if (!leader.AdvanceHighWatermark(voters_.voters(), context_)) return;
  const Offset committed = *leader.high_watermark();
  INVARIANT(committed <= log_.end());
  INVARIANT(log_.EpochBefore(committed) == election_.epoch || MUTATION(context_, RF05));
  // A leader has everything that was ever committed, so what it commits itself is above that (K8).
  INVARIANT(committed > high_watermark_ || high_watermark_ <= leader.epoch_start() || MUTATION(context_, RF05));
  RaiseHighWatermark(committed);
  AnswerWaiting();
  AfterVotersCommit();
}

void Raft::AnswerWaiting() {
  auto& waiting = std::get<Leader>(role_).waiting();
  std::vector<WaitingFetch> still;
  for (WaitingFetch& fetch : std::exchange(waiting, {})) {
    if (HasNews(fetch.request) || now_ >= fetch.until) {
      Reply(fetch.token, AnswerFetch(fetch.request));
    } else {
      still.push_back(std::move(fetch));
    }
  }
  INVARIANT(waiting.empty());
  waiting = std::move(still);
}

void Raft::PollLeader() {
  auto& leader = std::get<Leader>(role_);
  if (now_ >= leader.CheckQuorumDeadline(voters_.voters()) && !MUTATION(context_, RF13)) {
    BecomeResigned();
    return;
  }
  AnswerWaiting();
  if (leader.voter_change() && now_ >= leader.voter_change()->until) {
    FinishVoterChange(ErrorCode::kRequestTimedOut, "the change was not committed in time");
  }
  if (now_ < leader.next_reminder()) return;
  for (const NodeId id : leader.VotersToRemind(voters_.voters(), now_)) {
    const Voter* voter = voters_.voters().Find(id);
    INVARIANT(voter != nullptr);
    Send(id, voter->endpoints,
         BeginQuorumEpochRequest{.epoch = election_.epoch,
                                 .leader = options_.self.id,
                                 .leader_endpoints = options_.endpoints,
                                 .voter = voter->key});
  }
  leader.Reminded(now_);
}

}  // namespace odradek::raft
