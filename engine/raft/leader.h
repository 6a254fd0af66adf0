// What a leader keeps: how far every replica is, what is committed, who is still there, which fetches wait, which
// change of the voters is under way. Owned by the machine while it leads; nothing suspends, time and voters are
// arguments.
//
//  1. The high watermark is what a majority of the present voters have on disk, if that is above the start of this
//     leader's epoch: records of older epochs are committed only by a record of this one (Raft §5.4.2, BUG_ZOO RF05).
//     It never falls, not even when the voters change or one of them loses data.
//  2. A leader that does not vote any more counts neither for the high watermark nor for check-quorum (RF12).
//  3. Progress is what the replica's last valid fetch said, also when that is less than before.
//
// Source: KIP-595 (high watermark, check-quorum), KIP-853 (observers, voter changes), KIP-836 (times of fetches).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/base/context.h"
#include "engine/raft/messages.h"
#include "engine/raft/options.h"
#include "engine/raft/steps.h"
#include "engine/raft/types.h"
#include "engine/raft/voter_set.h"

namespace odradek::raft {

struct Progress {
  std::optional<Offset> end;  // nullopt: has not fetched in this epoch
  // When it last fetched, and was last known to have had everything. nullopt: never in this epoch.
  std::optional<MonoTime> fetched_at;
  std::optional<MonoTime> caught_up_at;
  Offset leader_end_at_fetch{0};
  friend bool operator==(const Progress&, const Progress&) = default;
};

// A fetch that has nothing to be answered with yet.
struct WaitingFetch {
  RequestToken token;
  FetchRequest request;
  MonoTime until;
};

// AddVoter or RemoveVoter between request and commit.
struct VoterChange {
  RequestToken token;
  MonoTime until;
  // An addition: whom, while its versions are being asked for.
  std::optional<AddVoterRequest> addition;
  std::optional<RequestId> probe;
  // Where the new voters stand, once they are appended.
  std::optional<Offset> record_offset;
};

class Leader {
 public:
  struct Start {
    ReplicaKey self;
    Offset epoch_start{0};
    Duration fetch_timeout;
    MonoTime now;
    std::vector<NodeId> granting_voters;
  };
  Leader(const Start& start, const VoterSet& voters);

  Offset epoch_start() const { return epoch_start_; }
  // nullopt: nothing of this epoch is committed yet.
  std::optional<Offset> high_watermark() const { return high_watermark_; }
  const std::vector<NodeId>& granting_voters() const { return granting_voters_; }

  // A valid fetch. REQUIRES: not from this leader's node.
  struct Fetched {
    ReplicaKey replica;
    Offset offset;
    Offset leader_end;
    MonoTime now;
  };
  void OnFetch(const Fetched& fetch, const VoterSet& voters);
  // A voter is there, though it has no log to speak of (FetchSnapshot).
  void OnAlive(const ReplicaKey& replica, MonoTime now, const VoterSet& voters);
  // Up to where this leader's own log is on disk.
  void OnFlushed(Offset end) { flushed_end_ = end; }
  // Whether it rose.
  bool AdvanceHighWatermark(const VoterSet& voters, base::Context& context);

  // No majority has fetched for too long. Never: nobody else votes.
  MonoTime CheckQuorumDeadline(const VoterSet& voters) const;
  // Voters to be told of this epoch now: they have not fetched lately.
  std::vector<NodeId> VotersToRemind(const VoterSet& voters, MonoTime now) const;
  MonoTime next_reminder() const { return next_reminder_; }
  void Reminded(MonoTime now);
  // Best first: whoever has most should be elected next.
  std::vector<ReplicaKey> Successors(const VoterSet& voters) const;

  const Progress* FindProgress(const ReplicaKey& replica) const;
  // Without a directory id in the voter set a node's replicas cannot be told apart: the last one that fetched.
  const Progress* FindVoterProgress(const ReplicaKey& voter) const;
  const std::map<ReplicaKey, Progress>& progress() const { return progress_; }
  const std::set<NodeId>& fetched_voters() const { return fetched_voters_; }
  void ForgetObservers(MonoTime fetched_before, const VoterSet& voters);

  std::vector<WaitingFetch>& waiting() { return waiting_; }
  const std::vector<WaitingFetch>& waiting() const { return waiting_; }
  std::optional<VoterChange>& voter_change() { return voter_change_; }
  const std::optional<VoterChange>& voter_change() const { return voter_change_; }

 private:
  std::optional<Offset> EndOf(const Voter& voter) const;

  ReplicaKey self_;
  Offset epoch_start_;
  Duration fetch_timeout_;
  std::vector<NodeId> granting_voters_;
  Offset flushed_end_{0};
  std::optional<Offset> high_watermark_;
  std::map<ReplicaKey, Progress> progress_;
  std::set<NodeId> fetched_voters_;  // since quorum_seen_at_
  MonoTime quorum_seen_at_;
  MonoTime next_reminder_;
  std::vector<WaitingFetch> waiting_;
  std::optional<VoterChange> voter_change_;
};

}  // namespace odradek::raft
