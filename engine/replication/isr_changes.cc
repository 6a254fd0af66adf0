// Who joins the ISR and who leaves it: what a leader proposes to the controller, and what it makes of the answers.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/check.h"
#include "engine/replication/replica.h"

namespace odradek::replication {
namespace {

// What an AlterPartition's error says about the change that was asked for.
enum class Fate : uint8_t {
  kNotApplied,  // the partition epoch was right, and the controller did nothing
  kSuperseded,  // the controller knows more than we: the metadata will tell
  kUnknown,     // ask again
};

Fate FateOf(ErrorCode error) {
  switch (error) {
    case ErrorCode::kOperationNotAttempted:
    case ErrorCode::kIneligibleReplica:
      return Fate::kNotApplied;
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kInvalidUpdateVersion:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kNewLeaderElected:
      return Fate::kSuperseded;
    default:
      return Fate::kUnknown;
  }
}

}  // namespace

void Replica::OnAlterPartitionAnswered(const AlterPartitionAnswered& answer, MonoTime now) {
  if (!leads()) return;
  Isr& isr = leading().isr;
  // Of a change that the metadata has ended, or of an earlier attempt (KAFKA-12686, BUG_ZOO RP06).
  const bool is_awaited =
      isr.change() && isr.change()->attempt == answer.attempt && isr.change()->state == IsrChange::State::kSent;
  if (!is_awaited) {
    if (isr.is_changing() && MUTATION(*context_, RP06)) isr.Revert();
    return;
  }
  if (answer.error == ErrorCode::kNone) return OnIsrCommitted(answer.committed);
  Fate fate = FateOf(answer.error);
  if (fate == Fate::kUnknown && MUTATION(*context_, RP05)) fate = Fate::kNotApplied;
  switch (fate) {
    case Fate::kNotApplied:
      isr.Revert();
      leading().next_change_at = now + options_.alter_partition_backoff;
      break;
    case Fate::kSuperseded:
      isr.GetStuck();
      break;
    case Fate::kUnknown:
      // It may have been applied: the additions go on counting (RP05).
      isr.RetryLater(now + options_.alter_partition_backoff);
      break;
  }
}

void Replica::OnIsrCommitted(const CommittedIsr& committed) {
  REQUIRES(leads());
  const bool is_ours = committed.leader == options_.self && committed.leader_epoch == leader_epoch_;
  if (!is_ours || committed.partition_epoch < partition_epoch_) return leading().isr.GetStuck();
  CommitIsr(committed.isr, committed.partition_epoch, committed.recovery);
}

void Replica::CommitIsr(const NodeIds& isr, PartitionEpoch epoch, LeaderRecoveryState recovery) {
  REQUIRES(epoch >= partition_epoch_);
  partition_epoch_ = epoch;
  // Whoever is out shows anew what it has: until then it may be gone, and holds nobody up (as its disk may be,
  // KIP-858).
  for (const NodeId member : leading().isr.committed()) {
    if (!Contains(isr, member)) leading().followers.Forget(member);
  }
  leading().isr.Commit(isr, epoch);
  leading().recovery = recovery;
  Say(AnnounceIsr{isr, partition_epoch_});
  INVARIANT(!leading().isr.is_changing());
}

// KIP-966's checks: it has all that is committed, also what an earlier leader may have committed without our knowing.
bool Replica::IsInSync(NodeId replica, const Surroundings& around) const {
  REQUIRES(leads());
  const std::optional<Offset> end = leading().followers.EndOf(replica, around.brokers);
  const Progress* progress = leading().followers.Find(replica);
  // What it has below our log start was never compared with ours, and may be something else. It goes with the answer to
  // this fetch. Versions that do not say where the log starts are taken at their word, as in Kafka.
  const bool has_deleted =
      progress != nullptr && (progress->log_start == kNoOffset || progress->log_start >= log_.start());
  return has_deleted && end && *end >= log_.high_watermark() && *end >= leading().epoch_start;
}

// Only a fetch brings a replica into the ISR: the next one tries again what the controller has refused.
void Replica::MaybeExpandIsr(NodeId replica, const Surroundings& around) {
  const Leader& leader = leading();
  if (leader.isr.is_changing() || around.now < leader.next_change_at || leader.isr.Has(replica)) return;
  if (!leader.followers.IsEligible(replica, around.brokers) || !IsInSync(replica, around)) return;
  NodeIds isr = leader.isr.committed();
  isr.push_back(replica);
  INVARIANT(leader.followers.Has(replica));
  Propose(std::move(isr), around);
}

void Replica::MaybeShrinkIsr(const Surroundings& around) {
  const Leader& leader = leading();
  if (leader.isr.is_changing() || around.now < leader.next_change_at) return;
  const Followers::Lag lag{log_.end(), around.now, options_.replica_lag_time_max};
  const auto stays = [&](NodeId member) { return member == options_.self || leader.followers.IsCaughtUp(member, lag); };
  // Mostly all stay: then no list is made.
  if (std::ranges::all_of(leader.isr.committed(), stays)) return;
  NodeIds isr;
  std::ranges::copy_if(leader.isr.committed(), std::back_inserter(isr), stays);
  INVARIANT(isr.size() < leader.isr.committed().size());
  if (MUTATION(*context_, RP04)) leading().isr.Commit(isr, partition_epoch_);
  Propose(std::move(isr), around);
}

// After an unclean election (KIP-704). There is nothing to recover: the log is what it is.
void Replica::MaybeReportRecovery(const Surroundings& around) {
  REQUIRES(leads());
  const Leader& leader = leading();
  if (leader.recovery == LeaderRecoveryState::kRecovered || leader.isr.is_changing()) return;
  if (around.now >= leader.next_change_at) Propose(leader.isr.committed(), around);
}

MonoTime Replica::ShrinkDeadline() const {
  REQUIRES(leads());
  const Leader& leader = leading();
  if (const std::optional<IsrChange>& change = leader.isr.change()) {
    return change->state == IsrChange::State::kRetrying ? change->retry_at : MonoTime::Never();
  }
  if (leader.recovery == LeaderRecoveryState::kRecovering) return leader.next_change_at;
  MonoTime first = MonoTime::Never();
  for (const NodeId member : leader.isr.committed()) {
    const Progress* progress = leader.followers.Find(member);
    if (member == options_.self || progress == nullptr || progress->end == log_.end()) continue;
    const MonoTime in_sync_until = progress->caught_up_at.value_or(MonoTime()) + options_.replica_lag_time_max;
    first = std::min(first, in_sync_until + Duration::Nanos(1));
  }
  return std::max(first, leader.next_change_at);
}

void Replica::Propose(NodeIds isr, const Surroundings& around) {
  REQUIRES(!leading().isr.is_changing());
  IsrChange change;
  change.broker_epochs = BrokerEpochs(isr, around);
  change.isr = std::move(isr);
  change.attempt = AttemptId(++attempts_);
  leading().isr.Propose(std::move(change));
  SendAttempt();
}

// KIP-903: the incarnation that fetched, not the one that is registered now; the controller refuses it if they differ.
// None for a member of the ISR that has not fetched yet: if it is not the one that was added, the partition epoch is
// another (KIP-966's check, on the controller's side).
std::vector<BrokerEpoch> Replica::BrokerEpochs(const NodeIds& isr, const Surroundings& around) const {
  std::vector<BrokerEpoch> epochs;
  for (const NodeId member : isr) {
    const Progress* progress = leading().followers.Find(member);
    const BrokerEpoch fetched = progress == nullptr ? kNoBrokerEpoch : progress->broker_epoch;
    epochs.push_back(member == options_.self ? around.broker_epoch : fetched);
  }
  INVARIANT(epochs.size() == isr.size());
  return epochs;
}

void Replica::SendAttempt() {
  const std::optional<IsrChange>& change = leading().isr.change();
  INVARIANT(change && change->state == IsrChange::State::kSent);
  Say(SendAlterPartition{.attempt = change->attempt,
                         .leader_epoch = leader_epoch_,
                         .partition_epoch = partition_epoch_,
                         .isr = change->isr,
                         .broker_epochs = change->broker_epochs,
                         .recovery = LeaderRecoveryState::kRecovered});
}

}  // namespace odradek::replication
