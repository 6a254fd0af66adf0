#include "engine/replication/replica.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::replication {

Replica::Replica(const Options& options, LogFacts log, base::Context& context)
    : options_(options), context_(&context), log_(std::move(log)) {
  REQUIRES(options_.self >= NodeId(0));
  REQUIRES(options_.min_insync_replicas >= 1);
}

Role Replica::role() const {
  if (leads()) return Role::kLeader;
  return std::holds_alternative<Follower>(role_) ? Role::kFollower : Role::kNone;
}

NodeId Replica::leader() const {
  if (leads()) return options_.self;
  const auto* follower = std::get_if<Follower>(&role_);
  return follower == nullptr ? kNoNode : follower->leader;
}

Output Replica::Step(const Surroundings& around, const Event& event) {
  REQUIRES(output_.effects.empty());
  Dispatch(around, event);
  return Finish(around);
}

Output Replica::Tick(const Surroundings& around) {
  REQUIRES(output_.effects.empty());
  auto* follower = std::get_if<Follower>(&role_);
  if (follower != nullptr && around.now >= follower->not_before) follower->not_before = MonoTime();
  return Finish(around);
}

Output Replica::Finish(const Surroundings& around) {
  const Offset before = log_.high_watermark();
  const bool has_new_isr = !output_.effects.empty() && std::holds_alternative<AnnounceIsr>(output_.effects.front());
  if (leads() && !(has_new_isr && MUTATION(*context_, RP23))) AfterLeaderEvent(around);
  INVARIANT(log_.high_watermark() >= before);
  INVARIANT(!leads() || leading().isr.partition_epoch() == partition_epoch_);
  return std::exchange(output_, {});
}

MonoTime Replica::next_deadline() const {
  if (leads()) {
    return std::min({leading().commits.next_deadline(), leading().deletions.next_deadline(), ShrinkDeadline()});
  }
  const auto* follower = std::get_if<Follower>(&role_);
  if (follower == nullptr || follower->not_before == MonoTime()) return MonoTime::Never();
  return follower->not_before;
}

void Replica::Dispatch(const Surroundings& around, const Event& event) {
  struct Visitor {
    Replica& replica;
    const Surroundings& around;
    void operator()(const PartitionChanged& e) { replica.OnPartitionChanged(e.registration, around); }
    void operator()(const PartitionRemoved&) { replica.BecomeAbsent({}); }
    void operator()(const BrokersChanged&) {}
    void operator()(const LimitsChanged& e) {
      REQUIRES(e.min_insync_replicas >= 1);
      replica.options_.replica_lag_time_max = e.replica_lag_time_max;
      replica.options_.replica_fetch_backoff = e.replica_fetch_backoff;
      replica.options_.min_insync_replicas = e.min_insync_replicas;
      replica.options_.own_end = e.own_end;
    }
    void operator()(const Appended& e) { replica.OnAppended(e); }
    void operator()(const Flushed& e) { replica.OnFlushed(e); }
    void operator()(const LogStartRaised& e) { replica.OnLogStartRaised(e); }
    void operator()(const AwaitCommit& e) { replica.OnAwaitCommit(e); }
    void operator()(const FollowerFetch& e) { replica.OnFollowerFetch(e, around); }
    void operator()(const AlterPartitionAnswered& e) { replica.OnAlterPartitionAnswered(e, around.now); }
    void operator()(const DeleteRecords& e) { replica.OnDeleteRecords(e); }
    void operator()(const Fetched& e) { replica.OnFetched(e, around.now); }
    void operator()(const EpochEndAnswered& e) { replica.OnEpochEndAnswered(e, around.now); }
    void operator()(const OffsetsAnswered& e) { replica.OnOffsetsAnswered(e, around.now); }
    void operator()(const Resign& e) { replica.BecomeAbsent({.error = e.why, .resigned = true}); }
  };
  std::visit(Visitor{*this, around}, event);
}

// Whether the metadata says something that we do not know yet. What we know may be newer: answers to AlterPartition are
// faster.
bool Replica::IsNews(const Registration& registration) {
  const bool is_later_epoch = registration.leader_epoch > leader_epoch_;
  if (registration.leader_epoch < leader_epoch_ || registration.partition_epoch < partition_epoch_) return false;
  // The same partition epoch again must not end a change that was proposed in it (BUG_ZOO RP06).
  if (registration.partition_epoch == partition_epoch_ && !is_later_epoch) return false;
  const bool has_role = role() != Role::kNone;
  const bool is_contradiction =
      is_later_epoch ? registration.partition_epoch == partition_epoch_ : has_role && registration.leader != leader();
  if (is_contradiction) Say(ReportTrouble{Trouble::kContradictoryMetadata});
  return !is_contradiction;
}

