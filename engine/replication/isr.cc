#include "engine/replication/isr.h"

#include <utility>

#include "engine/base/check.h"

namespace odradek::replication {

NodeIds Isr::Maximal() const {
  NodeIds ids = committed_;
  if (!change_) return ids;
  for (const NodeId id : change_->isr) {
    if (!Has(id)) ids.push_back(id);
  }
  INVARIANT(ids.size() >= committed_.size());
  return ids;
}

void Isr::Propose(IsrChange change) {
  REQUIRES(!change_);
  REQUIRES(change.isr.size() == change.broker_epochs.size());
  change_ = std::move(change);
}

void Isr::Retry(AttemptId attempt) {
  REQUIRES(change_ && change_->state == IsrChange::State::kRetrying);
  REQUIRES(attempt > change_->attempt);
  change_->attempt = attempt;
  change_->state = IsrChange::State::kSent;
}

void Isr::RetryLater(MonoTime at) {
  REQUIRES(change_ && change_->state == IsrChange::State::kSent);
  change_->state = IsrChange::State::kRetrying;
  change_->retry_at = at;
}

void Isr::GetStuck() {
  REQUIRES(change_ && change_->state == IsrChange::State::kSent);
  change_->state = IsrChange::State::kStuck;
}

void Isr::Revert() {
  REQUIRES(change_);
  change_.reset();
  INVARIANT(!is_changing());
}

void Isr::Commit(NodeIds committed, PartitionEpoch epoch) {
  REQUIRES(epoch >= partition_epoch_);
  committed_ = std::move(committed);
  partition_epoch_ = epoch;
  change_.reset();
}

}  // namespace odradek::replication
