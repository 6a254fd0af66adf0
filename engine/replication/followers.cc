#include "engine/replication/followers.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::replication {
namespace {

// Whether the metadata knows a later incarnation than the one that said `epoch`.
bool IsReplaced(NodeId replica, BrokerEpoch epoch, const Brokers& brokers) {
  const auto broker = brokers.find(replica);
  return epoch != kNoBrokerEpoch && broker != brokers.end() && broker->second.epoch > epoch;
}

}  // namespace

void Followers::Reset(const std::vector<NodeId>& replicas, const std::vector<NodeId>& isr, MonoTime now) {
  progress_.clear();
  SetReplicas(replicas);
  for (auto& [replica, progress] : progress_) {
    if (std::ranges::find(isr, replica) != isr.end()) progress.caught_up_at = now;
    INVARIANT(!progress.end && progress.broker_epoch == kNoBrokerEpoch);
  }
}

void Followers::SetReplicas(const std::vector<NodeId>& replicas) {
  std::erase_if(progress_,
                [&replicas](const auto& entry) { return std::ranges::find(replicas, entry.first) == replicas.end(); });
  for (const NodeId replica : replicas) {
    if (replica != self_) progress_.try_emplace(replica);
  }
  INVARIANT(!progress_.contains(self_));
}

void Followers::Forget(NodeId replica) {
  const auto at = progress_.find(replica);
  if (at != progress_.end()) at->second = {};
}

const Progress* Followers::Find(NodeId replica) const {
  const auto at = progress_.find(replica);
  return at == progress_.end() ? nullptr : &at->second;
}

bool Followers::IsCurrent(NodeId replica, BrokerEpoch broker_epoch, const Brokers& brokers) const {
  const Progress* progress = Find(replica);
  REQUIRES(progress != nullptr);
  if (broker_epoch == kNoBrokerEpoch) return true;
  // The metadata here may be behind what the replica itself has already said.
  return !IsReplaced(replica, broker_epoch, brokers) && broker_epoch >= progress->broker_epoch;
}

void Followers::OnFetch(const Fetched& fetch) {
  REQUIRES(Has(fetch.replica));
  REQUIRES(fetch.offset <= fetch.leader_end);
  Progress& progress = progress_[fetch.replica];
  if (fetch.offset >= fetch.leader_end) {
    progress.caught_up_at = std::max(progress.caught_up_at.value_or(fetch.now), fetch.now);
  } else if (progress.fetched_at && fetch.offset >= progress.leader_end_at_fetch) {
    // It has now what we had when it fetched before: then it was not behind.
    progress.caught_up_at = std::max(progress.caught_up_at.value_or(*progress.fetched_at), *progress.fetched_at);
  }
  progress.leader_end_at_fetch = std::max(progress.leader_end_at_fetch, fetch.leader_end);
  progress.fetched_at = fetch.now;
  progress.end = fetch.offset;
  progress.log_start = fetch.log_start;
  progress.broker_epoch = fetch.broker_epoch;
}

std::optional<Offset> Followers::EndOf(NodeId replica, const Brokers& brokers) const {
  const Progress* progress = Find(replica);
  if (progress == nullptr || IsReplaced(replica, progress->broker_epoch, brokers)) return std::nullopt;
  return progress->end;
}

bool Followers::IsCaughtUp(NodeId replica, const Lag& lag) const {
  const Progress* progress = Find(replica);
  if (progress == nullptr) return false;
  if (progress->end == lag.leader_end) return true;
  return progress->caught_up_at && lag.now - *progress->caught_up_at <= lag.lag_max;
}

bool Followers::IsEligible(NodeId replica, const Brokers& brokers) const {
  const Progress* progress = Find(replica);
  const auto broker = brokers.find(replica);
  // KIP-966's check: whoever has not fetched in this leader epoch has not shown anything.
  if (progress == nullptr || !progress->end || broker == brokers.end()) return false;
  const bool is_known = progress->broker_epoch == kNoBrokerEpoch || progress->broker_epoch == broker->second.epoch;
  return is_known && !broker->second.fenced && !broker->second.in_controlled_shutdown;
}

}  // namespace odradek::replication
