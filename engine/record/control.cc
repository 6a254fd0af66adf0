#include "engine/record/control.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/record/builder.h"
#include "engine/record/record_iterator.h"

namespace odradek::record {
namespace {

constexpr int16_t kEndTxnVersion = 0;
constexpr size_t kEndTxnBytes = sizeof(int16_t) + sizeof(int32_t);
// A control record is tiny; what unpacks to more is not one.
constexpr int64_t kControlBytesMax = int64_t{1} << 20;

ByteBuffer ControlKeyBytes(ControlType type) {
  ByteBuffer key;
  AppendBigEndian<int16_t>(key, kControlKeyVersion);
  AppendBigEndian<int16_t>(key, static_cast<int16_t>(type));
  INVARIANT(key.size() == kControlKeyBytes);
  return key;
}

EndTxnResult EndTxnProblem(std::string what) {
  return {.marker = std::nullopt, .problem = {BatchError::kBadRecord, kBatchOverheadBytes, std::move(what)}};
}

}  // namespace

std::optional<ControlKey> ParseControlKey(Bytes key) {
  if (key.size() < kControlKeyBytes) return std::nullopt;
  return ControlKey{LoadBigEndian<int16_t>(key.data()), LoadBigEndian<int16_t>(key.data() + sizeof(int16_t))};
}

ByteBuffer BuildControlBatch(const ControlBatchOptions& options, Bytes value) {
  BatchBuilder builder({.compression = {},
                        .base_offset = options.base_offset,
                        .leader_epoch = options.leader_epoch,
                        .kind = BatchKind::kControl,
                        .log_append_time = std::nullopt});
  const ByteBuffer key = ControlKeyBytes(options.type);
  builder.Append({.timestamp = options.timestamp, .key = Bytes(key), .value = value});
  return builder.Build();
}

ByteBuffer BuildEndTxnBatch(const EndTxnBatchOptions& options, const EndTxnMarker& marker) {
  REQUIRES(marker.type == ControlType::kAbort || marker.type == ControlType::kCommit);
  REQUIRES(options.producer_id.value() >= 0);
  BatchBuilder builder({.compression = {},
                        .base_offset = options.base_offset,
                        .leader_epoch = options.leader_epoch,
                        .kind = BatchKind::kTransactionalControl,
                        .log_append_time = std::nullopt});
  ByteBuffer value;
  AppendBigEndian<int16_t>(value, kEndTxnVersion);
  AppendBigEndian<int32_t>(value, marker.coordinator_epoch);
  const ByteBuffer key = ControlKeyBytes(marker.type);
  builder.Append({.timestamp = options.timestamp, .key = Bytes(key), .value = Bytes(value)});
  builder.SetProducer({options.producer_id, options.producer_epoch, kNoSequence});
  return builder.Build();
}

EndTxnResult ReadEndTxnMarker(const BatchHeader& header, Bytes batch) {
  REQUIRES(header.is_control());
  RecordIterator records(header, batch, {.output_bytes_max = kControlBytesMax});
  switch (records.Next()) {
    case RecordIterator::Found::kEnd:
      return {};  // compaction removed the record and kept the batch
    case RecordIterator::Found::kProblem:
      return {.marker = std::nullopt, .problem = records.problem()};
    case RecordIterator::Found::kRecord:
      break;
  }
  const RecordView& record = records.record();
  const std::optional<ControlKey> key = record.key ? ParseControlKey(*record.key) : std::nullopt;
  if (!key) return EndTxnProblem("control record without a key");
  const bool ends_txn = key->Is(ControlType::kAbort) || key->Is(ControlType::kCommit);
  if (!ends_txn) return {};
  if (!record.value || record.value->size() < kEndTxnBytes) {
    return EndTxnProblem(fmt::format("end of transaction with a value of {} bytes, not {}",
                                     record.value ? record.value->size() : 0, kEndTxnBytes));
  }
  const auto coordinator_epoch = LoadBigEndian<int32_t>(record.value->data() + sizeof(int16_t));
  return {.marker = EndTxnMarker{static_cast<ControlType>(key->type), coordinator_epoch}, .problem = {}};
}

}  // namespace odradek::record
