// What a leader knows of the other replicas in its epoch: how far each has fetched, when it last had everything, as
// which incarnation. Owned by the leader; nothing suspends.
//
//  1. Nothing is known of a replica that has not fetched in this leader epoch: what it had before may have been
//     truncated since, or wiped (KIP-966's specification, "reset the state of out-of-sync followers"; BUG_ZOO RP20). We
//     forget members of the ISR too: between two epochs that the metadata shows us one after the other, somebody else
//     may have led.
//  2. A fetch of an incarnation that has been replaced counts for nothing, whether the replacement is known from the
//     metadata or from a later fetch (KIP-841, KIP-903).
//  3. Progress is what the last valid fetch said, also when that is less than before.
//
// Source: KIP-16 (lag as time), KIP-903 (broker epochs in Fetch).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "engine/replication/types.h"

namespace odradek::replication {

struct Progress {
  std::optional<Offset> end;
  Offset log_start = kNoOffset;
  Offset leader_end_at_fetch{0};
  std::optional<MonoTime> fetched_at;
  // The last moment at which it was known to have all that the leader had. Of members of the ISR: at least the moment
  // at which the leader began. nullopt: never.
  std::optional<MonoTime> caught_up_at;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;
  friend bool operator==(const Progress&, const Progress&) = default;
};

class Followers {
 public:
  // REQUIRES: `self` is not among the replicas that are told later on.
  explicit Followers(NodeId self) : self_(self) {}

  // Forgets everybody. Members of the ISR get as long as if they had just been caught up.
  void Reset(const std::vector<NodeId>& replicas, const std::vector<NodeId>& isr, MonoTime now);
  // Whoever stays is not forgotten.
  void SetReplicas(const std::vector<NodeId>& replicas);
  // What the replica has told.
  void Forget(NodeId replica);

  // Whether `replica` is one of the partition's, other than the leader.
  bool Has(NodeId replica) const { return progress_.contains(replica); }
  // nullptr: not a replica.
  const Progress* Find(NodeId replica) const;
  const std::map<NodeId, Progress>& all() const { return progress_; }

  struct Fetched {
    NodeId replica = kNoNode;
    BrokerEpoch broker_epoch = kNoBrokerEpoch;
    Offset offset{0};
    Offset log_start = kNoOffset;
    Offset leader_end{0};
    MonoTime now;
  };
  // False: the incarnation has been replaced (2). REQUIRES: the offset is in the leader's log.
  bool IsCurrent(NodeId replica, BrokerEpoch broker_epoch, const Brokers& brokers) const;
  void OnFetch(const Fetched& fetch);

  // nullopt: not known, or known of an incarnation that has been replaced.
  std::optional<Offset> EndOf(NodeId replica, const Brokers& brokers) const;
  // Has what the leader has, or had it at most `lag_max` ago.
  struct Lag {
    Offset leader_end{0};
    MonoTime now;
    Duration lag_max;
  };
  bool IsCaughtUp(NodeId replica, const Lag& lag) const;
  // May be added to the ISR: fetched as the incarnation that the metadata shows, which is neither fenced nor shutting
  // down (KIP-841). The incarnation and its state are read from one image (BUG_ZOO RP37).
  bool IsEligible(NodeId replica, const Brokers& brokers) const;

  friend bool operator==(const Followers&, const Followers&) = default;

 private:
  NodeId self_;
  std::map<NodeId, Progress> progress_;
};

}  // namespace odradek::replication
