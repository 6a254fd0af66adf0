// Asks the leaders of partitions for offsets: earliest, latest, by timestamp (SEMANTICS.md 37). Suspends.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/base/ids.h"
#include "engine/client/cluster.h"
#include "engine/client/config.h"

namespace odradek::client {

// Timestamps with a meaning of their own.
inline constexpr Timestamp kLatestOffset{-1};
inline constexpr Timestamp kEarliestOffset{-2};
inline constexpr Timestamp kMaxTimestampOffset{-3};

struct ListedOffset {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  std::string what;
  Offset offset = kNoOffset;  // kNoOffset without an error: no record is as young as the timestamp
  Timestamp timestamp = kNoTimestamp;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  bool ok() const { return error == protocol::ErrorCode::kNone; }
};

using OffsetQuestions = std::map<TopicPartition, Timestamp>;
using ListedOffsets = std::map<TopicPartition, ListedOffset>;

// One round of questions; every question has an entry in the answer. REQUIRES: the topics were added to the cluster.
ListedOffsets ListOffsetsOnce(fiber::Fiber& self, Cluster& cluster, IsolationLevel isolation,
                              const OffsetQuestions& questions);

// Asks again, with fresh metadata, what may succeed later, until the deadline.
ListedOffsets ListOffsets(fiber::Fiber& self, Cluster& cluster, IsolationLevel isolation, OffsetQuestions questions,
                          MonoTime deadline);

}  // namespace odradek::client
