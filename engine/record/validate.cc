#include "engine/record/validate.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/record/record_iterator.h"
#include "engine/record/record_parser.h"

namespace odradek::record {
namespace {

BatchProblem CheckSize(const BatchHeader& header, Bytes batch, const ValidateOptions& options) {
  const auto given = static_cast<int64_t>(batch.size());
  if (header.size_bytes > options.batch_bytes_max) {
    return {BatchError::kTooLarge, kLengthAt,
            fmt::format("batch of {} bytes, at most {} are allowed", header.size_bytes, options.batch_bytes_max)};
  }
  if (header.size_bytes > given) {
    return {BatchError::kTruncated, given, fmt::format("{} of {} bytes of the batch", given, header.size_bytes)};
  }
  if (header.size_bytes < given) {
    return {BatchError::kBadLength, header.size_bytes,
            fmt::format("{} bytes behind the batch of {}", given - header.size_bytes, header.size_bytes)};
  }
  return {};
}

// What only a client's batch must not have.
BatchProblem CheckClientRules(const BatchHeader& h) {
  if (h.base_offset != Offset(0)) {
    return {BatchError::kBadBaseOffset, kBaseOffsetAt, fmt::format("base offset {}, not 0", h.base_offset.value())};
  }
  if (h.is_control()) return {BatchError::kControlFromClient, kAttributesAt, "clients may not write control records"};
  if (h.has_producer_id()) {
    const bool complete = h.producer_id.value() >= 0 && h.producer_epoch.value() >= 0 && h.base_sequence >= 0;
    if (!complete) {
      return {BatchError::kBadProducer, kProducerIdAt,
              fmt::format("producer id {} with epoch {} and sequence {}", h.producer_id.value(),
                          h.producer_epoch.value(), h.base_sequence)};
    }
  } else if (h.is_transactional()) {
    return {BatchError::kBadProducer, kProducerIdAt, "transactional batch without producer id"};
  }
  return {};
}

BatchProblem CheckCounts(const BatchHeader& h) {
  if (h.record_count == 0) return {BatchError::kBadCount, kRecordCountAt, "no records"};
  if (static_cast<int64_t>(h.record_count) != static_cast<int64_t>(h.last_offset_delta) + 1) {
    return {BatchError::kBadCount, kRecordCountAt,
            fmt::format("record count {} with last offset delta {}", h.record_count, h.last_offset_delta)};
  }
  if (!h.codec()) {
    return {BatchError::kUnsupportedCodec, kAttributesAt,
            fmt::format("unsupported codec {}", h.attributes & kCodecMask)};
  }
  return {};
}

BatchProblem CheckHeader(Bytes batch, const ValidateOptions& options, BatchHeader& header) {
  HeaderResult parsed = ParseHeader(batch);
  if (!parsed.ok()) return std::move(parsed.problem);
  header = parsed.header;
  BatchProblem problem = CheckSize(header, batch, options);
  if (problem.error != BatchError::kNone) return problem;
  if (!CheckCrc(batch)) {
    return {BatchError::kBadCrc, kCrcAt,
            fmt::format("CRC {:08x}, the bytes have {:08x}", header.crc, ComputeCrc(batch))};
  }
  problem = CheckClientRules(header);
  if (problem.error != BatchError::kNone) return problem;
  return CheckCounts(header);
}

void CheckRecord(const RawRecord& record, const ValidateOptions& options, ValidationResult& result) {
  const Timestamp timestamp = RecordTimestamp(result.header, record.timestamp_delta);
  const auto add = [&](RecordError error) {
    ++result.record_problem_count;
    if (result.record_problem_count > options.record_problems_max) return;
    result.record_problems.push_back({record.offset_delta, error, timestamp});
  };
  const bool in_bounds = timestamp >= options.timestamp_min && timestamp <= options.timestamp_max;
  if (options.keys == KeyRule::kRequired && record.key_bytes < 0) {
    add(RecordError::kNullKey);
  } else if (timestamp != kNoTimestamp && !in_bounds) {
    add(RecordError::kTimestamp);
  }
  if (timestamp > result.max_timestamp) {
    result.max_timestamp = timestamp;
    result.max_timestamp_offset_delta = record.offset_delta;
  }
}

BatchProblem CheckRecords(ByteSource& source, const ValidateOptions& options, ValidationResult& result) {
  RawRecord record;
  for (int32_t index = 0; index < result.header.record_count; ++index) {
    if (source.AtEnd() && source.problem().error == BatchError::kNone) {
      return {BatchError::kBadCount, source.position_bytes(),
              fmt::format("{} records, the batch claims {}", index, result.header.record_count)};
    }
    if (!ParseRecord(source, record)) {
      BatchProblem problem = source.problem();
      problem.what = fmt::format("record {}: {}", index, problem.what);
      return problem;
    }
    if (record.offset_delta != index) {
      return {BatchError::kBadOffsetDeltas, record.at_byte,
              fmt::format("record {} has offset delta {}", index, record.offset_delta)};
    }
    CheckRecord(record, options, result);
    ++result.record_count;
  }
  if (!source.AtEnd()) {
    return {BatchError::kBadCount, source.position_bytes(),
            fmt::format("bytes behind the {} records of the batch", result.header.record_count)};
  }
  return source.problem();
}

}  // namespace

ValidationResult ValidateBatch(Bytes batch, const ValidateOptions& options) {
  REQUIRES(options.record_problems_max >= 0);
  ValidationResult result;
  result.problem = CheckHeader(batch, options, result.header);
  if (result.problem.error != BatchError::kNone) return result;
  const Bytes records = batch.subspan(kBatchOverheadBytes);
  const Codec codec = *result.header.codec();
  ByteSource source =
      codec == Codec::kNone ? ByteSource(records) : ByteSource(OpenDecompressor(codec, records, options.decompress));
  result.problem = CheckRecords(source, options, result);
  if (result.problem.error != BatchError::kNone) {
    result.record_problems.clear();
    result.record_problem_count = 0;
  }
  return result;
}

}  // namespace odradek::record
