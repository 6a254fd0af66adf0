// One replica of one partition, as a pure machine: events and time go in, effects come out in the order in which they
// are to be done (steps.h says what the shell owes). Owned by the shell of the partition; nothing suspends.
//
// How it works. The controller gives every partition a leader, with a leader epoch that is used once, and an ISR: the
// replicas that hold all that is committed. Followers fetch from the leader, and a fetch at offset o after epoch e says
// "this is my log". What all of the ISR has is committed: the high watermark. The leader proposes who leaves the ISR
// and who joins it; the controller decides, and each decision has a partition epoch. A replica of the ISR (or of the
// ELR, which the controller alone keeps) may be elected at any time, so a leader counts everybody whom the controller
// could elect. A new follower finds out where its log and the leader's part by comparing epochs, and truncates there.
//
//  1. Epochs never fall; in one leader epoch a replica has one role and one leader (R5, R14).
//  2. The high watermark of a leader never falls. It rises only to what all of the maximal ISR has fetched past in this
//     leader epoch, and only while the committed ISR has min.insync.replicas members (R1, R13; KIP-966).
//  3. A follower truncates only by its leader's word, where epochs part (R10), and appends only what continues its log.
//  4. What a step answers, it answers after the effects that make it true.
//
// The conditions that KIP-966's specification marks as checks, and where they are:
//   a. a later leader epoch begins the fetching anew, the same one does not: Replica::OnPartitionChanged
//   b. a leader that begins an epoch forgets what it knew of followers: Followers::Reset
//   c. nobody joins the ISR who has not fetched in this epoch, d. to the high watermark, e. to the epoch's start:
//      Followers::IsEligible, Replica::IsInSync
//   f. an answer to a fetch at another offset, g. or of another leader epoch, is ignored: Replica::OnFetched
//   h. the controller takes an addition only of the same incarnation: Replica::BrokerEpochs says which one fetched
//   i. the controller takes a change only of the same partition epoch: Replica::SendAttempt says on which one it builds
//
// Source: KIP-101, KIP-279, KIP-320 (epochs), KIP-392 (reading from followers), KIP-497 (AlterPartition), KIP-595 (part
// on truncation by Fetch), KIP-704, KIP-841, KIP-903 (incarnations), KIP-951 (hints), KIP-966 (ELR).
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/context.h"
#include "engine/replication/log_facts.h"
#include "engine/replication/roles.h"
#include "engine/replication/steps.h"

namespace odradek::replication {

// acks of a produce request.
enum class Acks : int8_t { kAll = -1, kNone = 0, kLeader = 1 };

struct Admission {
  ErrorCode error = ErrorCode::kNone;
  LeaderHint hint;
  // Of the leader that may append.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  friend bool operator==(const Admission&, const Admission&) = default;
};

// A consumer's fetch of this partition.
struct ConsumerFetch {
  FetchPosition position;
  std::string_view rack;  // client.rack; empty: none, or the version does not carry it
  // Versions before 11 do not know about reading from followers.
  enum class From : uint8_t { kLeaderOnly, kAnyReplica };
  From from = From::kAnyReplica;
};

struct EpochEndAnswer {
  ErrorCode error = ErrorCode::kNone;
  EpochEndOffset end;
  friend bool operator==(const EpochEndAnswer&, const EpochEndAnswer&) = default;
};

class Replica {
 public:
  // Absent until a PartitionChanged says what it is. `context` is asked for mutations only, and outlives this.
  Replica(const Options& options, LogFacts log, base::Context& context);

  Output Step(const Surroundings& around, const Event& event);
  // To be called at next_deadline(), and may be called at any time.
  Output Tick(const Surroundings& around);
  MonoTime next_deadline() const;

  Role role() const;
  const RoleState& state() const { return role_; }
  LeaderEpoch leader_epoch() const { return leader_epoch_; }
  PartitionEpoch partition_epoch() const { return partition_epoch_; }
  NodeId leader() const;
  LeaderHint hint() const { return {leader(), leader_epoch_}; }
  const LogFacts& log() const { return log_; }
  const Options& options() const { return options_; }
  Offset high_watermark() const { return log_.high_watermark(); }

  // serving.cc: questions that change nothing.

  // Before an append. NOT_ENOUGH_REPLICAS if acks are all and the committed ISR is too small.
  Admission MayAppend(Acks acks) const;
  // A follower's fetch again, without being counted again: when a long poll wakes up.
  FetchAnswer AnswerTo(const FollowerFetch& fetch, const Surroundings& around) const;
  FetchAnswer AnswerTo(const ConsumerFetch& fetch, const Surroundings& around) const;
  EpochEndAnswer AnswerTo(const EpochEndQuestion& question) const;
  // Whether the latest offset may be told now: after an election the high watermark may still be behind what an earlier
  // leader has told (KIP-207). OFFSET_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER.
  // `shown` is the high watermark that consumers are shown: while effects are carried out it is behind this machine's.
  ErrorCode MayTellLatest(Offset shown) const;
  // min.insync.replicas, at most the number of replicas. REQUIRES: leads.
  size_t effective_min_isr() const;
  // What all live replicas have deleted. nullopt: does not lead, or does not know of some replica.
  std::optional<Offset> LowWatermark(const Brokers& brokers) const;

