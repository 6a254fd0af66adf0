#include "engine/raft/raft.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"

namespace odradek::raft {
namespace {

const Standing* StandingOf(const Response& response) {
  return std::visit(
      [](const auto& answer) -> const Standing* {
        if constexpr (requires { answer.standing; }) return &answer.standing;
        return nullptr;
      },
      response);
}

Election ElectionOf(const std::optional<QuorumState>& state) {
  if (!state) return {};
  return {state->leader_epoch, state->leader_id, {state->voted_id, state->voted_directory_id}};
}

}  // namespace

Raft::Raft(Start start, base::Context& context)
    : context_(context),
      options_(std::move(start.options)),
      log_(std::move(start.log)),
      voters_(std::move(start.voters)),
      election_(ElectionOf(start.quorum_state)),
      high_watermark_(log_.latest_snapshot().value_or(SnapshotId{}).offset),
      role_(Unattached{}),
      peers_({.request = options_.timeouts.request, .backoff = options_.timeouts.retry_backoff}),
      now_(start.now) {
  REQUIRES(options_.self.id >= NodeId(0));
  REQUIRES(EndpointOf(options_.endpoints, options_.listener) != nullptr);
  if (start.quorum_state) {
    persisted_ = election_;
    persisted_version_ = start.quorum_state->version;
  }
  // The file is younger than the log unless somebody lost it; an epoch of which we know no more than that must not be
  // voted in, and the log shows that it had a leader.
  if (election_.epoch < log_.last_epoch()) election_ = {log_.last_epoch(), kNoNode, options_.self};
  const MonoTime jittered = now_ + Draw(options_.timeouts.boot_jitter_max);
  // A draw keeps candidates apart, and there is no other.
  const MonoTime soon = voters_.voters().IsOnly(options_.self) ? now_ : jittered;
  const Voter* leader = voters_.voters().Find(election_.leader);
  if (election_.leader == options_.self.id) {
    // Whoever led before it died may have lost what it had not flushed: it must not append in this epoch again.
    role_ = Resigned{.unacknowledged = {}, .successors = {}, .until = soon};
    leader_endpoints_ = options_.endpoints;
    if (MUTATION(context_, RF03) && is_voter() && log_.end() > Offset(0)) ResumeLeading();
  } else if (election_.leader != kNoNode && leader != nullptr) {
    role_ = Follower{.fetch_until = now_ + options_.timeouts.fetch, .update_voter_at = now_ + options_.timeouts.fetch};
    leader_endpoints_ = leader->endpoints;
  } else {
    election_.leader = kNoNode;
    role_ = Unattached{.election_at = soon};
  }
  INVARIANT(high_watermark_ >= log_.start());
}

Output Raft::Step(const Input& input) {
  now_ = std::max(now_, input.now);
  PersistElection();
  Dispatch(input.event);
  Poll();
  return TakeOutput();
}

Output Raft::Tick(MonoTime now) {
  now_ = std::max(now_, now);
  PersistElection();
  Poll();
  return TakeOutput();
}

Output Raft::TakeOutput() {
  INVARIANT(persisted_ == election_);
  INVARIANT(high_watermark_ <= log_.end());
  return std::exchange(output_, {});
}

void Raft::Dispatch(const Event& event) {
  struct Visitor {
    Raft& raft;
    void operator()(const RequestReceived& e) { raft.OnRequest(e); }
    void operator()(const ResponseReceived& e) { raft.OnResponse(e); }
    void operator()(const RequestFailed& e) { raft.OnFailure(e); }
    void operator()(const PeerRefused& e) { raft.OnRefused(e.peer); }
    void operator()(const LogFlushed& e) { raft.OnFlushed(e.id); }
    void operator()(const Propose& e) { raft.OnPropose(e); }
    void operator()(const SnapshotTaken& e) { raft.OnSnapshotTaken(e); }
    void operator()(const TrimLog& e) { raft.OnTrim(e); }
    void operator()(const SnapshotInstalled& e) { raft.OnInstalled(e); }
    void operator()(const Resign& e) {
      if (raft.is_leader() && raft.epoch() == e.epoch) raft.BecomeResigned();
    }
    void operator()(const Shutdown&) {
      raft.shutting_down_ = true;
      if (raft.is_leader()) raft.BecomeResigned();
    }
  };
  std::visit(Visitor{*this}, event);
}

void Raft::OnRequest(const RequestReceived& received) {
  struct Visitor {
    Raft& raft;
    RequestToken token;
    void operator()(const VoteRequest& r) { raft.Reply(token, raft.OnVote(r)); }
    void operator()(const BeginQuorumEpochRequest& r) { raft.Reply(token, raft.OnBegin(r)); }
    void operator()(const EndQuorumEpochRequest& r) { raft.Reply(token, raft.OnEnd(r)); }
    void operator()(const FetchRequest& r) { raft.OnFetch(token, r); }
    void operator()(const FetchSnapshotRequest& r) { raft.Reply(token, raft.OnFetchSnapshot(r)); }
    void operator()(const AddVoterRequest& r) { raft.OnAddVoter(token, r); }
    void operator()(const RemoveVoterRequest& r) { raft.OnRemoveVoter(token, r); }
    void operator()(const UpdateVoterRequest& r) { raft.Reply(token, raft.OnUpdateVoter(r)); }
    void operator()(const KraftVersionsRequest&) {
      raft.Reply(token, KraftVersionsResponse{ErrorCode::kNone, raft.options_.kraft_versions});
    }
  };
  std::visit(Visitor{*this, received.token}, received.request);
}

void Raft::OnResponse(const ResponseReceived& received) {
  if (const auto* versions = std::get_if<KraftVersionsResponse>(&received.response)) {
    OnKraftVersions(received.id, *versions);
    return;
  }
  Standing standing;
  if (const Standing* said = StandingOf(received.response)) {
    standing = *said;
  } else if (const auto* change = std::get_if<VoterChangeResponse>(&received.response)) {
    standing = {change->error, change->epoch, change->leader, change->leader_endpoints};
  }
  // Whoever answers with an error is left alone for a while, or we would ask again at the speed of the network.
  const bool is_error = standing.error != ErrorCode::kNone;
  const std::optional<NodeId> from = is_error ? peers_.Fail(received.id, now_) : peers_.Finish(received.id);
  if (!from || !Learn(standing)) return;
  if (const auto* vote = std::get_if<VoteResponse>(&received.response)) OnVoteAnswer(*from, *vote);
  if (const auto* fetched = std::get_if<FetchResponse>(&received.response)) OnFetched(*from, *fetched);
  if (const auto* piece = std::get_if<FetchSnapshotResponse>(&received.response)) OnSnapshotPiece(*from, *piece);
  auto* resigned = std::get_if<Resigned>(&role_);
  if (resigned != nullptr && std::holds_alternative<EndQuorumEpochResponse>(received.response)) {
    resigned->unacknowledged.erase(*from);
  }
}

void Raft::OnFailure(const RequestFailed& failed) {
  OnKraftVersions(failed.id, {.error = ErrorCode::kNetworkException});
  const std::optional<NodeId> peer = peers_.Fail(failed.id, now_);
  if (!peer) return;
  if (failed.failure == Failure::kRefused) OnRefused(*peer);
  // Somebody does not know pre-votes: an election is the only way to ask.
  const bool is_prospective = std::holds_alternative<Prospective>(role_);
  if (failed.failure == Failure::kUnsupported && is_prospective && may_campaign()) BecomeCandidate();
}

// A closed port is not a slow node: there is nobody who could still lead. An election may begin at once; if it was only
// our view, the pre-votes are refused by those whom the leader still serves.
void Raft::OnRefused(NodeId peer) {
  auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || peer != election_.leader) return;
  follower->has_fetched = false;
  follower->fetch_until = std::min(follower->fetch_until, now_ + Draw(options_.timeouts.boot_jitter_max));
}

