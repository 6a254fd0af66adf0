#include "engine/record/batch.h"

#include <fmt/format.h>

#include <limits>

#include "engine/base/check.h"
#include "engine/base/crc32c.h"

namespace odradek::record {
namespace {

// Smallest message of formats 0 and 1, counted as the length field counts.
constexpr int32_t kOldMessageBytesMin = 14;
constexpr int32_t kLengthMin = kBatchOverheadBytes - kLogOverheadBytes;

HeaderResult HeaderProblem(BatchError error, size_t at, std::string what) {
  return {.header = {}, .problem = {error, static_cast<int64_t>(at), std::move(what)}};
}

BatchHeader LoadHeader(Bytes bytes) {
  const std::byte* p = bytes.data();
  BatchHeader h;
  h.base_offset = Offset(LoadBigEndian<int64_t>(p + kBaseOffsetAt));
  h.size_bytes = static_cast<int64_t>(kLogOverheadBytes) + LoadBigEndian<int32_t>(p + kLengthAt);
  h.leader_epoch = LeaderEpoch(LoadBigEndian<int32_t>(p + kLeaderEpochAt));
  h.crc = LoadBigEndian<uint32_t>(p + kCrcAt);
  h.attributes = LoadBigEndian<uint16_t>(p + kAttributesAt);
  h.last_offset_delta = LoadBigEndian<int32_t>(p + kLastOffsetDeltaAt);
  h.base_timestamp = Timestamp(LoadBigEndian<int64_t>(p + kBaseTimestampAt));
  h.max_timestamp = Timestamp(LoadBigEndian<int64_t>(p + kMaxTimestampAt));
  h.producer_id = ProducerId(LoadBigEndian<int64_t>(p + kProducerIdAt));
  h.producer_epoch = ProducerEpoch(LoadBigEndian<int16_t>(p + kProducerEpochAt));
  h.base_sequence = LoadBigEndian<int32_t>(p + kBaseSequenceAt);
  h.record_count = LoadBigEndian<int32_t>(p + kRecordCountAt);
  return h;
}

HeaderResult CheckMagic(int8_t magic) {
  switch (magic) {
    case 0:
      return HeaderProblem(BatchError::kOldMagic0, kMagicAt, "message format v0 is not supported");
    case 1:
      return HeaderProblem(BatchError::kOldMagic1, kMagicAt, "message format v1 is not supported");
    case kMagicV2:
      return {};
    default:
      return HeaderProblem(BatchError::kUnknownMagic, kMagicAt, fmt::format("unknown magic {}", magic));
  }
}

}  // namespace

std::string_view ToString(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return "none";
    case Codec::kGzip:
      return "gzip";
    case Codec::kSnappy:
      return "snappy";
    case Codec::kLz4:
      return "lz4";
    case Codec::kZstd:
      return "zstd";
  }
  return "unknown";
}

int32_t SequenceAfter(int32_t sequence, int32_t distance) {
  REQUIRES(sequence >= 0);
  REQUIRES(distance >= 0);
  return static_cast<int32_t>((static_cast<int64_t>(sequence) + distance) & std::numeric_limits<int32_t>::max());
}

int32_t BatchHeader::last_sequence() const {
  if (base_sequence < 0 || last_offset_delta < 0) return kNoSequence;
  return SequenceAfter(base_sequence, last_offset_delta);
}

std::optional<Codec> BatchHeader::codec() const {
  const int id = attributes & kCodecMask;
  if (id > static_cast<int>(Codec::kZstd)) return std::nullopt;
  return static_cast<Codec>(id);
}

HeaderResult ParseHeader(Bytes bytes) {
  if (bytes.size() < kMagicKnownBytes) {
    return HeaderProblem(BatchError::kTruncated, bytes.size(),
                         fmt::format("{} bytes, a batch header has {}", bytes.size(), kBatchOverheadBytes));
  }
  const auto length = LoadBigEndian<int32_t>(bytes.data() + kLengthAt);
  if (length < kOldMessageBytesMin) {
    return HeaderProblem(BatchError::kBadLength, kLengthAt, fmt::format("batch length {}", length));
  }
  const auto magic = LoadBigEndian<int8_t>(bytes.data() + kMagicAt);
  if (HeaderResult wrong = CheckMagic(magic); !wrong.ok()) return wrong;
  if (length < kLengthMin) {
    return HeaderProblem(BatchError::kBadLength, kLengthAt,
                         fmt::format("batch length {}, the header alone has {}", length, kLengthMin));
  }
  if (bytes.size() < kBatchOverheadBytes) {
    return HeaderProblem(BatchError::kTruncated, bytes.size(),
                         fmt::format("{} bytes, a batch header has {}", bytes.size(), kBatchOverheadBytes));
  }
  const BatchHeader h = LoadHeader(bytes);
  if (h.last_offset_delta < 0) {
    return HeaderProblem(BatchError::kBadOffsetDeltas, kLastOffsetDeltaAt,
                         fmt::format("last offset delta {}", h.last_offset_delta));
  }
  if (h.record_count < 0) {
    return HeaderProblem(BatchError::kBadCount, kRecordCountAt, fmt::format("record count {}", h.record_count));
  }
  constexpr int64_t kOffsetMax = std::numeric_limits<int64_t>::max();
  if (h.base_offset < Offset(0) || h.base_offset.value() >= kOffsetMax - h.last_offset_delta) {
    return HeaderProblem(BatchError::kBadBaseOffset, kBaseOffsetAt,
                         fmt::format("base offset {}", h.base_offset.value()));
  }
  return {.header = h, .problem = {}};
}

