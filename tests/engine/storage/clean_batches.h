// Batches with keys for tests of compaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/record/batch.h"
#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"

namespace odradek::storage {

struct KeyValue {
  std::string key;
  std::optional<std::string> value;  // nullopt: a tombstone
  int64_t timestamp = 1'700'000'000'000;
};

struct KeyedBatch {
  std::vector<KeyValue> records;
  record::Codec codec = record::Codec::kNone;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = record::kNoSequence;
  Offset base_offset{0};
  record::BatchKind kind = record::BatchKind::kData;
};

inline ByteBuffer EncodeKeyed(const KeyedBatch& batch) {
  record::BatchBuilder builder(
      {.compression = {.codec = batch.codec}, .base_offset = batch.base_offset, .kind = batch.kind});
  for (const KeyValue& record : batch.records) {
    builder.Append({.timestamp = Timestamp(record.timestamp),
                    .key = AsBytes(record.key),
                    .value = record.value ? std::optional<Bytes>(AsBytes(*record.value)) : std::nullopt});
  }
  builder.SetProducer({.id = batch.producer_id, .epoch = batch.producer_epoch, .base_sequence = batch.base_sequence});
  return builder.Build();
}

// "offset:key=value" of every record, "offset:key" of a tombstone, "first-last:empty" of a batch without records.
inline std::vector<std::string> DecodeKeyed(Bytes bytes) {
  std::vector<std::string> out;
  record::BatchCursor cursor(bytes);
  for (;;) {
    const record::BatchCursor::Step step = cursor.Next();
    if (step.found == record::BatchCursor::Found::kEnd) return out;
    if (step.found == record::BatchCursor::Found::kProblem || !record::CheckCrc(step.batch)) {
      out.push_back("?");
      return out;
    }
    if (step.header.record_count == 0) {
      out.push_back(std::to_string(step.header.base_offset.value()) + "-" +
                    std::to_string(step.header.last_offset().value()) + ":empty");
      continue;
    }
    if (step.header.is_control()) {
      out.push_back(std::to_string(step.header.base_offset.value()) + ":control");
      continue;
    }
    record::RecordIterator records(step.header, step.batch);
    while (records.Next() == record::RecordIterator::Found::kRecord) {
      const record::RecordView& record = records.record();
      std::string text =
          std::to_string(record.offset.value()) + ":" + std::string(AsString(record.key.value_or(Bytes{})));
      if (record.value) text += "=" + std::string(AsString(*record.value));
      out.push_back(std::move(text));
    }
  }
}

}  // namespace odradek::storage