void Raft::Poll() {
  constexpr int kRoundsMax = 8;  // each round is a change of role; no chain of them without an event is longer
  peers_.Advance(now_);
  for (int round = 0;; ++round) {
    INVARIANT(round < kRoundsMax);
    const size_t role = role_.index();
    const LeaderEpoch epoch = election_.epoch;
    if (std::holds_alternative<Unattached>(role_)) PollUnattached();
    if (std::holds_alternative<Prospective>(role_)) PollProspective();
    if (std::holds_alternative<Candidate>(role_)) PollCandidate();
    if (std::holds_alternative<Follower>(role_)) PollFollower();
    if (std::holds_alternative<Leader>(role_)) PollLeader();
    if (std::holds_alternative<Resigned>(role_)) PollResigned();
    if (role == role_.index() && epoch == election_.epoch) break;
  }
}

MonoTime Raft::next_deadline() const {
  struct Visitor {
    const Raft& raft;
    MonoTime operator()(const Unattached& role) const {
      return raft.may_campaign() ? role.election_at : MonoTime::Never();
    }
    MonoTime operator()(const Prospective& role) const { return role.until; }
    MonoTime operator()(const Candidate& role) const { return role.backoff_until.value_or(role.until); }
    MonoTime operator()(const Follower& role) const {
      return raft.may_campaign() ? role.fetch_until : MonoTime::Never();
    }
    MonoTime operator()(const Leader& leader) const {
      MonoTime next = std::min(leader.next_reminder(), leader.CheckQuorumDeadline(raft.voters_.voters()));
      for (const WaitingFetch& fetch : leader.waiting()) next = std::min(next, fetch.until);
      return leader.voter_change() ? std::min(next, leader.voter_change()->until) : next;
    }
    MonoTime operator()(const Resigned& role) const { return raft.shutting_down_ ? MonoTime::Never() : role.until; }
  };
  return std::min(peers_.next_deadline(), std::visit(Visitor{*this}, role_));
}

