#include "engine/record/builder.h"

#include <algorithm>
#include <limits>

#include "engine/base/check.h"
#include "engine/base/varint.h"

namespace odradek::record {
namespace {

constexpr int64_t kBatchBytesMax = std::numeric_limits<int32_t>::max();

uint16_t KindBits(BatchKind kind) {
  switch (kind) {
    case BatchKind::kData:
      return 0;
    case BatchKind::kTransactionalData:
      return kTransactionalBit;
    case BatchKind::kControl:
      return kControlBit;
    case BatchKind::kTransactionalControl:
      return kTransactionalBit | kControlBit;
  }
  return 0;
}

int64_t FieldBytes(const std::optional<Bytes>& field) {
  if (!field) return base::VarintSize(-1);
  const auto size = static_cast<int64_t>(field->size());
  return base::VarintSize(size) + size;
}

void AppendField(ByteBuffer& out, const std::optional<Bytes>& field) {
  base::AppendVarint(out, field ? static_cast<int64_t>(field->size()) : -1);
  if (field) AppendBytes(out, *field);
}

// Key, value and headers: what does not depend on the record's place in its batch.
int64_t PartsBytes(const NewRecord& record) {
  int64_t size = FieldBytes(record.key) + FieldBytes(record.value);
  size += base::VarintSize(static_cast<int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) size += FieldBytes(AsBytes(header.key)) + FieldBytes(header.value);
  return size;
}

int64_t Delta(Timestamp timestamp, Timestamp base) {
  return static_cast<int64_t>(static_cast<uint64_t>(timestamp.value()) - static_cast<uint64_t>(base.value()));
}

}  // namespace

int64_t RecordSizeBytesMax(const NewRecord& record) {
  constexpr int64_t kAroundPartsBytesMax = 1 + 2 * base::kVarint32BytesMax + base::kVarint64BytesMax;
  static_assert(kAroundPartsBytesMax == 21);
  return kAroundPartsBytesMax + PartsBytes(record);
}

BatchBuilder::BatchBuilder(const BatchBuilderOptions& options) : options_(options) {
  REQUIRES(options.base_offset >= Offset(0));
  REQUIRES(options.compressed_permille >= 0);
}

void BatchBuilder::Append(const NewRecord& record) {
  REQUIRES(uncompressed_bytes() + RecordSizeBytesMax(record) <= kBatchBytesMax);
  REQUIRES(record_count_ < std::numeric_limits<int32_t>::max());
  if (record_count_ == 0) base_timestamp_ = record.timestamp;
  const int64_t timestamp_delta = Delta(record.timestamp, base_timestamp_);
  const int64_t body_bytes =
      1 + base::VarintSize(timestamp_delta) + base::VarintSize(record_count_) + PartsBytes(record);
  base::AppendVarint(records_, body_bytes);
  const size_t body_at = records_.size();
  records_.push_back(std::byte{0});
  base::AppendVarint(records_, timestamp_delta);
  base::AppendVarint(records_, record_count_);
  AppendField(records_, record.key);
  AppendField(records_, record.value);
  base::AppendVarint(records_, static_cast<int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) {
    AppendField(records_, AsBytes(header.key));
    AppendField(records_, header.value);
  }
  INVARIANT(static_cast<int64_t>(records_.size() - body_at) == body_bytes);
  ++record_count_;
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
}

int64_t BatchBuilder::EstimatedSizeBytes() const {
  if (options_.compression.codec == Codec::kNone) return uncompressed_bytes();
  const auto overhead = static_cast<int64_t>(kBatchOverheadBytes);
  return overhead + (uncompressed_bytes() - overhead) * options_.compressed_permille / 1000;
}

int64_t BatchBuilder::EstimatedSizeBytesWith(const NewRecord& record) const {
  const int64_t more = RecordSizeBytesMax(record);
  if (options_.compression.codec == Codec::kNone) return uncompressed_bytes() + more;
  return EstimatedSizeBytes() + more * options_.compressed_permille / 1000;
}

BatchHeader BatchBuilder::MakeHeader() const {
  BatchHeader h;
  h.base_offset = options_.base_offset;
  h.leader_epoch = options_.leader_epoch;
  h.attributes = static_cast<uint16_t>(options_.compression.codec);
  h.attributes |= KindBits(options_.kind);
  if (options_.log_append_time) h.attributes |= kLogAppendTimeBit;
  h.last_offset_delta = record_count_ - 1;
  h.base_timestamp = base_timestamp_;
  h.max_timestamp = options_.log_append_time.value_or(max_timestamp_);
  h.producer_id = producer_.id;
  h.producer_epoch = producer_.epoch;
  h.base_sequence = producer_.base_sequence;
  h.record_count = record_count_;
  return h;
}

ByteBuffer BatchBuilder::Build() const {
  REQUIRES(record_count_ > 0);
  ByteBuffer batch(kBatchOverheadBytes);
  if (options_.compression.codec == Codec::kNone) batch.reserve(kBatchOverheadBytes + records_.size());
  Compress(options_.compression, records_, batch);
  BatchHeader header = MakeHeader();
  header.size_bytes = static_cast<int64_t>(batch.size());
  WriteHeader(header, batch);
  StoreBigEndian<uint32_t>(batch.data() + kCrcAt, ComputeCrc(batch));
  return batch;
}

}  // namespace odradek::record
