#include "engine/record/retain.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/varint.h"
#include "engine/record/compression.h"

namespace odradek::record {
namespace retain_internal {

int64_t FieldBytes(const std::optional<Bytes>& field) {
  if (!field) return base::VarintSize(-1);
  const auto size = static_cast<int64_t>(field->size());
  return base::VarintSize(size) + size;
}

void AppendField(ByteBuffer& out, const std::optional<Bytes>& field) {
  base::AppendVarint(out, field ? static_cast<int64_t>(field->size()) : -1);
  if (field) AppendBytes(out, *field);
}

// Wraps like Kafka's arithmetic: timestamps come from outside.
int64_t Delta(Timestamp timestamp, Timestamp base) {
  return static_cast<int64_t>(static_cast<uint64_t>(timestamp.value()) - static_cast<uint64_t>(base.value()));
}

void AppendRecord(const RecordView& record, const BatchHeader& header, ByteBuffer& out) {
  const int64_t timestamp_delta = Delta(record.timestamp, header.base_timestamp);
  const int64_t offset_delta = record.offset - header.base_offset;
  REQUIRES(offset_delta >= 0 && offset_delta <= header.last_offset_delta);
  const int64_t header_count = record.headers.left();
  int64_t body_bytes = 1 + base::VarintSize(timestamp_delta) + base::VarintSize(offset_delta);
  body_bytes += FieldBytes(record.key) + FieldBytes(record.value) + base::VarintSize(header_count);
  RecordHeaders sized = record.headers;
  for (auto one = sized.Next(); one; one = sized.Next())
    body_bytes += FieldBytes(AsBytes(one->key)) + FieldBytes(one->value);
  base::AppendVarint(out, body_bytes);
  const size_t body_at = out.size();
  out.push_back(std::byte{0});
  base::AppendVarint(out, timestamp_delta);
  base::AppendVarint(out, offset_delta);
  AppendField(out, record.key);
  AppendField(out, record.value);
  base::AppendVarint(out, header_count);
  RecordHeaders headers = record.headers;
  for (auto one = headers.Next(); one; one = headers.Next()) {
    AppendField(out, AsBytes(one->key));
    AppendField(out, one->value);
  }
  INVARIANT(static_cast<int64_t>(out.size() - body_at) == body_bytes);
}

ByteBuffer Finish(BatchHeader header, Codec codec, Bytes records) {
  ByteBuffer batch(kBatchOverheadBytes);
  if (!records.empty()) Compress({.codec = codec}, records, batch);
  header.size_bytes = static_cast<int64_t>(batch.size());
  WriteHeader(header, batch);
  StoreBigEndian<uint32_t>(batch.data() + kCrcAt, ComputeCrc(batch));
  return batch;
}

}  // namespace retain_internal

ByteBuffer RetainRecords(const BatchHeader& original, const RetainOptions& options) {
  REQUIRES(!options.records.empty());
  REQUIRES(original.codec().has_value());
  BatchHeader header = original;
  header.attributes = static_cast<uint16_t>(header.attributes & ~kDeleteHorizonBit);
  header.base_timestamp = options.records.front().timestamp;
  if (options.delete_horizon) {
    header.attributes |= kDeleteHorizonBit;
    header.base_timestamp = *options.delete_horizon;
  }
  header.record_count = static_cast<int32_t>(options.records.size());
  if (header.timestamp_type() == TimestampType::kCreateTime) {
    header.max_timestamp = kNoTimestamp;
    for (const RecordView& record : options.records) {
      header.max_timestamp = std::max(header.max_timestamp, record.timestamp);
    }
  }
  ByteBuffer records;
  for (const RecordView& record : options.records) retain_internal::AppendRecord(record, header, records);
  return retain_internal::Finish(header, *original.codec(), records);
}

ByteBuffer EmptyBatch(const BatchHeader& original) {
  BatchHeader header = original;
  header.attributes = static_cast<uint16_t>(header.attributes & ~(kCodecMask | kDeleteHorizonBit));
  header.base_timestamp = kNoTimestamp;
  header.record_count = 0;
  return retain_internal::Finish(header, Codec::kNone, {});
}

}  // namespace odradek::record
