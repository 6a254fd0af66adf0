// Monitors: what must hold of the state of a node's logs at every instant, one sentence and one function each. They see
// plain values that whoever runs the node takes from it, and nothing of the simulator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "sim/history/history.h"

namespace odradek::properties {

struct ReplicaEpoch {
  LeaderEpoch epoch;
  Offset start_offset;
  friend auto operator<=>(const ReplicaEpoch&, const ReplicaEpoch&) = default;
};

// A partition's log on one node at one instant.
struct ReplicaState {
  int64_t at_ns = 0;
  std::string node;
  TopicPartition partition;
  Offset log_start_offset;
  Offset last_stable_offset;
  Offset high_watermark;
  Offset log_end_offset;
  Offset recovery_point;
  Offset flushed_end;  // as the node reported its syncs
  std::vector<ReplicaEpoch> epochs;
  uint64_t producer_fingerprint = 0;
};

// What the files of the log say alone, at the same instant.
struct ReplicaFold {
  Offset log_end_offset;
  std::vector<ReplicaEpoch> epochs;
  uint64_t producer_fingerprint = 0;
};

// R11: log start <= last stable offset <= high watermark <= log end, none negative.
std::vector<history::Violation> WatermarksAreOrdered(const ReplicaState& state);
// R12, first half: epochs strictly increase, their starts do not decrease, and none is above the log end.
std::vector<history::Violation> LeaderEpochsIncrease(const ReplicaState& state);
// R12, second half: the epochs of the batches are those of the cache.
std::vector<history::Violation> LeaderEpochsAreThoseOfTheLog(const ReplicaState& state, const ReplicaFold& fold);
// P5: the producers' state in memory is the fold of the log.
std::vector<history::Violation> ProducerStateIsTheFoldOfTheLog(const ReplicaState& state, const ReplicaFold& fold);
// D3: the recovery point is at most what was synced.
std::vector<history::Violation> RecoveryPointsAreDurable(const ReplicaState& state);

// All that need no fold.
std::vector<history::Violation> MonitorState(const ReplicaState& state);
// All that need one.
std::vector<history::Violation> MonitorFold(const ReplicaState& state, const ReplicaFold& fold);

}  // namespace odradek::properties
