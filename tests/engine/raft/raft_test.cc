// Transcripts of one replica: what it is told, and word for word what it does. Each cites what it shows.
#include "engine/raft/raft.h"

#include <gtest/gtest.h>

#include "tests/engine/raft/effects_text.h"

namespace odradek::raft {
namespace {

Voter VoterNamed(int32_t id) {
  return {{NodeId(id), Uuid{1, static_cast<uint64_t>(id)}}, {{"C", "n", static_cast<uint16_t>(id)}}, {}};
}
VoterSet Voters(std::initializer_list<int32_t> ids) {
  std::vector<Voter> voters;
  for (const int32_t id : ids) voters.push_back(VoterNamed(id));
  return VoterSet(std::move(voters));
}

// Replica 1 of a dynamic quorum, whose log begins with its voters in epoch 1.
class Script {
 public:
  explicit Script(std::initializer_list<int32_t> voters, std::optional<QuorumState> state = std::nullopt,
                  LogFacts log = OldLog()) {
    Raft::Start start;
    start.options.self = VoterNamed(1).key;
    start.options.endpoints = VoterNamed(1).endpoints;
    start.options.listener = "C";
    start.options.bootstrap_servers = {{"NONE", "nobody", 0}};  // transcripts without the questions for a leader
    start.options.timeouts.boot_jitter_max = Duration();
    start.options.timeouts.election_jitter_max = Duration();
    start.log = std::move(log);
    start.voters.AddKraftVersion(Offset(1), kDynamicVoters);
    start.voters.AddVoters(Offset(2), Voters(voters));
    start.quorum_state = std::move(state);
    raft_.emplace(std::move(start), context_);
  }

  // Three records of epoch 1.
  static LogFacts OldLog() {
    LogFacts log;
    log.Append(LeaderEpoch(1), Offset(3));
    log.FlushedTo(Offset(3));
    return log;
  }

  std::string At(int64_t ms) {
    now_ = MonoTime::FromNanos(ms * 1000000);
    return ToText(raft_->Tick(now_));
  }
  std::string Do(Event event) {
    const Output output = raft_->Step({now_, std::move(event)});
    for (const Effect& effect : output.effects) {
      if (const auto* flush = std::get_if<FlushLog>(&effect)) flush_ = flush->id;
    }
    return ToText(output);
  }
  std::string Ask(Request request) { return Do(RequestReceived{RequestToken(++tokens_), std::move(request)}); }
  std::string Answer(int32_t from, Response response) { return Do(ResponseReceived{IdOf(from), std::move(response)}); }
  std::string Vote(int32_t from, bool granted) {
    return Answer(from, VoteResponse{{ErrorCode::kNone, raft_->epoch(), kNoNode, {}}, granted});
  }
  std::string Flushed() { return Do(LogFlushed{flush_}); }
  std::string Fetch(int32_t from, int64_t offset, int32_t last_epoch, int64_t wait_ms = 0) {
    return Ask(FetchRequest{.epoch = raft_->epoch(),
                            .replica = VoterNamed(from).key,
                            .offset = Offset(offset),
                            .last_epoch = LeaderEpoch(last_epoch),
                            .wait_max = Duration::Millis(wait_ms),
                            .bytes_max = 1000});
  }
  std::string VoteFor(int32_t candidate, int32_t epoch, OffsetAndEpoch log_end, bool pre_vote = false) {
    return Ask(VoteRequest{LeaderEpoch(epoch), VoterNamed(candidate).key, VoterNamed(1).key, log_end, pre_vote});
  }
  std::string Begin(int32_t leader, int32_t epoch) {
    return Ask(BeginQuorumEpochRequest{LeaderEpoch(epoch), NodeId(leader), VoterNamed(leader).endpoints, {}});
  }
  // Whatever it takes to lead epoch 2, with voter 2's votes, nothing committed yet.
  void Lead() {
    At(0);
    Vote(2, true);
    Vote(2, true);
    ASSERT_TRUE(raft_->is_leader());
    Flushed();
  }
  // Follows 2 in epoch 2 and has fetched from it.
  void Follow() {
    At(0);
    Begin(2, 2);
    Answer(2, FetchResponse{.standing = {ErrorCode::kNone, LeaderEpoch(2), NodeId(2), {}}, .batches = {}});
    ASSERT_EQ(raft_->role_name(), "follower");
  }

