// The asking side of an incremental fetch session with one broker (KIP-227): what the next Fetch has to say so that the
// broker ends up with the wanted partitions. Owned by a consumer or a replica fetcher, one per broker. Pure; nothing
// suspends.
//
// Invariants: 1. after an answer that was accepted, partitions() is what the broker has; 2. after anything else the
// next request is a full one and opens a new session.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/protocol/errors.h"

namespace odradek::net {

class FetchSession {
 public:
  struct Wanted {
    TopicId topic_id;
    Offset fetch_offset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    // Of followers.
    LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
    Offset log_start = kNoOffset;
    int32_t bytes_max = 0;
    friend bool operator==(const Wanted&, const Wanted&) = default;
  };
  using Partitions = std::map<TopicPartition, Wanted>;
  enum class Kind : uint8_t { kFull, kIncremental };
  struct Plan {
    Kind kind = Kind::kFull;
    int32_t session_id = 0;
    int32_t session_epoch = 0;
    std::vector<std::pair<TopicPartition, Wanted>> send;
    std::vector<std::pair<TopicPartition, TopicId>> forget;
  };

  // The next request. REQUIRES: the one before was answered or has failed.
  Plan Next(const Partitions& wanted);

  // False: the answer's partitions are not to be used. `answered` are those that the answer names.
  struct Answer {
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    int32_t session_id = 0;
    std::set<TopicPartition> answered;
  };
  bool OnAnswer(const Answer& answer);
  // The request had no answer.
  void OnFailure();

  const Partitions& partitions() const { return partitions_; }
  // The session that the broker may keep for us; 0: none. A request for it with kFinalEpoch ends it.
  int32_t session_id() const { return session_id_; }
  static constexpr int32_t kFinalEpoch = -1;

 private:
  static constexpr int32_t kFirstEpoch = 0;

  int32_t session_id_ = 0;
  int32_t next_epoch_ = kFirstEpoch;
  Partitions partitions_;
};

}  // namespace odradek::net
