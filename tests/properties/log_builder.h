// Hand-written logs, as values and as the bytes of Kafka's files.
#pragma once

#include <string>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/crc32c.h"
#include "properties/written_log.h"

namespace odradek::properties {

// A batch of producer 7, epoch 0, whose sequences are its offsets.
inline WrittenBatch BatchAt(int64_t base_offset, int32_t count) {
  WrittenBatch batch;
  batch.base_offset = Offset(base_offset);
  batch.last_offset = Offset(base_offset + count - 1);
  batch.leader_epoch = LeaderEpoch(0);
  batch.crc = static_cast<uint32_t>(base_offset);
  batch.producer_id = ProducerId(7);
  batch.producer_epoch = ProducerEpoch(0);
  batch.base_sequence = static_cast<int32_t>(base_offset);
  batch.record_count = count;
  batch.max_timestamp = Timestamp(1000 + base_offset);
  return batch;
}

// One segment from 0 with batches [0, 2), [2, 5), [5, 6).
inline WrittenLog ThreeBatches() {
  WrittenLog log;
  log.batches = {BatchAt(0, 2), BatchAt(2, 3), BatchAt(5, 1)};
  log.segments.push_back({.base_offset = Offset(0), .size_bytes = 300, .batches_begin = 0, .batches_end = 3});
  return log;
}

// A batch of record batch v2, without records: only its header counts here.
inline ByteBuffer BatchBytes(const WrittenBatch& batch) {
  ByteBuffer covered;
  AppendBigEndian<int16_t>(covered, batch.is_plain ? 0 : 1 << 5);
  AppendBigEndian<int32_t>(covered, static_cast<int32_t>(batch.last_offset - batch.base_offset));
  AppendBigEndian<int64_t>(covered, batch.max_timestamp.value());
  AppendBigEndian<int64_t>(covered, batch.max_timestamp.value());
  AppendBigEndian<int64_t>(covered, batch.producer_id.value());
  AppendBigEndian<int16_t>(covered, batch.producer_epoch.value());
  AppendBigEndian<int32_t>(covered, batch.base_sequence);
  AppendBigEndian<int32_t>(covered, batch.record_count);
  ByteBuffer bytes;
  AppendBigEndian<int64_t>(bytes, batch.base_offset.value());
  AppendBigEndian<int32_t>(bytes, static_cast<int32_t>(9 + covered.size()));
  AppendBigEndian<int32_t>(bytes, batch.leader_epoch.value());
  AppendBigEndian<int8_t>(bytes, 2);
  AppendBigEndian<uint32_t>(bytes, base::Crc32c(covered));
  AppendBytes(bytes, covered);
  return bytes;
}

inline ByteBuffer SnapshotBytes(const WrittenProducer& producer) {
  ByteBuffer covered;
  AppendBigEndian<int32_t>(covered, 1);
  AppendBigEndian<int64_t>(covered, producer.id.value());
  AppendBigEndian<int16_t>(covered, producer.epoch.value());
  AppendBigEndian<int32_t>(covered, producer.last_sequence);
  AppendBigEndian<int64_t>(covered, producer.last_offset.value());
  AppendBigEndian<int32_t>(covered, producer.offset_delta);
  AppendBigEndian<int64_t>(covered, producer.last_timestamp.value());
  AppendBigEndian<int32_t>(covered, -1);
  AppendBigEndian<int64_t>(covered, -1);
  ByteBuffer bytes;
  AppendBigEndian<int16_t>(bytes, 1);
  AppendBigEndian<uint32_t>(bytes, base::Crc32c(covered));
  AppendBytes(bytes, covered);
  return bytes;
}

}  // namespace odradek::properties
