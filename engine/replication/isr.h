// The in-sync replicas as their leader sees them: the set that the controller has committed, and the change that it has
// been asked for. A value; nothing suspends.
//
//  1. The maximal ISR is a superset of whatever the controller may have committed: additions count from the moment at
//     which they are proposed, removals only when they are committed (KIP-497; PROPERTIES R7; BUG_ZOO RP04).
//  2. One change is under way at a time. It ends when its last attempt is answered, or when the metadata shows a later
//     partition epoch. An error ends it only if it proves that no attempt was applied (RP05).
//  3. The partition epoch never falls (R14).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/replication/types.h"

namespace odradek::replication {

using NodeIds = std::vector<NodeId>;  // without doubles

inline bool Contains(const NodeIds& ids, NodeId id) {
  for (const NodeId known : ids) {
    if (known == id) return true;
  }
  return false;
}

// An AlterPartition that is not answered yet.
struct IsrChange {
  NodeIds isr;
  // Broker epochs of `isr`, in the same order (KIP-903).
  std::vector<BrokerEpoch> broker_epochs;
  AttemptId attempt{0};  // the last one
  enum class State : uint8_t {
    kSent,      // the answer to `attempt` is awaited
    kRetrying,  // nobody knows what became of it: it is sent again at `retry_at`
    kStuck,     // the controller knows something that we do not: only the metadata can end it
  };
  State state = State::kSent;
  MonoTime retry_at;
  friend bool operator==(const IsrChange&, const IsrChange&) = default;
};

class Isr {
 public:
  Isr() = default;
  Isr(NodeIds committed, PartitionEpoch epoch) : committed_(std::move(committed)), partition_epoch_(epoch) {}

  const NodeIds& committed() const { return committed_; }
  PartitionEpoch partition_epoch() const { return partition_epoch_; }
  bool Has(NodeId id) const { return Contains(committed_, id); }
  bool is_changing() const { return change_.has_value(); }
  const std::optional<IsrChange>& change() const { return change_; }
  // Committed, and what is proposed to be added.
  bool MaximalHas(NodeId id) const { return Has(id) || (change_ && Contains(change_->isr, id)); }
  NodeIds Maximal() const;

  // REQUIRES: no change is under way.
  void Propose(IsrChange change);
  // REQUIRES: it is time for a retry.
  void Retry(AttemptId attempt);
  void RetryLater(MonoTime at);
  void GetStuck();
  // The change is proven not to have been applied.
  void Revert();
  // The controller has committed this; a change that was under way has ended. REQUIRES: not an older partition epoch.
  void Commit(NodeIds committed, PartitionEpoch epoch);

  friend bool operator==(const Isr&, const Isr&) = default;

 private:
  NodeIds committed_;
  PartitionEpoch partition_epoch_ = kNoPartitionEpoch;
  std::optional<IsrChange> change_;
};

}  // namespace odradek::replication
