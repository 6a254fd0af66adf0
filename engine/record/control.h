// Control batches: records that the log itself writes, for transactions (KIP-98) and for the metadata log (KIP-595,
// KIP-630, KIP-853). The key says what it is; values are made by whoever knows them, but for the end of a transaction,
// which every partition must understand. Pure; nothing suspends.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"

namespace odradek::record {

enum class ControlType : int16_t {
  kAbort = 0,
  kCommit = 1,
  kLeaderChange = 2,
  kSnapshotHeader = 3,
  kSnapshotFooter = 4,
  kKraftVersion = 5,
  kKraftVoters = 6,
};

inline constexpr int16_t kControlKeyVersion = 0;
inline constexpr size_t kControlKeyBytes = 4;

// Version and type as they stand in the key; a type of a later Kafka is a number outside ControlType.
struct ControlKey {
  int16_t version = kControlKeyVersion;
  int16_t type = 0;
  bool Is(ControlType wanted) const { return type == static_cast<int16_t>(wanted); }
  friend bool operator==(const ControlKey&, const ControlKey&) = default;
};

// nullopt: shorter than a key. A longer key of a later version reads as its first four bytes.
std::optional<ControlKey> ParseControlKey(Bytes key);

struct ControlBatchOptions {
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Timestamp timestamp = kNoTimestamp;
  ControlType type = ControlType::kLeaderChange;
};

// One control record with this value, without producer.
ByteBuffer BuildControlBatch(const ControlBatchOptions& options, Bytes value);

// The marker that ends a producer's transaction in a partition.
struct EndTxnMarker {
  ControlType type = ControlType::kAbort;  // kAbort or kCommit
  int32_t coordinator_epoch = 0;
  friend bool operator==(const EndTxnMarker&, const EndTxnMarker&) = default;
};

struct EndTxnBatchOptions {
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  Timestamp timestamp = kNoTimestamp;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
};

ByteBuffer BuildEndTxnBatch(const EndTxnBatchOptions& options, const EndTxnMarker& marker);

struct EndTxnResult {
  std::optional<EndTxnMarker> marker;  // nullopt without a problem: a control batch of another type
  BatchProblem problem;
};

// REQUIRES: `header` is ParseHeader(batch), is_control(), and `batch` is that one whole batch.
EndTxnResult ReadEndTxnMarker(const BatchHeader& header, Bytes batch);

}  // namespace odradek::record
