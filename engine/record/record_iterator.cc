#include "engine/record/record_iterator.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/varint.h"

namespace odradek::record {
namespace {

// A field of headers that were parsed before.
std::optional<Bytes> TakeHeaderField(Bytes& rest) {
  const auto size = base::ReadVarint32(rest);
  INVARIANT(size.has_value());
  rest = rest.subspan(static_cast<size_t>(size->size_bytes));
  if (size->value < 0) return std::nullopt;
  INVARIANT(static_cast<size_t>(size->value) <= rest.size());
  const Bytes field = rest.first(static_cast<size_t>(size->value));
  rest = rest.subspan(field.size());
  return field;
}

}  // namespace

bool operator==(const RecordHeader& a, const RecordHeader& b) {
  if (a.key != b.key || a.value.has_value() != b.value.has_value()) return false;
  return !a.value || std::ranges::equal(*a.value, *b.value);
}

std::optional<RecordHeader> RecordHeaders::Next() {
  if (left_ == 0) return std::nullopt;
  --left_;
  const std::optional<Bytes> key = TakeHeaderField(rest_);
  INVARIANT(key.has_value());
  const std::optional<Bytes> value = TakeHeaderField(rest_);
  return RecordHeader{AsString(*key), value};
}

Timestamp RecordTimestamp(const BatchHeader& header, int64_t timestamp_delta) {
  if (header.timestamp_type() == TimestampType::kLogAppendTime) return header.max_timestamp;
  const auto sum = static_cast<uint64_t>(header.base_timestamp.value()) + static_cast<uint64_t>(timestamp_delta);
  return Timestamp(static_cast<int64_t>(sum));
}

RecordIterator::RecordIterator(const BatchHeader& header, Bytes batch, const DecompressOptions& options)
    : header_(header), source_(Bytes{}) {
  REQUIRES(static_cast<int64_t>(batch.size()) == header.size_bytes);
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  const Bytes records = batch.subspan(kBatchOverheadBytes);
  const std::optional<Codec> codec = header.codec();
  if (!codec) {
    Finish({BatchError::kUnsupportedCodec, kAttributesAt,
            fmt::format("unsupported codec {}", header.attributes & kCodecMask)});
  } else if (*codec == Codec::kNone) {
    source_ = ByteSource(records);
  } else if (header.record_count > 0) {
    // What compaction left without records has no compressed bytes either.
    Unpack(*codec, records, options);
  }
}

void RecordIterator::Unpack(Codec codec, Bytes compressed, const DecompressOptions& options) {
  constexpr size_t kFirstBytes = size_t{4} << 10;
  const auto stream = OpenDecompressor(codec, compressed, options);
  size_t used = 0;
  for (;;) {
    if (used == unpacked_.size()) unpacked_.resize(std::max({kFirstBytes, 2 * compressed.size(), 2 * used}));
    const Decompressor::Result got = stream->Read(MutableBytes(unpacked_).subspan(used));
    if (got.error != BatchError::kNone) {
      Finish({got.error, static_cast<int64_t>(kBatchOverheadBytes), got.what});
      return;
    }
    if (got.size_bytes == 0) break;
    used += got.size_bytes;
  }
  unpacked_.resize(used);
  source_ = ByteSource(Bytes(unpacked_));
}

RecordIterator::Found RecordIterator::Finish(BatchProblem problem) {
  ended_ = problem.error == BatchError::kNone ? Found::kEnd : Found::kProblem;
  problem_ = std::move(problem);
  return ended_;
}

RecordIterator::Found RecordIterator::Next() {
  if (ended_ != Found::kRecord) return ended_;
  if (records_read_ == header_.record_count) {
    if (source_.AtEnd()) return Finish({});
    return Finish({BatchError::kBadCount, source_.position_bytes(),
                   fmt::format("bytes behind the {} records of the batch", header_.record_count)});
  }
  if (source_.AtEnd()) {
    return Finish({BatchError::kBadCount, source_.position_bytes(),
                   fmt::format("{} records, the batch claims {}", records_read_, header_.record_count)});
  }
  RawRecord raw;
  if (!ParseRecord(source_, raw)) return Finish(source_.problem());
  if (raw.offset_delta <= last_delta_ || raw.offset_delta > header_.last_offset_delta) {
    return Finish({BatchError::kBadOffsetDeltas, raw.at_byte,
                   fmt::format("offset delta {} after {} of at most {}", raw.offset_delta, last_delta_,
                               header_.last_offset_delta)});
  }
  ++records_read_;
  last_delta_ = raw.offset_delta;
  record_.offset = header_.base_offset + raw.offset_delta;
  record_.timestamp = RecordTimestamp(header_, raw.timestamp_delta);
  record_.sequence = header_.base_sequence >= 0 ? SequenceAfter(header_.base_sequence, raw.offset_delta) : kNoSequence;
  record_.key = raw.key_bytes >= 0 ? std::optional(raw.key) : std::nullopt;
  record_.value = raw.value_bytes >= 0 ? std::optional(raw.value) : std::nullopt;
  record_.headers = RecordHeaders(raw.header_count, raw.headers);
  return Found::kRecord;
}

}  // namespace odradek::record
