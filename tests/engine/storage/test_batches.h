// Batches for storage tests: one value per record, so that what is read back can be told apart.
#pragma once

#include <string>
#include <vector>

#include "engine/record/batch.h"
#include "engine/record/builder.h"
#include "engine/record/control.h"
#include "engine/record/record_iterator.h"

namespace odradek::storage {

struct TestBatch {
  std::vector<std::string> values;
  Timestamp timestamp{1'700'000'000'000};  // of the first record; each next one is a millisecond later
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = record::kNoSequence;
  record::BatchKind kind = record::BatchKind::kData;
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

inline ByteBuffer Encode(const TestBatch& batch) {
  record::BatchBuilder builder(
      {.compression = {}, .base_offset = batch.base_offset, .leader_epoch = batch.leader_epoch, .kind = batch.kind});
  int64_t at = batch.timestamp.value();
  for (const std::string& value : batch.values) {
    builder.Append({.timestamp = Timestamp(at++), .key = std::nullopt, .value = AsBytes(value)});
  }
  builder.SetProducer({.id = batch.producer_id, .epoch = batch.producer_epoch, .base_sequence = batch.base_sequence});
  return builder.Build();
}

inline ByteBuffer OneRecord(const std::string& value) {
  return Encode({.values = {value}});
}

// "offset:value" of every record; a damaged batch shows as "?".
inline std::vector<std::string> Decode(Bytes bytes) {
  std::vector<std::string> out;
  record::BatchCursor cursor(bytes);
  for (;;) {
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return out;
    if (step.found == record::BatchCursor::Found::kProblem || !record::CheckCrc(step.batch)) {
      out.push_back("?");
      return out;
    }
    if (step.header.is_control()) {
      out.push_back(std::to_string(step.header.base_offset.value()) + ":control");
      continue;
    }
    record::RecordIterator records(step.header, step.batch);
    while (records.Next() == record::RecordIterator::Found::kRecord) {
      out.push_back(std::to_string(records.record().offset.value()) + ":" +
                    std::string(AsString(records.record().value.value_or(Bytes{}))));
    }
  }
}

}  // namespace odradek::storage
