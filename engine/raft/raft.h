// One replica of the metadata quorum: KRaft consensus as a pure machine. Events and time go in, effects come out in the
// order in which they are to be done (steps.h says what the shell owes). Owned by the shell of the quorum; nothing
// suspends.
//
// How it works. Time is divided into epochs, each with at most one leader, elected by a majority of the voters. Only
// the leader appends; everybody else fetches from it, and a fetch at offset o of a log whose last record is of epoch e
// says "this is my log, on disk". If that is no prefix of the leader's, the answer says where to truncate, or which
// snapshot to fetch. What a majority has fetched past, in the leader's own epoch, is committed: the high watermark. A
// leader that hears from no majority resigns; a voter that cannot fetch asks for pre-votes, and with a majority of
// those opens the next epoch. Voters are records of the log, one of them changed at a time, in use as soon as they are
// appended.
//
//  1. The epoch never falls. In one epoch a replica votes for at most one replica, follows at most one leader, and
//     remembers both on disk before anybody hears of it (K1, K5, K6).
//  2. A vote goes only to a log that is at least as up to date as ours (Raft §5.4.1), so that a leader has everything
//     that is committed (K3).
//  3. A leader never changes what is in its log; a follower truncates only on its leader's word and never below its
//  high
//     watermark (K2, K11). The high watermark never falls.
//  4. No promise that a restart could forget is repeated: who led before the restart is Resigned in that epoch, and who
//     was a candidate asks again in the next one.
//  5. At most one change of the voters is under way, and none before something of the leader's own epoch is committed
//     (Ongaro's correction of 2015; K12, BUG_ZOO RF19).
//  6. Only a voter campaigns, and not while its log is being replaced by a snapshot.
//
// Source: KIP-595, KIP-630, KIP-853, KIP-996; Raft (Ongaro, Ousterhout 2014).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/time.h"
#include "engine/raft/log_facts.h"
#include "engine/raft/options.h"
#include "engine/raft/peers.h"
#include "engine/raft/quorum_state.h"
#include "engine/raft/roles.h"
#include "engine/raft/steps.h"
#include "engine/raft/voter_history.h"

namespace odradek::raft {

// What a restart must find again.
struct Election {
  LeaderEpoch epoch{0};
  NodeId leader = kNoNode;
  ReplicaKey voted;
  friend bool operator==(const Election&, const Election&) = default;
};

// DescribeQuorum's data (KIP-836). Ages, since the machine has no wall clock; nullopt: never in this epoch.
struct ReplicaDescription {
  ReplicaKey replica;
  std::optional<Offset> log_end;
  std::optional<Duration> fetch_age;
  std::optional<Duration> caught_up_age;
};
struct QuorumDescription {
  LeaderEpoch epoch;
  NodeId leader;
  std::optional<Offset> high_watermark;
  std::vector<ReplicaDescription> voters;
  std::vector<ReplicaDescription> observers;
};

class Raft {
 public:
  struct Start {
    Options options;
    LogFacts log;
    VoterHistory voters{VoterSet()};
    // nullopt: there was no file.
    std::optional<QuorumState> quorum_state;
    MonoTime now;
  };
  // Says nothing yet: the first Tick() does. `context` is asked for mutations only, and outlives this.
  Raft(Start start, base::Context& context);

  Output Step(const Input& input);
  // To be called at next_deadline(), and may be called at any time.
  Output Tick(MonoTime now);
  MonoTime next_deadline() const;

  const Election& election() const { return election_; }
  LeaderEpoch epoch() const { return election_.epoch; }
  NodeId leader() const { return election_.leader; }
  bool is_leader() const { return std::holds_alternative<Leader>(role_); }
  // Of the listener of the quorum. nullptr: not known.
  const Endpoint* leader_endpoint() const { return EndpointOf(leader_endpoints_, options_.listener); }
  const ReplicaKey& self() const { return options_.self; }
  const Timeouts& timeouts() const { return options_.timeouts; }
  bool is_voter() const { return voters_.voters().Has(options_.self); }
  // "unattached", "voted", "prospective", "candidate", "leader", "resigned", "follower", "observer".
  std::string_view role_name() const;
  const Role& role() const { return role_; }
  Offset high_watermark() const { return high_watermark_; }
  const LogFacts& log() const { return log_; }
  const VoterHistory& voters() const { return voters_; }
  const Peers& peers() const { return peers_; }
  bool is_flushing() const { return flushing_.has_value(); }
  bool is_installing() const { return installing_.has_value(); }
  // After Shutdown: nobody is left to tell.
  bool may_stop() const;
  // nullopt: only a leader can tell.
  std::optional<QuorumDescription> Describe(MonoTime now) const;