void WriteHeader(const BatchHeader& h, MutableBytes out) {
  REQUIRES(out.size() >= kBatchOverheadBytes);
  REQUIRES(h.size_bytes >= static_cast<int64_t>(kBatchOverheadBytes));
  REQUIRES(h.size_bytes - static_cast<int64_t>(kLogOverheadBytes) <= std::numeric_limits<int32_t>::max());
  std::byte* p = out.data();
  StoreBigEndian<int64_t>(p + kBaseOffsetAt, h.base_offset.value());
  StoreBigEndian<int32_t>(p + kLengthAt, static_cast<int32_t>(h.size_bytes - static_cast<int64_t>(kLogOverheadBytes)));
  StoreBigEndian<int32_t>(p + kLeaderEpochAt, h.leader_epoch.value());
  StoreBigEndian<int8_t>(p + kMagicAt, kMagicV2);
  StoreBigEndian<uint32_t>(p + kCrcAt, h.crc);
  StoreBigEndian<uint16_t>(p + kAttributesAt, h.attributes);
  StoreBigEndian<int32_t>(p + kLastOffsetDeltaAt, h.last_offset_delta);
  StoreBigEndian<int64_t>(p + kBaseTimestampAt, h.base_timestamp.value());
  StoreBigEndian<int64_t>(p + kMaxTimestampAt, h.max_timestamp.value());
  StoreBigEndian<int64_t>(p + kProducerIdAt, h.producer_id.value());
  StoreBigEndian<int16_t>(p + kProducerEpochAt, h.producer_epoch.value());
  StoreBigEndian<int32_t>(p + kBaseSequenceAt, h.base_sequence);
  StoreBigEndian<int32_t>(p + kRecordCountAt, h.record_count);
}

uint32_t ComputeCrc(Bytes batch) {
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  return base::Crc32c(batch.subspan(kAttributesAt));
}

bool CheckCrc(Bytes batch) {
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  return LoadBigEndian<uint32_t>(batch.data() + kCrcAt) == ComputeCrc(batch);
}

void PatchBaseOffset(MutableBytes batch, Offset base_offset) {
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  REQUIRES(base_offset >= Offset(0));
  StoreBigEndian<int64_t>(batch.data() + kBaseOffsetAt, base_offset.value());
}

void PatchLeaderEpoch(MutableBytes batch, LeaderEpoch leader_epoch) {
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  StoreBigEndian<int32_t>(batch.data() + kLeaderEpochAt, leader_epoch.value());
}

void SetMaxTimestamp(MutableBytes batch, TimestampType type, Timestamp max_timestamp) {
  REQUIRES(batch.size() >= kBatchOverheadBytes);
  std::byte* p = batch.data();
  auto attributes = LoadBigEndian<uint16_t>(p + kAttributesAt);
  attributes = static_cast<uint16_t>(attributes & ~kLogAppendTimeBit);
  if (type == TimestampType::kLogAppendTime) attributes |= kLogAppendTimeBit;
  StoreBigEndian<uint16_t>(p + kAttributesAt, attributes);
  StoreBigEndian<int64_t>(p + kMaxTimestampAt, max_timestamp.value());
  StoreBigEndian<uint32_t>(p + kCrcAt, ComputeCrc(batch));
}

BatchCursor::Step BatchCursor::Next() {
  Step step;
  const Bytes rest = range_.subspan(position_);
  if (rest.empty()) return step;
  HeaderResult parsed = ParseHeader(rest);
  if (parsed.ok() && parsed.header.size_bytes > static_cast<int64_t>(rest.size())) {
    parsed.problem = {BatchError::kTruncated, static_cast<int64_t>(rest.size()),
                      fmt::format("{} of {} bytes of the batch", rest.size(), parsed.header.size_bytes)};
  }
  if (!parsed.ok()) {
    step.found = Found::kProblem;
    step.problem = std::move(parsed.problem);
    step.problem.at_byte += position_bytes();
    return step;
  }
  step.found = Found::kBatch;
  step.header = parsed.header;
  step.batch = rest.first(static_cast<size_t>(parsed.header.size_bytes));
  position_ += step.batch.size();
  INVARIANT(position_ <= range_.size());
  return step;
}

}  // namespace odradek::record