  const Raft& raft() const { return *raft_; }
  RequestId IdOf(int32_t peer) const {
    const auto at = raft_->peers().all().find(NodeId(peer));
    return at == raft_->peers().all().end() ? RequestId(0) : at->second.in_flight.value_or(RequestId(0));
  }

 private:
  base::NullContext context_;
  std::optional<Raft> raft_;
  MonoTime now_;
  FlushId flush_{1};
  int64_t tokens_ = 0;
};

constexpr OffsetAndEpoch kSameLog{LeaderEpoch(1), Offset(3)};

// KIP-996: a pre-vote is asked in the present epoch; only a majority of them opens the next one. Raft §5.2: a majority
// of votes makes a leader, KIP-595: whose first record is LeaderChange. Everything is on disk before it is said.
TEST(RaftTranscript, FromBootToTheFirstCommit) {
  Script replica({1, 2, 3});
  EXPECT_EQ(replica.At(0),
            "persist epoch 1 leader -1 voted 1\n"  // the log has epoch 1, and no file says for whom we voted
            "to 2: pre-vote epoch 1 log 3@1\n"
            "to 3: pre-vote epoch 1 log 3@1\n");
  EXPECT_EQ(replica.Vote(2, true),
            "persist epoch 2 leader -1 voted 1\n"
            "leader of epoch 2 is -1\n"
            "to 2: vote epoch 2 log 3@1\n"
            "to 3: vote epoch 2 log 3@1\n");
  EXPECT_EQ(replica.Vote(3, true),
            "persist epoch 2 leader 1 voted 1\n"
            "leader of epoch 2 is 1, we\n"
            "append control at 3 epoch 2 leader 1\n"
            "flush 1\n"
            "to 2: begin 2\n"
            "to 3: begin 2\n");
  EXPECT_EQ(replica.Flushed(), "");
  EXPECT_EQ(replica.Fetch(2, 4, 2), "high watermark 4\nanswer 1: NONE epoch 2 leader 1 high watermark 4 read [4, 4)\n");
}

// Raft §5.4.2: that a majority has a record of an older epoch does not commit it.
TEST(RaftTranscript, OnlyARecordOfItsOwnEpochCommits) {
  Script replica({1, 2, 3});
  replica.Lead();
  EXPECT_EQ(replica.Fetch(2, 3, 1), "answer 1: NONE epoch 2 leader 1 read [3, 4)\n");
  EXPECT_EQ(replica.Fetch(3, 3, 1), "answer 2: NONE epoch 2 leader 1 read [3, 4)\n");
  EXPECT_EQ(replica.raft().high_watermark(), Offset(0));
  EXPECT_EQ(replica.Fetch(3, 4, 2), "high watermark 4\nanswer 3: NONE epoch 2 leader 1 high watermark 4 read [4, 4)\n");
}

// PROPERTIES K7: the leader's own copy counts when it is flushed, not when it is appended.
TEST(RaftTranscript, ALeaderCountsItselfWhenItHasFlushed) {
  Script replica({1, 2});
  replica.At(0);
  replica.Vote(2, true);
  replica.Vote(2, true);
  EXPECT_EQ(replica.Fetch(2, 4, 2), "answer 1: NONE epoch 2 leader 1 read [4, 4)\n");
  EXPECT_EQ(replica.Flushed(), "high watermark 4\n");
}

// KIP-595, Vote: one vote in an epoch, on disk before it is answered, and given again to who asks again.
TEST(RaftTranscript, OneVotePerEpoch) {
  Script replica({1, 2, 3});
  replica.At(0);
  EXPECT_EQ(replica.VoteFor(2, 5, kSameLog),
            "persist epoch 5 leader -1 voted -1\n"
            "leader of epoch 5 is -1\n"
            "persist epoch 5 leader -1 voted 2\n"
            "answer 1: NONE epoch 5 leader -1 granted\n");
  EXPECT_EQ(replica.VoteFor(3, 5, kSameLog), "answer 2: NONE epoch 5 leader -1 refused\n");
  EXPECT_EQ(replica.VoteFor(2, 5, kSameLog), "answer 3: NONE epoch 5 leader -1 granted\n");
  EXPECT_EQ(replica.VoteFor(3, 4, kSameLog), "answer 4: FENCED_LEADER_EPOCH epoch 5 leader -1 refused\n");
  // Raft §5.4.1: a longer log of an older epoch is less up to date than ours.
  EXPECT_EQ(replica.VoteFor(3, 6, {LeaderEpoch(0), Offset(100)}),
            "persist epoch 6 leader -1 voted -1\n"
            "leader of epoch 6 is -1\n"
            "answer 5: NONE epoch 6 leader -1 refused\n");
}

// KIP-853: a vote for our node's former disk is not ours to give.
TEST(RaftTranscript, AVoteMeantForAnotherDirectoryIsRefused) {
  Script replica({1, 2, 3});
  replica.At(0);
  const ReplicaKey former{NodeId(1), Uuid{9, 9}};
  EXPECT_EQ(replica.Ask(VoteRequest{LeaderEpoch(2), VoterNamed(2).key, former, kSameLog, false}),
            "persist epoch 2 leader -1 voted -1\n"
            "leader of epoch 2 is -1\n"
            "answer 1: INVALID_VOTER_KEY epoch 2 leader -1 refused\n");
}

// KIP-996: who is served by a leader refuses pre-votes and changes nothing; who only believes in one grants them.
TEST(RaftTranscript, PreVotesDoNotDisturbALeaderWhoIsThere) {
  Script replica({1, 2, 3});
  replica.At(0);
  replica.Begin(2, 2);
  EXPECT_EQ(replica.VoteFor(3, 2, kSameLog, true), "answer 2: NONE epoch 2 leader 2 granted\n");
  replica.Answer(2, FetchResponse{.standing = {ErrorCode::kNone, LeaderEpoch(2), NodeId(2), {}}, .batches = {}});
  EXPECT_EQ(replica.VoteFor(3, 2, kSameLog, true), "answer 3: NONE epoch 2 leader 2 refused\n");
  EXPECT_EQ(replica.raft().election(), (Election{LeaderEpoch(2), NodeId(2), {}}));
}

// KIP-595, EndQuorumEpoch: the first successor begins at once, and pre-votes of the others are granted from now on.
TEST(RaftTranscript, TheFirstSuccessorBeginsAtOnce) {
  Script replica({1, 2, 3});
  replica.Follow();
  const EndQuorumEpochRequest end{LeaderEpoch(2), NodeId(2), {}, {VoterNamed(1).key, VoterNamed(3).key}};
  EXPECT_EQ(replica.Ask(end),
            "answer 2: NONE epoch 2 leader 2\n"
            "to 2: pre-vote epoch 2 log 3@1\n"
            "to 3: pre-vote epoch 2 log 3@1\n");
}

// Issue 5, B10c: a closed port is no timeout to wait for.
TEST(RaftTranscript, AClosedPortBeginsAnElectionAtOnce) {
  Script replica({1, 2, 3});
  replica.Follow();
  EXPECT_EQ(replica.Do(PeerRefused{NodeId(3)}), "");
  EXPECT_EQ(replica.Do(PeerRefused{NodeId(2)}),
            "to 2: pre-vote epoch 2 log 3@1\n"
            "to 3: pre-vote epoch 2 log 3@1\n");
  // It was only our view: the others still have the leader, and so have we again.
  replica.Vote(2, false);
  EXPECT_EQ(replica.Vote(3, false), "to 2: fetch 3@1 epoch 2\n");
}

// KAFKA-15489: a leader from which no majority fetches for 1.5 fetch timeouts resigns, and says who should follow.
TEST(RaftTranscript, CheckQuorum) {
  Script replica({1, 2, 3});
  replica.Lead();
  replica.Fetch(3, 4, 2);
  replica.At(2999);
  EXPECT_TRUE(replica.raft().is_leader());
  EXPECT_EQ(replica.At(3000),
            "leader of epoch 2 is -1\n"
            "to 2: end 2 successors 3 2\n"
            "to 3: end 2 successors 3 2\n");
  EXPECT_EQ(replica.raft().role_name(), "resigned");
  EXPECT_EQ(replica.Do(Propose{RequestToken(9), LeaderEpoch(2), {1}, {}}), "proposal NOT_LEADER_OR_FOLLOWER at 0\n");
}

// KAFKA-10527 (BUG_ZOO RF03): what a leader had not flushed is gone; it must not write other records in that epoch.
TEST(RaftTranscript, ARestartedLeaderHasResigned) {
  QuorumState state;
  state.version = QuorumStateVersion::kV1;
  state.leader_epoch = LeaderEpoch(4);
  state.leader_id = state.voted_id = NodeId(1);
  state.voted_directory_id = VoterNamed(1).key.directory_id;
  Script replica({1, 2, 3}, state);
  EXPECT_EQ(replica.raft().role_name(), "resigned");
  // Nobody was told to succeed it: it asks at once.
  EXPECT_EQ(replica.At(0),
            "persist epoch 5 leader -1 voted -1\n"
            "leader of epoch 5 is -1\n"
            "to 2: pre-vote epoch 5 log 3@1\n"
            "to 3: pre-vote epoch 5 log 3@1\n");
}

// KIP-595, Fetch: the leader names the last point that may be common, the follower truncates and asks again there.
TEST(RaftTranscript, ADivergingFollowerTruncates) {
  LogFacts log = Script::OldLog();
  log.Append(LeaderEpoch(2), Offset(6));
  log.FlushedTo(Offset(6));
  Script replica({1, 2, 3}, std::nullopt, log);
  replica.At(0);
  EXPECT_EQ(replica.Begin(2, 3),
            "persist epoch 3 leader 2 voted -1\n"
            "leader of epoch 3 is 2\n"
            "answer 1: NONE epoch 3 leader 2\n"
            "to 2: fetch 6@2 epoch 3\n");
  FetchResponse response{.standing = {ErrorCode::kNone, LeaderEpoch(3), NodeId(2), {}}, .batches = {}};
  response.diverging = OffsetAndEpoch{LeaderEpoch(1), Offset(3)};
  EXPECT_EQ(replica.Answer(2, response), "truncate to 3\nto 2: fetch 3@1 epoch 3\n");
}

// KAFKA-12460 (BUG_ZOO RF07): whoever asks to truncate what is committed has lost it.
TEST(RaftTranscript, CommittedRecordsAreNotTruncated) {
  Script replica({1, 2, 3});
  replica.Follow();
  FetchResponse response{.standing = {ErrorCode::kNone, LeaderEpoch(2), NodeId(2), {}}, .batches = {}};
  response.high_watermark = Offset(3);
  replica.Answer(2, response);
  ASSERT_EQ(replica.raft().high_watermark(), Offset(3));
  response.diverging = OffsetAndEpoch{LeaderEpoch(0), Offset(1)};
  EXPECT_TRUE(replica.Answer(2, response).starts_with("fault: the leader asks to truncate below the high watermark\n"));
  EXPECT_EQ(replica.raft().log().end(), Offset(3));
}

// KIP-595: what was fetched is flushed before the next fetch says that we have it (KAFKA-10533, BUG_ZOO RF04).
TEST(RaftTranscript, AFollowerFlushesBeforeItFetchesOn) {
  Script replica({1, 2, 3});
  replica.Follow();
  FetchResponse response{.standing = {ErrorCode::kNone, LeaderEpoch(2), NodeId(2), {}}, .batches = {}};
  response.batches.facts.push_back({Offset(3), Offset(5), LeaderEpoch(2), {}, {}, {}, {}});
  EXPECT_EQ(replica.Answer(2, response), "append 1 batches\nflush 1\n");
  EXPECT_EQ(replica.Flushed(), "to 2: fetch 5@2 epoch 2\n");
}

// KIP-630: a follower that lacks what the leader has deleted fetches the snapshot instead, and goes on behind it.
TEST(RaftTranscript, ASnapshotReplacesTheLog) {
  Script replica({1, 2, 3});
  replica.Follow();
  const SnapshotId id{LeaderEpoch(2), Offset(9)};
  const Standing standing{ErrorCode::kNone, LeaderEpoch(2), NodeId(2), {}};
  FetchResponse response{.standing = standing, .batches = {}};
  response.snapshot = id;
  EXPECT_EQ(replica.Answer(2, response), "to 2: fetch snapshot 9 at 0\n");
  EXPECT_EQ(replica.Answer(2, FetchSnapshotResponse{standing, id, 3, 0, 2, ByteBuffer(2)}),
            "write snapshot 9 at 0\nto 2: fetch snapshot 9 at 2\n");
  EXPECT_EQ(replica.Answer(2, FetchSnapshotResponse{standing, id, 3, 2, 1, ByteBuffer(1)}),
            "write snapshot 9 at 2\ninstall snapshot 9\n");
  EXPECT_EQ(replica.Do(SnapshotInstalled{id, InstalledSnapshot{Voters({1, 2}), kDynamicVoters}}),
            "high watermark 9\nto 2: fetch 9@2 epoch 2\n");
  EXPECT_EQ(replica.raft().voters().voters(), Voters({1, 2}));
}

// KIP-853, AddVoter: not before something of this epoch is committed, only who has caught up, one change at a time, and
// the new voter counts from the moment its record is appended.
TEST(RaftTranscript, AddingAVoter) {
  Script replica({1, 2});
  replica.Lead();
  const AddVoterRequest add{VoterNamed(3).key, VoterNamed(3).endpoints, Duration::Millis(500), true};
  EXPECT_EQ(replica.Ask(add), "answer 1: REQUEST_TIMED_OUT\n");
  replica.Fetch(2, 4, 2);
  EXPECT_EQ(replica.Ask(AddVoterRequest{VoterNamed(2).key, VoterNamed(2).endpoints, {}, true}),
            "answer 3: DUPLICATE_VOTER\n");
  EXPECT_EQ(replica.Ask(add), "to 3: versions?\n");
  EXPECT_EQ(replica.Ask(RemoveVoterRequest{VoterNamed(2).key}), "answer 5: REQUEST_TIMED_OUT\n");
  EXPECT_EQ(replica.Answer(3, KraftVersionsResponse{ErrorCode::kNone, {0, 1}}), "answer 4: REQUEST_TIMED_OUT\n");
  replica.Fetch(3, 4, 2);
  replica.Ask(add);
  EXPECT_EQ(replica.Answer(3, KraftVersionsResponse{ErrorCode::kNone, {0, 1}}),
            "append control at 4 epoch 2 voters 1 2 3\nflush 2\n");
  replica.Flushed();
  EXPECT_EQ(replica.Fetch(3, 5, 2),
            "high watermark 5\n"
            "answer 7: NONE\n"
            "answer 8: NONE epoch 2 leader 1 high watermark 5 read [5, 5)\n");
}

// KIP-853, RemoveVoter: a leader that removes itself leads until that is committed, without counting itself (RF12).
TEST(RaftTranscript, ALeaderThatRemovesItself) {
  Script replica({1, 2, 3});
  replica.Lead();
  replica.Fetch(2, 4, 2);
  EXPECT_EQ(replica.Ask(RemoveVoterRequest{VoterNamed(1).key}), "append control at 4 epoch 2 voters 2 3\nflush 2\n");
  EXPECT_EQ(replica.Flushed(), "");
  replica.Fetch(2, 5, 2);
  EXPECT_TRUE(replica.raft().is_leader()) << "one of two voters has it";
  EXPECT_EQ(replica.Fetch(3, 5, 2),
            "high watermark 5\n"
            "answer 2: NONE\n"
            "leader of epoch 2 is -1\n"
            "answer 4: NOT_LEADER_OR_FOLLOWER epoch 2 leader 1 read [0, 0)\n"
            "to 2: end 2 successors 2 3\n"
            "to 3: end 2 successors 2 3\n");
}

// KIP-595, DescribeQuorum with the times of KIP-836.
TEST(RaftTranscript, DescribesTheQuorum) {
  Script replica({1, 2, 3});
  EXPECT_FALSE(replica.raft().Describe(MonoTime()).has_value());
  replica.Lead();
  replica.Fetch(2, 4, 2);
  replica.Fetch(7, 3, 1);
  const auto description = replica.raft().Describe(MonoTime::FromNanos(5000000));
  ASSERT_TRUE(description.has_value());
  EXPECT_EQ(description->high_watermark, Offset(4));
  ASSERT_EQ(description->voters.size(), 3u);
  EXPECT_EQ(description->voters[1].log_end, Offset(4));
  EXPECT_EQ(description->voters[1].fetch_age, Duration::Millis(5));
  EXPECT_EQ(description->voters[2].log_end, std::nullopt);
  ASSERT_EQ(description->observers.size(), 1u);
  EXPECT_EQ(description->observers[0].caught_up_age, std::nullopt);
}

}  // namespace
}  // namespace odradek::raft
