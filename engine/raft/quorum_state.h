// What a voter must remember between restarts, as the one JSON line of the file quorum-state (FEATURES.md 3.5; KIP-595
// for version 0, KIP-853 for version 1). Pure: text in, text out; the text is input and never asserted on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace odradek::raft {

// The value is data_version: kV0 with kraft.version 0 (static voters), kV1 from kraft.version 1 on.
enum class QuorumStateVersion : int8_t { kV0 = 0, kV1 = 1 };

struct QuorumState {
  QuorumStateVersion version = QuorumStateVersion::kV0;
  LeaderEpoch leader_epoch{0};
  NodeId leader_id = kNoNode;
  NodeId voted_id = kNoNode;
  Uuid voted_directory_id;             // kV1
  std::vector<NodeId> current_voters;  // kV0
  friend bool operator==(const QuorumState&, const QuorumState&) = default;
};

std::string EncodeQuorumState(const QuorumState& state);
// The error names the field that is missing or wrong.
absl::StatusOr<QuorumState> DecodeQuorumState(std::string_view text);

}  // namespace odradek::raft
