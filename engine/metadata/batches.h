// Metadata records as record batches: what the metadata log and its snapshots consist of. Pure; bytes are input and
// never asserted on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/metadata/record.h"
#include "engine/record/batch.h"
#include "engine/record/control.h"

namespace odradek::metadata {

// Kafka's largest metadata batch. The records of one controller decision must fit into one: a batch is the unit that a
// crash keeps or loses.
inline constexpr int64_t kMetadataBatchBytesMax = int64_t{8} << 20;

struct BatchesOptions {
  Offset base_offset{0};
  LeaderEpoch leader_epoch{0};
  Timestamp timestamp{0};
  MetadataVersion level = kMetadataVersionMax;
  int64_t batch_bytes_max = kMetadataBatchBytesMax;
};

// The records in order, in as few batches as the limit allows; a record larger than the limit is a batch of its own.
std::vector<ByteBuffer> EncodeBatches(std::span<const Record> records, const BatchesOptions& options);

struct ControlRecord {
  record::ControlKey key;
  ByteBuffer value;
};

// A data batch has records, one per offset; a control batch has controls.
struct DecodedBatch {
  record::BatchHeader header;
  std::vector<Record> records;
  std::vector<ControlRecord> controls;
};

// `bytes` is one whole batch. The error names offset and what is wrong: CRC, a record that does not decode.
absl::StatusOr<DecodedBatch> DecodeBatch(Bytes bytes);

}  // namespace odradek::metadata
