// The file <offset>.snapshot: what a partition knows of its producers below that offset. Kafka's layout, version 1. Of
// each producer's window only the last batch is kept. Pure; bytes from the disk are never asserted on.
//
// Behind the entries stands whose snapshot it is: a disk that reads another file's sector, or writes there, gives an
// older snapshot with a right CRC, whose numbers all make sense. Kafka computes the CRC to the end of the file and does
// not look behind the entries (readSnapshot); its own files end there, and are taken as they are.
//
// Source: Kafka's ProducerSnapshot.json; FEATURES 3.2.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/producers/producer_states.h"

namespace odradek::producers {

// int16 version, uint32 CRC-32C of all that follows it, int32 count, entries; of ours also int64 end offset and uint32
// CRC-32C of the log's name.
inline constexpr int16_t kSnapshotVersion = 1;
inline constexpr size_t kSnapshotVersionAt = 0;
inline constexpr size_t kSnapshotCrcAt = 2;
inline constexpr size_t kSnapshotCountAt = 6;
inline constexpr size_t kSnapshotHeaderBytes = 10;
inline constexpr size_t kSnapshotEntryBytes = 46;
inline constexpr size_t kSnapshotPlaceBytes = 12;

struct SnapshotPlace {
  Offset end_offset;          // from the file's name; nothing in the snapshot may be at or above
  std::string_view log = {};  // topic-partition; empty: not known, the snapshot may be any log's
};

ByteBuffer EncodeSnapshot(const ProducerStates& states, const SnapshotPlace& place);

// Total: an error says what is wrong and at which byte. Expired producers are still in the result
// (ProducerStates::ExpireAt).
absl::StatusOr<ProducerStates> DecodeSnapshot(Bytes bytes, const SnapshotPlace& place, const ProducersConfig& config);

}  // namespace odradek::producers
