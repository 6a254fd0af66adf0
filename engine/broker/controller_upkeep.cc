// What a controller does at its own times: it fences silent brokers, takes snapshots and deletes the log before them.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/broker/controller.h"
#include "engine/raft/raft.h"

namespace odradek::broker {

void Controller::RunMaintenance(fiber::Fiber& self) {
  // Of snapshots and sessions.
  constexpr Duration kCheckEvery = Duration::Seconds(1);
  const Duration no_op_every = options_.config.no_op_interval.value_or(Duration::kMax);
  MonoTime no_op_due = self.Now() + no_op_every;
  while (!stopping_) {
    stop_.WaitUntil(self, std::min(no_op_due, self.Now() + kCheckEvery));
    if (stopping_) return;
    if (self.Now() >= no_op_due) {
      no_op_due = self.Now() + no_op_every;
      const fiber::MutexLock lock(self, deciding_);
      if (const std::optional<Decider> decider = Activate(self)) Commit(self, *decider, {protocol::NoOpRecord{}});
    }
    FenceExpired(self);
    HoldElections(self);
    NoteLost(self);
    TellKept(self);
    if (IsSnapshotDue()) TakeSnapshot(self);
  }
}

void Controller::FenceExpired(fiber::Fiber& self) {
  const fiber::MutexLock lock(self, deciding_);
  const std::optional<Decider> decider = Activate(self);
  if (!decider) return;
  // This process is there.
  heartbeats_.Received({options_.config.node_id, broker_epoch_}, applied_.offset - 1, self.Now());
  while (const auto expired = heartbeats_.FindExpired(machine_->image(), self.Now())) {
    REACHED(env_.context, "broker.controller.fenced_silent_broker");
    env_.log.Write(env::LogLevel::kWarning, "broker", "a broker is fenced: it is silent",
                   {{"broker", fmt::format("{}", expired->id.value())}});
    auto fenced = machine_->FenceBroker(expired->id, expired->epoch);
    if (fenced.response || !Commit(self, *decider, std::move(fenced.records))) return;
    heartbeats_.Fenced(*expired);
  }
}

bool Controller::IsSnapshotDue() const {
  if (applied_.bytes == 0) return false;
  if (applied_.bytes >= options_.config.snapshot_after_bytes) return true;
  const std::optional<Duration> after = options_.config.snapshot_after_time;
  return after && env_.clock.Now() - last_snapshot_ >= *after;
}

void Controller::TakeSnapshot(fiber::Fiber& self) {
  const raft::LogFacts& facts = quorum_->machine().log();
  const Offset end = MUTATION(env_.context, CT13) ? applied_.offset - 1 : applied_.offset;
  const std::optional<LeaderEpoch> epoch = facts.EpochBefore(end);
  const std::optional<raft::SnapshotId> latest = facts.latest_snapshot();
  // Half a transaction belongs into no snapshot; neither does what a snapshot of the leader has overtaken.
  if (machine_->state().in_transaction() || !epoch || (latest && latest->offset >= end)) return;
  const raft::SnapshotId id{*epoch, end};
  const metadata::Image image = machine_->image();
  const int64_t bytes_before = applied_.bytes;
  // A follower hears that a record is committed before it has synced it. A log that ends below its snapshot after a
  // loss of power would be no log.
  if (log_->flushed_end() < end) Must(self, log_->Flush(self));
  const absl::StatusOr<int64_t> written = log_->WriteSnapshot(self, image, id, quorum_->machine().voters());
  if (!written.ok()) {
    env_.log.Write(env::LogLevel::kError, "broker", "metadata snapshot cannot be written",
                   {{"why", written.status().ToString()}});
    return;
  }
  quorum_->SnapshotTaken(id, *written);
  applied_.bytes = std::max<int64_t>(applied_.bytes - bytes_before, 0);
  TrimLog(id);
  last_snapshot_ = env_.clock.Now();
}

void Controller::TrimLog(const raft::SnapshotId& newest) {
  int64_t size_bytes = log_->size_bytes();
  for (const raft::SnapshotFacts& snapshot : quorum_->machine().log().snapshots()) size_bytes += snapshot.size_bytes;
  const config::BrokerConfig& config = options_.config;
  const bool is_too_large = config.metadata_retention_bytes && size_bytes > *config.metadata_retention_bytes;
  const Duration age = env_.clock.Now() - oldest_snapshot_;
  const bool is_too_old = config.metadata_retention_time && age > *config.metadata_retention_time;
  if (!is_too_large && !is_too_old) return;
  REACHED(env_.context, "broker.metadata.log_trimmed");
  quorum_->TrimLog(newest);
  oldest_snapshot_ = env_.clock.Now();
}

}  // namespace odradek::broker
