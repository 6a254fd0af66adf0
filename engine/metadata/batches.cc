#include "engine/metadata/batches.h"

#include <fmt/format.h>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"

namespace odradek::metadata {
namespace {

absl::Status BadBatch(Offset offset, std::string_view what) {
  return base::DataLoss(fmt::format("metadata batch at offset {}: {}", offset.value(), what));
}

absl::Status TakeRecord(const record::RecordView& view, DecodedBatch& out) {
  if (out.header.is_control()) {
    const auto key = view.key ? record::ParseControlKey(*view.key) : std::nullopt;
    if (!key) return BadBatch(view.offset, "a control record without a key");
    ControlRecord& control = out.controls.emplace_back();
    control.key = *key;
    if (view.value) AppendBytes(control.value, *view.value);
    return absl::OkStatus();
  }
  if (!view.value) return BadBatch(view.offset, "a record without a value");
  absl::StatusOr<Record> record = DecodeRecord(*view.value);
  if (!record.ok()) return BadBatch(view.offset, base::SV(record.status().message()));
  out.records.push_back(*std::move(record));
  return absl::OkStatus();
}

record::BatchBuilder NewBuilder(const BatchesOptions& options, Offset base_offset) {
  record::BatchBuilderOptions builder;
  builder.base_offset = base_offset;
  builder.leader_epoch = options.leader_epoch;
  return record::BatchBuilder(builder);
}

}  // namespace

std::vector<ByteBuffer> EncodeBatches(std::span<const Record> records, const BatchesOptions& options) {
  REQUIRES(options.base_offset >= Offset(0));
  REQUIRES(options.batch_bytes_max > 0);
  std::vector<ByteBuffer> out;
  Offset next = options.base_offset;
  record::BatchBuilder builder = NewBuilder(options, next);
  ByteBuffer frame;
  for (const Record& record : records) {
    frame.clear();
    EncodeRecord(record, options.level, frame);
    record::NewRecord new_record;
    new_record.timestamp = options.timestamp;
    new_record.value = Bytes(frame);
    if (builder.record_count() > 0 && builder.EstimatedSizeBytesWith(new_record) > options.batch_bytes_max) {
      out.push_back(builder.Build());
      builder = NewBuilder(options, next);
    }
    builder.Append(new_record);
    ++next;
  }
  if (builder.record_count() > 0) out.push_back(builder.Build());
  INVARIANT(next - options.base_offset == static_cast<int64_t>(records.size()));
  return out;
}

absl::StatusOr<DecodedBatch> DecodeBatch(Bytes bytes) {
  const record::HeaderResult parsed = record::ParseHeader(bytes);
  if (!parsed.ok()) {
    return base::DataLoss(fmt::format("metadata batch: {} at byte {}", parsed.problem.what, parsed.problem.at_byte));
  }
  DecodedBatch out;
  out.header = parsed.header;
  const Offset base_offset = out.header.base_offset;
  if (out.header.size_bytes != static_cast<int64_t>(bytes.size())) {
    return BadBatch(base_offset, fmt::format("{} bytes, but its length says {}", bytes.size(), out.header.size_bytes));
  }
  if (!record::CheckCrc(bytes)) return BadBatch(base_offset, "wrong CRC");
  record::RecordIterator iterator(out.header, bytes);
  while (true) {
    const record::RecordIterator::Found found = iterator.Next();
    if (found == record::RecordIterator::Found::kEnd) break;
    if (found == record::RecordIterator::Found::kProblem) {
      return BadBatch(base_offset, fmt::format("{} at byte {}", iterator.problem().what, iterator.problem().at_byte));
    }
    const absl::Status status = TakeRecord(iterator.record(), out);
    if (!status.ok()) return status;
  }
  return out;
}

}  // namespace odradek::metadata