  // As a follower: what to ask the leader. nullopt: nothing now (at next_deadline() perhaps).
  std::optional<Question> NextQuestion(MonoTime now) const;
  // As a follower: has what the leader had committed, so that its fetches are not throttled (KIP-73).
  bool is_in_sync_follower() const;

 private:
  // replica.cc: what drives everything, and what the metadata changes.
  void Dispatch(const Surroundings& around, const Event& event);
  Output Finish(const Surroundings& around);
  void OnPartitionChanged(const Registration& registration, const Surroundings& around);
  bool IsNews(const Registration& registration);
  void BecomeLeader(const Registration& registration, const Surroundings& around);
  void RemainLeader(const Registration& registration);
  void Assign(const Registration& registration);
  void BecomeFollower(const Registration& registration, const Surroundings& around);
  void BecomeAbsent(const Absent& absent);
  void Announce();

  // leading.cc
  void OnAppended(const Appended& appended);
  void OnFlushed(const Flushed& flushed);
  void OnLogStartRaised(const LogStartRaised& raised);
  void OnAwaitCommit(const AwaitCommit& wait);
  void OnDeleteRecords(const DeleteRecords& request);
  void OnFollowerFetch(const FollowerFetch& fetch, const Surroundings& around);
  std::optional<Offset> CommittedEnd(const Surroundings& around) const;
  bool HoldsBack(NodeId replica, const Surroundings& around) const;
  void AfterLeaderEvent(const Surroundings& around);
  void AnswerCommits(MonoTime now);
  void AnswerDeletions(const Surroundings& around);
  Offset own_end() const;

  // isr_changes.cc
  void OnAlterPartitionAnswered(const AlterPartitionAnswered& answer, MonoTime now);
  void OnIsrCommitted(const CommittedIsr& committed);
  void CommitIsr(const NodeIds& isr, PartitionEpoch epoch, LeaderRecoveryState recovery);
  void MaybeReportRecovery(const Surroundings& around);
  bool IsInSync(NodeId replica, const Surroundings& around) const;
  void MaybeExpandIsr(NodeId replica, const Surroundings& around);
  void MaybeShrinkIsr(const Surroundings& around);
  void Propose(NodeIds isr, const Surroundings& around);
  std::vector<BrokerEpoch> BrokerEpochs(const NodeIds& isr, const Surroundings& around) const;
  void SendAttempt();
  MonoTime ShrinkDeadline() const;

  // following.cc
  void OnFetched(const Fetched& fetched, MonoTime now);
  void OnRefusal(ErrorCode error, MonoTime now);
  void OnDiverging(const EpochEndOffset& diverging, LeaderEpoch asked, MonoTime now);
  void AppendFetchedBatches(const Fetched& fetched, MonoTime now);
  void TakeOverLogStart(const Fetched& fetched);
  bool IsContinuation(const std::vector<FetchedBatch>& batches) const;
  void OnEpochEndAnswered(const EpochEndAnswered& answer, MonoTime now);
  void OnOffsetsAnswered(const OffsetsAnswered& answer, MonoTime now);
  void Truncate(Offset end);
  void Restart(Offset start);
  void BackOff(MonoTime now);

  // serving.cc
  ErrorCode CheckEpoch(LeaderEpoch current_leader_epoch) const;
  FetchAnswer Refuse(ErrorCode error) const;
  FetchAnswer CheckPosition(const FetchPosition& position) const;
  NodeId PreferredReadReplica(const ConsumerFetch& fetch, const Surroundings& around) const;

  Leader& leading() { return std::get<Leader>(role_); }
  const Leader& leading() const { return std::get<Leader>(role_); }
  bool leads() const { return std::holds_alternative<Leader>(role_); }
  void Say(Effect effect) { output_.effects.push_back(std::move(effect)); }

  Options options_;
  // Not a reference: replicas are copied and assigned.
  base::Context* context_;
  LogFacts log_;
  LeaderEpoch leader_epoch_ = kNoLeaderEpoch;
  PartitionEpoch partition_epoch_ = kNoPartitionEpoch;
  RoleState role_;
  // Never used twice by one machine.
  int64_t attempts_ = 0;
  Output output_;
};

}  // namespace odradek::replication