 private:
  // raft.cc: what drives everything.
  void Dispatch(const Event& event);
  void OnRequest(const RequestReceived& received);
  void OnResponse(const ResponseReceived& received);
  void OnFailure(const RequestFailed& failed);
  void OnRefused(NodeId peer);
  void Poll();
  Output TakeOutput();
  void Send(NodeId to, const Endpoints& at, Request request);
  void Reply(RequestToken token, Response response);
  Standing StandingNow(ErrorCode error) const;
  // In [0, bound].
  Duration Draw(Duration bound);
  MonoTime ElectionDeadline();
  bool may_campaign() const { return (is_voter() || MUTATION(context_, RF09)) && !installing_ && !shutting_down_; }

  // transitions.cc: from role to role.
  void ChangeRole(const Election& next, Endpoints leader_endpoints, Role role);
  void PersistElection();
  void AnswerAbandoned(Leader& old);
  void BecomeUnattached(LeaderEpoch epoch);
  void BecomeProspective();
  void BecomeCandidate();
  void BecomeLeader(const std::vector<NodeId>& granting_voters);
  void BecomeFollower(LeaderEpoch epoch, NodeId leader, Endpoints endpoints);
  void BecomeResigned();
  // What no leader may do after a restart (BUG_ZOO RF03).
  void ResumeLeading();
  // What somebody says about epoch and leader. False: it cannot be, nothing was changed but a fault said.
  bool Learn(LeaderEpoch epoch, NodeId leader, const Endpoints& endpoints);
  // Whether the answer is of use behind its standing; otherwise all there was to learn is learnt.
  bool Learn(const Standing& standing);

  // elections.cc
  VoteResponse OnVote(const VoteRequest& request);
  bool MayGrant(const VoteRequest& request) const;
  BeginQuorumEpochResponse OnBegin(const BeginQuorumEpochRequest& request);
  EndQuorumEpochResponse OnEnd(const EndQuorumEpochRequest& request);
  Duration SuccessorBackoff(const std::vector<ReplicaKey>& successors) const;
  bool IsForUs(const ReplicaKey& voter) const;
  void OnVoteAnswer(NodeId from, const VoteResponse& response);
  void AfterElectionLoss();
  void SendVotes(const Tally& tally, bool is_pre_vote);
  void PollProspective();
  void PollCandidate();
  void PollResigned();

  // leading.cc
  ErrorCode CheckLeader(LeaderEpoch epoch) const;
  void OnFetch(RequestToken token, const FetchRequest& request);
  FetchResponse AnswerFetch(const FetchRequest& request) const;
  bool HasNews(const FetchRequest& request) const;
  FetchSnapshotResponse OnFetchSnapshot(const FetchSnapshotRequest& request);
  void OnPropose(const Propose& propose);
  void AppendControlBatch(AppendControl batch);
  void RequestFlush();
  void OnFlushed(FlushId id);
  void AdvanceLeader();
  void AnswerWaiting();
  void PollLeader();

  // voter_changes.cc
  void OnAddVoter(RequestToken token, const AddVoterRequest& request);
  void OnKraftVersions(RequestId id, const KraftVersionsResponse& response);
  void OnRemoveVoter(RequestToken token, const RemoveVoterRequest& request);
  VoterChangeResponse OnUpdateVoter(const UpdateVoterRequest& request);
  ErrorCode MayChangeVoters() const;
  void AppendVoters(const VoterSet& voters);
  void FinishVoterChange(ErrorCode error, std::string_view message);
  void AfterVotersCommit();

  // following.cc
  void OnFetched(NodeId from, const FetchResponse& response);
  void Truncate(const OffsetAndEpoch& diverging);
  bool AppendFetched(const Batches& batches);
  void OnSnapshotPiece(NodeId from, const FetchSnapshotResponse& response);
  void OnInstalled(const SnapshotInstalled& installed);
  void OnSnapshotTaken(const SnapshotTaken& taken);
  void OnTrim(const TrimLog& trim);
  void RaiseHighWatermark(Offset to);
  void PollFollower();
  void PollUnattached();
  void AskBootstrap();
  FetchRequest MakeFetch() const;
  bool NeedsVoterUpdate() const;

  // What is safe on disk of a flush that has been asked for.
  struct Flushing {
    FlushId id;
    Offset end;
  };
  struct Counters {
    uint64_t draws = 0;
    int32_t elections_lost = 0;  // since a leader was known
    uint64_t bootstrap = 0;
    int64_t flushes = 0;
  };

  base::Context& context_;
  Options options_;
  LogFacts log_;
  VoterHistory voters_;
  Election election_;
  std::optional<Election> persisted_;
  QuorumStateVersion persisted_version_ = QuorumStateVersion::kV0;
  Endpoints leader_endpoints_;
  Offset high_watermark_;
  Role role_;
  Peers peers_;
  std::optional<SnapshotFacts> installing_;
  std::optional<Flushing> flushing_;
  Counters counters_;
  bool shutting_down_ = false;
  MonoTime now_;
  Output output_;
};

}  // namespace odradek::raft