void Raft::Send(NodeId to, const Endpoints& at, Request request) {
  INVARIANT(persisted_ == election_);
  const Endpoint* endpoint = EndpointOf(at, options_.listener);
  if (endpoint == nullptr || !peers_.IsReady(to)) return;
  output_.effects.push_back(SendRequest{peers_.Begin(to, now_), to, *endpoint, std::move(request)});
}

void Raft::Reply(RequestToken token, Response response) {
  INVARIANT(persisted_ == election_);
  output_.effects.push_back(SendResponse{token, std::move(response)});
}

Standing Raft::StandingNow(ErrorCode error) const {
  return {error, election_.epoch, election_.leader, leader_endpoints_};
}

Duration Raft::Draw(Duration bound) {
  constexpr uint64_t kPurpose = base::HashName("raft");
  REQUIRES(bound >= Duration());
  const auto node = static_cast<uint64_t>(options_.self.id.value());
  const uint64_t random = base::KeyedDraw(options_.draw_seed, node, kPurpose, counters_.draws++);
  return Duration::Nanos(static_cast<int64_t>(base::BoundedDraw(random, static_cast<uint64_t>(bound.nanos()) + 1)));
}

MonoTime Raft::ElectionDeadline() {
  return now_ + options_.timeouts.election + Draw(options_.timeouts.election_jitter_max);
}

std::string_view Raft::role_name() const {
  struct Visitor {
    const Raft& raft;
    std::string_view operator()(const Unattached&) const {
      return raft.election_.voted.is_none() ? "unattached" : "voted";
    }
    std::string_view operator()(const Prospective&) const { return "prospective"; }
    std::string_view operator()(const Candidate&) const { return "candidate"; }
    std::string_view operator()(const Follower&) const { return raft.is_voter() ? "follower" : "observer"; }
    std::string_view operator()(const Leader&) const { return "leader"; }
    std::string_view operator()(const Resigned&) const { return "resigned"; }
  };
  return std::visit(Visitor{*this}, role_);
}

bool Raft::may_stop() const {
  if (!shutting_down_) return false;
  const auto* resigned = std::get_if<Resigned>(&role_);
  return resigned == nullptr || resigned->unacknowledged.empty();
}

std::optional<QuorumDescription> Raft::Describe(MonoTime now) const {
  const auto* leader = std::get_if<Leader>(&role_);
  if (leader == nullptr) return std::nullopt;
  const auto age = [now](std::optional<MonoTime> at) { return at ? std::optional<Duration>(now - *at) : std::nullopt; };
  const auto describe = [&](const ReplicaKey& replica, const Progress* progress) -> ReplicaDescription {
    if (replica.id == options_.self.id) return {replica, log_.end(), Duration(), Duration()};
    if (progress == nullptr) return {replica, std::nullopt, std::nullopt, std::nullopt};
    return {replica, progress->end, age(progress->fetched_at), age(progress->caught_up_at)};
  };
  QuorumDescription description{election_.epoch, election_.leader, leader->high_watermark(), {}, {}};
  for (const Voter& voter : voters_.voters().voters()) {
    description.voters.push_back(describe(voter.key, leader->FindVoterProgress(voter.key)));
  }
  for (const auto& [replica, progress] : leader->progress()) {
    if (!voters_.voters().Has(replica)) description.observers.push_back(describe(replica, &progress));
  }
  INVARIANT(description.voters.size() == voters_.voters().size());
  return description;
}

}  // namespace odradek::raft
