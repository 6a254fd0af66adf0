// The file <offset>.snapshot: what a partition knows of its producers below that offset. Kafka's layout, version 1. Of
// each producer's window only the last batch is kept. Pure; bytes from the disk are never asserted on.
//
// Source: Kafka's ProducerSnapshot.json; FEATURES 3.2.
#pragma once

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/producers/producer_states.h"

namespace odradek::producers {

// int16 version, uint32 CRC-32C of all that follows it, int32 count, entries.
inline constexpr int16_t kSnapshotVersion = 1;
inline constexpr size_t kSnapshotVersionAt = 0;
inline constexpr size_t kSnapshotCrcAt = 2;
inline constexpr size_t kSnapshotCountAt = 6;
inline constexpr size_t kSnapshotHeaderBytes = 10;
inline constexpr size_t kSnapshotEntryBytes = 46;

ByteBuffer EncodeSnapshot(const ProducerStates& states);

// `end_offset`: from the file's name; nothing in the snapshot may be at or above. Total: an error says what is wrong
// and at which byte. Expired producers are still in the result (ProducerStates::ExpireAt).
absl::StatusOr<ProducerStates> DecodeSnapshot(Bytes bytes, Offset end_offset, const ProducersConfig& config);

}  // namespace odradek::producers
