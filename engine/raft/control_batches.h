// The records that the quorum itself writes, as batches, and what a replica has to know of batches that it fetched.
// Pure functions over bytes; bytes are input and never asserted on. Source: KIP-595, KIP-853; FEATURES.md 3.5.
#pragma once

#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/raft/messages.h"
#include "engine/raft/steps.h"

namespace odradek::raft {

// One batch of all that is given: LeaderChange, KRaftVersion, Voters, in this order.
ByteBuffer EncodeControlBatch(const AppendControl& control, Timestamp now);

// What fetched bytes say. A part of a batch at the end is left out, since fetches are cut by size; a batch that does
// not parse, whose CRC is wrong, or whose control record of the quorum is damaged, ends it with a problem.
struct ScannedBatches {
  Batches batches;
  std::string problem;
};
ScannedBatches ScanBatches(Bytes bytes);

// What a snapshot says about the quorum. nullopt: not a whole snapshot (it has to end with a footer).
std::optional<InstalledSnapshot> ScanSnapshot(Bytes bytes);

}  // namespace odradek::raft