void Replica::OnPartitionChanged(const Registration& registration, const Surroundings& around) {
  const auto* absent = std::get_if<Absent>(&role_);
  if (absent != nullptr && absent->error == ErrorCode::kKafkaStorageError) return;
  if (!IsNews(registration)) {
    // An answer to AlterPartition was faster, and said nothing of the replicas.
    const bool is_known =
        registration.leader_epoch == leader_epoch_ && registration.partition_epoch == partition_epoch_;
    if (leads() && is_known) Assign(registration);
    return;
  }
  // KIP-966's check: only a later epoch begins anew; in the same one, what was fetched and who was heard of stays.
  const bool is_later_epoch = registration.leader_epoch > leader_epoch_;
  const bool is_new_here = absent != nullptr && !absent->resigned;
  const bool is_resigned = absent != nullptr && absent->resigned && !is_later_epoch;
  leader_epoch_ = registration.leader_epoch;
  partition_epoch_ = registration.partition_epoch;
  if (is_resigned) return;
  if (!Contains(registration.replicas, options_.self)) {
    BecomeAbsent({});
  } else if (registration.leader == options_.self) {
    if (leads() && !is_later_epoch) return RemainLeader(registration);
    if (is_later_epoch && leader_epoch_ > log_.latest_epoch()) return BecomeLeader(registration, around);
    // Nobody leads twice in one epoch, nor in one of which there are records already.
    Say(ReportTrouble{Trouble::kContradictoryMetadata});
    BecomeAbsent({.error = ErrorCode::kNotLeaderOrFollower, .resigned = true});
  } else if (is_later_epoch || is_new_here) {
    BecomeFollower(registration, around);
  }
}

// What does not depend on the ISR.
void Replica::Assign(const Registration& registration) {
  REQUIRES(leads());
  Leader& leader = leading();
  leader.followers.SetReplicas(registration.replicas);
  leader.replica_count = registration.replicas.size();
  leader.adding_replicas = registration.adding_replicas;
  leader.removing_replicas = registration.removing_replicas;
}

void Replica::BecomeLeader(const Registration& registration, const Surroundings& around) {
  REQUIRES(registration.leader == options_.self);
  Leader next{.followers = Followers(options_.self)};
  next.epoch_start = log_.end();
  next.flushed_end = log_.high_watermark();
  if (leads()) {
    // Still ours: nobody else has led since, or nobody of whom we had to learn. What waits is still in the log.
    next.commits = leading().commits;
    next.deletions = leading().deletions;
    next.flushed_end = leading().flushed_end;
  }
  if (leads() && MUTATION(*context_, RP20)) {
    next.followers = leading().followers;
  } else {
    next.followers.Reset(registration.replicas, registration.isr, around.now);
  }
  next.isr = Isr(registration.isr, registration.partition_epoch);
  next.recovery = registration.recovery;
  // Written at once, not with the first record: a follower may have records of an epoch that nobody here has seen, and
  // must be told where the last common one ends (KAFKA-7415, BUG_ZOO RP11).
  if (!MUTATION(*context_, RP11)) {
    log_.BeginEpoch(leader_epoch_);
    Say(BeginLeaderEpoch{leader_epoch_, next.epoch_start});
  }
  role_ = std::move(next);
  Assign(registration);
  Announce();
  Say(AnnounceIsr{registration.isr, partition_epoch_});
}

void Replica::RemainLeader(const Registration& registration) {
  REQUIRES(leads());
  Assign(registration);
  CommitIsr(registration.isr, registration.partition_epoch, registration.recovery);
}

void Replica::BecomeFollower(const Registration& registration, const Surroundings& around) {
  REQUIRES(registration.leader != options_.self);
  BecomeAbsent({});
  Follower next{.leader = registration.leader};
  const bool asks = options_.truncation == Truncation::kByEpochRequest && log_.latest_epoch() != kNoLeaderEpoch;
  next.phase = asks ? Follower::Phase::kTruncating : Follower::Phase::kFetching;
  INVARIANT(NextQuestion(around.now) == std::nullopt);
  if (log_.high_watermark() < log_.end() && MUTATION(*context_, RP09)) Truncate(log_.high_watermark());
  role_ = next;
  Announce();
}

// Nobody waits for this replica any more.
void Replica::BecomeAbsent(const Absent& absent) {
  REQUIRES(absent.error != ErrorCode::kNone);
  const bool had_role = role() != Role::kNone;
  if (leads()) {
    Leader leader = std::move(leading());
    for (const Waiter& waiter : leader.commits.TakeAll()) Say(AnswerCommit{waiter.token, absent.error});
    for (const Waiter& waiter : leader.deletions.TakeAll()) {
      Say(AnswerDeleteRecords{waiter.token, absent.error, kNoOffset});
    }
  }
  role_ = absent;
  if (had_role) Announce();
  INVARIANT(!leads());
}

void Replica::Announce() {
  Say(AnnounceRole{role(), leader(), leader_epoch_});
}

}  // namespace odradek::replication
