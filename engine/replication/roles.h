// What a replica is, and what it keeps as long as it is that.
//
//                     another broker leads a later epoch
//        +----------------------------------------------------+
//        |                                                    v
//     Leader <------- this broker leads a later epoch ---- Follower
//        |                                                    |
//        +---- removed, resigned ---> Absent <----------------+
//
// Absent becomes either again by the next registration that names this broker as a replica; a resigned one needs a
// later leader epoch, and one whose disk is gone never comes back.
#pragma once

#include <optional>
#include <variant>

#include "engine/replication/followers.h"
#include "engine/replication/isr.h"
#include "engine/replication/steps.h"
#include "engine/replication/waiters.h"

namespace odradek::replication {

struct Absent {
  // NOT_LEADER_OR_FOLLOWER, or KAFKA_STORAGE_ERROR: for good.
  ErrorCode error = ErrorCode::kNotLeaderOrFollower;
  // Only a later leader epoch makes it something again.
  bool resigned = false;
  friend bool operator==(const Absent&, const Absent&) = default;
};

struct Leader {
  // Where the log ended when this leader began: a replica that has less may lack what an earlier leader committed
  // (LESO).
  Offset epoch_start{0};
  // Up to where the log is on disk, as far as we were told.
  Offset flushed_end{0};
  Followers followers;
  Isr isr;
  // Of the committed state. A leader that appends has recovered, and tells the controller so (KIP-704).
  LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
  size_t replica_count = 0;  // with this one
  NodeIds adding_replicas;
  NodeIds removing_replicas;
  Waiters commits;
  Waiters deletions;
  // After a change that the controller has refused the next one waits a little.
  MonoTime next_change_at;
  friend bool operator==(const Leader&, const Leader&) = default;
};

struct Follower {
  enum class Phase : uint8_t {
    kTruncating,  // asks where its epoch ends at the leader
    kFetching,
    kLocating,  // its offset is outside the leader's log: asks where that is
    kFenced,    // the leader knows a later epoch: waits for the metadata
  };
  NodeId leader = kNoNode;  // none: nobody leads
  Phase phase = Phase::kFetching;
  // Not before: something went wrong.
  MonoTime not_before;
  // The leader's high watermark minus our end, when it last answered. nullopt: has not answered.
  std::optional<int64_t> lag;
  friend bool operator==(const Follower&, const Follower&) = default;
};

using RoleState = std::variant<Absent, Leader, Follower>;

}  // namespace odradek::replication
