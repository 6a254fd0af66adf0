// What a leader does: counts what is appended and fetched, moves the high watermark and the low one, and tells those
// who wait for them.
#include <algorithm>
#include <vector>

#include "engine/base/check.h"
#include "engine/replication/replica.h"

namespace odradek::replication {
namespace {

// What most of the replicas have, whoever of them is in sync (BUG_ZOO RP02).
Offset MajorityEnd(Offset own_end, const Followers& followers, const Brokers& brokers) {
  std::vector<Offset> ends = {own_end};
  for (const auto& [replica, progress] : followers.all()) {
    ends.push_back(followers.EndOf(replica, brokers).value_or(Offset(0)));
  }
  std::ranges::sort(ends, std::ranges::greater());
  return ends[ends.size() / 2];
}

}  // namespace

Offset Replica::own_end() const {
  if (options_.own_end == OwnEnd::kAppended) return log_.end();
  return std::min(leading().flushed_end, log_.end());
}

size_t Replica::effective_min_isr() const {
  REQUIRES(leads());
  return std::min(static_cast<size_t>(options_.min_insync_replicas), leading().replica_count);
}

void Replica::OnAppended(const Appended& appended) {
  REQUIRES(leads());
  REQUIRES(appended.leader_epoch == leader_epoch_);
  log_.Append(appended.leader_epoch, log_.end(), appended.end);
}

void Replica::OnFlushed(const Flushed& flushed) {
  REQUIRES(flushed.end <= log_.end());
  if (leads()) leading().flushed_end = std::max(leading().flushed_end, flushed.end);
}

void Replica::OnLogStartRaised(const LogStartRaised& raised) {
  REQUIRES(raised.start <= log_.high_watermark());
  log_.RaiseStart(raised.start);
}

void Replica::OnAwaitCommit(const AwaitCommit& wait) {
  REQUIRES(wait.end <= log_.end() || wait.leader_epoch != leader_epoch_);
  // Whoever led in between may have truncated what was appended.
  if (leads() && wait.leader_epoch == leader_epoch_) {
    leading().commits.Add({wait.token, wait.end, wait.until});
    return;
  }
  const auto* absent = std::get_if<Absent>(&role_);
  Say(AnswerCommit{wait.token, absent != nullptr ? absent->error : ErrorCode::kNotLeaderOrFollower});
}

void Replica::OnDeleteRecords(const DeleteRecords& request) {
  constexpr Offset kUpToHighWatermark{-1};
  if (!leads()) {
    const auto* absent = std::get_if<Absent>(&role_);
    const ErrorCode error = absent != nullptr ? absent->error : ErrorCode::kNotLeaderOrFollower;
    Say(AnswerDeleteRecords{request.token, error, kNoOffset});
    return;
  }
  const Offset before = request.before == kUpToHighWatermark ? log_.high_watermark() : request.before;
  if (before < Offset(0) || before > log_.high_watermark()) {
    Say(AnswerDeleteRecords{request.token, ErrorCode::kOffsetOutOfRange, kNoOffset});
    return;
  }
  if (before > log_.start()) {
    log_.RaiseStart(before);
    Say(RaiseLogStart{before});
  }
  leading().deletions.Add({request.token, before, request.until});
  INVARIANT(log_.start() >= before);
}

void Replica::OnFollowerFetch(const FollowerFetch& fetch, const Surroundings& around) {
  const FetchAnswer check = AnswerTo(fetch, around);
  // A fetch that is refused or has to truncate first shows nothing of the follower's log (SEMANTICS 24).
  const bool shows_its_log = check.diverging.is_none() || MUTATION(*context_, RP21);
  if (check.error == ErrorCode::kNone && shows_its_log) {
    INVARIANT(leads());
    leading().followers.OnFetch(
        {.replica = fetch.replica,
         .broker_epoch = fetch.broker_epoch,
         .offset = std::min(fetch.position.fetch_offset, log_.end()),
         .log_start = std::clamp(fetch.position.log_start, kNoOffset, fetch.position.fetch_offset),
         .leader_end = log_.end(),
         .now = around.now});
    // Before the high watermark moves: it waits for whoever is about to join.
    MaybeExpandIsr(fetch.replica, around);
    AfterLeaderEvent(around);
  }
  Say(AnswerFetch{fetch.token, AnswerTo(fetch, around)});
}

// Who has to have a record before it is committed. Also, before it is proposed, a replica that could be added: a high
// watermark that runs ahead of it would keep it out for ever. Not one that could not: it would hold everybody up
// (KAFKA-15021, BUG_ZOO RP22).
bool Replica::HoldsBack(NodeId replica, const Surroundings& around) const {
  const Leader& leader = leading();
  if (leader.isr.MaximalHas(replica)) return true;
  const Followers::Lag lag{log_.end(), around.now, options_.replica_lag_time_max};
  if (!leader.followers.IsCaughtUp(replica, lag)) return false;
  return leader.followers.IsEligible(replica, around.brokers) || MUTATION(*context_, RP22);
}

// Up to where everything is committed, as far as the followers have told. nullopt: cannot be said now.
std::optional<Offset> Replica::CommittedEnd(const Surroundings& around) const {
  REQUIRES(leads());
  const Leader& leader = leading();
  // KIP-966: below min ISR the controller may elect a member of the ELR, of whom a leader knows nothing (RP07). The
  // committed ISR counts: a proposed addition may never come to be.
  if (leader.isr.committed().size() < effective_min_isr() && !MUTATION(*context_, RP07)) return std::nullopt;
  Offset end = own_end();
  if (MUTATION(*context_, RP01)) return end;
  if (MUTATION(*context_, RP02)) return MajorityEnd(end, leader.followers, around.brokers);
  for (const auto& [replica, progress] : leader.followers.all()) {
    if (!HoldsBack(replica, around)) continue;
    const std::optional<Offset> known = leader.followers.EndOf(replica, around.brokers);
    if (!known) return std::nullopt;
    end = std::min(end, *known);
  }
  for (const NodeId member : leader.isr.committed()) {
    // R8: the ISR is made of replicas.
    if (member != options_.self && !leader.followers.Has(member)) return std::nullopt;
  }
  return end;
}

// After whatever may have changed it: no path may forget that the high watermark depends on it (RP23).
void Replica::AfterLeaderEvent(const Surroundings& around) {
  REQUIRES(leads());
  const std::optional<Offset> committed = CommittedEnd(around);
  if (committed && log_.RaiseHighWatermark(*committed)) Say(AdvanceHighWatermark{log_.high_watermark()});
  AnswerCommits(around.now);
  AnswerDeletions(around);
  const std::optional<IsrChange>& change = leading().isr.change();
  if (change && change->state == IsrChange::State::kRetrying && change->retry_at <= around.now) {
    leading().isr.Retry(AttemptId(++attempts_));
    SendAttempt();
  }
  MaybeReportRecovery(around);
  MaybeShrinkIsr(around);
}

void Replica::AnswerCommits(MonoTime now) {
  Leader& leader = leading();
  // The records stay, and if the ISR grows again they are committed: the producer is told that it does not know.
  const bool is_enough = leader.isr.committed().size() >= effective_min_isr();
  const ErrorCode reached = is_enough ? ErrorCode::kNone : ErrorCode::kNotEnoughReplicasAfterAppend;
  for (const Waiter& waiter : leader.commits.TakeReached(log_.high_watermark())) {
    Say(AnswerCommit{waiter.token, reached});
  }
  for (const Waiter& waiter : leader.commits.TakeLate(now)) {
    INVARIANT(waiter.offset > log_.high_watermark());
    Say(AnswerCommit{waiter.token, ErrorCode::kRequestTimedOut});
  }
}

std::optional<Offset> Replica::LowWatermark(const Brokers& brokers) const {
  if (!leads()) return std::nullopt;
  Offset low = log_.start();
  for (const auto& [replica, progress] : leading().followers.all()) {
    const auto broker = brokers.find(replica);
    // Who is gone deletes when it comes back: it learns the log start with its first fetch.
    if (broker == brokers.end() || broker->second.fenced) continue;
    if (progress.log_start == kNoOffset) return std::nullopt;
    low = std::min(low, progress.log_start);
  }
  INVARIANT(low <= log_.start());
  return low;
}

void Replica::AnswerDeletions(const Surroundings& around) {
  Leader& leader = leading();
  if (leader.deletions.is_empty()) return;
  const std::optional<Offset> low = LowWatermark(around.brokers);
  if (low) {
    for (const Waiter& waiter : leader.deletions.TakeReached(*low)) {
      Say(AnswerDeleteRecords{waiter.token, ErrorCode::kNone, *low});
    }
  }
  for (const Waiter& waiter : leader.deletions.TakeLate(around.now)) {
    INVARIANT(!low || waiter.offset > *low);
    Say(AnswerDeleteRecords{waiter.token, ErrorCode::kRequestTimedOut, low.value_or(kNoOffset)});
  }
}

}  // namespace odradek::replication
