// Monitors: what must hold of the state of a node's logs at every instant, one sentence and one file each. They see
// plain values that whoever runs the node takes from it, and nothing of the simulator.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"
#include "properties/findings.h"
#include "sim/history/history.h"

namespace odradek::properties {

struct ReplicaEpoch {
  LeaderEpoch epoch;
  Offset start_offset;
  friend auto operator<=>(const ReplicaEpoch&, const ReplicaEpoch&) = default;
};

// What the files of a log say alone, at the same instant.
struct ReplicaFold {
  Offset log_end_offset;
  std::vector<ReplicaEpoch> epochs;
  uint64_t producer_fingerprint = 0;
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
  // nullptr: the files were not folded this time.
  const ReplicaFold* fold = nullptr;
};

struct Monitor {
  std::string_view id;  // several monitors may share one
  std::string_view sentence;
  Findings (*check)(const ReplicaState&);
};
// All monitors in the order of their ids.
std::span<const Monitor> AllMonitors();

// Every monitor's verdict.
Verdicts MonitorAll(const ReplicaState& state);

// One function per file of this folder.
Findings WatermarksAreOrdered(const ReplicaState&);
Findings LeaderEpochsIncrease(const ReplicaState&);
Findings LeaderEpochsAreThoseOfTheLog(const ReplicaState&);
Findings ProducerStateIsTheFoldOfTheLog(const ReplicaState&);
Findings RecoveryPointsAreDurable(const ReplicaState&);

}  // namespace odradek::properties
