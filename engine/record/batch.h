// Record batch v2: the unit that producers send, logs store and consumers fetch. A .log file is a plain sequence of
// batches. This header is about the 61 bytes in front of the records: reading, checking, patching them in place.
// Pure functions over the caller's bytes; nothing here suspends, allocates per record or asserts on content.
//
//  1. The CRC-32C covers byte 21 to the end: base offset, length, leader epoch and magic are not covered, so a broker
//     writes base offset and leader epoch in place without a new CRC. Whatever it changes behind byte 21 needs one.
//  2. A BatchHeader that ParseHeader() returned has 0 <= base_offset <= last_offset(), record_count >= 0 and
//     size_bytes >= 61. Everything else in it is what the bytes say.
//
// Source: KIP-98; protocol guide "Record Batch".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"

namespace odradek::record {

// Byte positions of the fields.
inline constexpr size_t kBaseOffsetAt = 0;
inline constexpr size_t kLengthAt = 8;
inline constexpr size_t kLeaderEpochAt = 12;
inline constexpr size_t kMagicAt = 16;
inline constexpr size_t kCrcAt = 17;
inline constexpr size_t kAttributesAt = 21;
inline constexpr size_t kLastOffsetDeltaAt = 23;
inline constexpr size_t kBaseTimestampAt = 27;
inline constexpr size_t kMaxTimestampAt = 35;
inline constexpr size_t kProducerIdAt = 43;
inline constexpr size_t kProducerEpochAt = 51;
inline constexpr size_t kBaseSequenceAt = 53;
inline constexpr size_t kRecordCountAt = 57;
inline constexpr size_t kBatchOverheadBytes = 61;
static_assert(kRecordCountAt + sizeof(int32_t) == kBatchOverheadBytes);

// Base offset and length: what the length field does not count.
inline constexpr size_t kLogOverheadBytes = 12;
static_assert(kLengthAt + sizeof(int32_t) == kLogOverheadBytes);

// Enough bytes to know size and format of a batch of any magic.
inline constexpr size_t kMagicKnownBytes = kMagicAt + 1;

inline constexpr int8_t kMagicV2 = 2;
inline constexpr int32_t kNoSequence = -1;

inline constexpr uint16_t kCodecMask = 0x0007;
inline constexpr uint16_t kLogAppendTimeBit = 0x0008;
inline constexpr uint16_t kTransactionalBit = 0x0010;
inline constexpr uint16_t kControlBit = 0x0020;
inline constexpr uint16_t kDeleteHorizonBit = 0x0040;

// The value is the attribute bits 0-2.
enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };
std::string_view ToString(Codec codec);

enum class TimestampType : uint8_t { kCreateTime, kLogAppendTime };

enum class BatchError : uint8_t {
  kNone,
  kTruncated,  // the bytes end inside the batch: more may follow
  kOldMagic0,  // message formats before 0.11: valid once, not accepted
  kOldMagic1,
  kUnknownMagic,
  kBadLength,      // the length field is smaller than a batch can be, or other than the bytes given
  kBadBaseOffset,  // negative, beyond 2^63-1 with the deltas, or not 0 from a client
  kBadCrc,
  kBadCount,         // negative, or other than the records or the offset delta say
  kBadOffsetDeltas,  // last offset delta negative, or records not numbered 0, 1, 2, …
  kBadRecord,        // a record's bytes do not parse
  kBadProducer,      // producer id, epoch, sequence and transactional flag do not fit together
  kControlFromClient,
  kUnsupportedCodec,
  kDecompression,  // the compressed bytes are damaged
  kTooLarge,       // more decompressed bytes than the limit
};

// What is wrong with a batch and where: `at_byte` counts from the start of the batch (from the start of the
// decompressed records where `what` says so).
struct BatchProblem {
  BatchError error = BatchError::kNone;
  int64_t at_byte = 0;
  std::string what = {};
};

struct BatchHeader {
  Offset base_offset;
  int64_t size_bytes = 0;  // whole batch, the 12-byte prefix included
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  uint32_t crc = 0;
  uint16_t attributes = 0;
  int32_t last_offset_delta = 0;
  Timestamp base_timestamp = kNoTimestamp;  // delete horizon if has_delete_horizon(); −1 in a batch without records
  Timestamp max_timestamp = kNoTimestamp;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  int32_t record_count = 0;  // compaction leaves fewer than last_offset_delta + 1, even 0

  Offset last_offset() const { return base_offset + last_offset_delta; }
  // REQUIRES: last_offset() < 2^63 − 1, which ParseHeader() checked.
  Offset next_offset() const { return base_offset + last_offset_delta + 1; }
  // Sequence of the last record; after 2^31 − 1 comes 0, also inside a batch. kNoSequence if the batch has none.
  int32_t last_sequence() const;
  // nullopt: the attributes name a codec that does not exist.
  std::optional<Codec> codec() const;
  TimestampType timestamp_type() const {
    return (attributes & kLogAppendTimeBit) != 0 ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  }
  bool has_producer_id() const { return producer_id != kNoProducerId; }
  bool is_transactional() const { return (attributes & kTransactionalBit) != 0; }
  bool is_control() const { return (attributes & kControlBit) != 0; }
  bool has_delete_horizon() const { return (attributes & kDeleteHorizonBit) != 0; }

  friend bool operator==(const BatchHeader&, const BatchHeader&) = default;
};

// `distance` records after `sequence`, in [0, 2^31). REQUIRES: sequence >= 0, distance >= 0.
int32_t SequenceAfter(int32_t sequence, int32_t distance);

struct HeaderResult {
  BatchHeader header;  // meaningful if ok()
  BatchProblem problem;
  bool ok() const { return problem.error == BatchError::kNone; }
};

// Reads the header; needs its 61 bytes (17 for an error of magic or length) and no more of the batch.
HeaderResult ParseHeader(Bytes bytes);

// The header as bytes, for batches made field by field; length and CRC as the fields say. REQUIRES: out >= 61 bytes.
void WriteHeader(const BatchHeader& header, MutableBytes out);

// Whether `batch`, exactly one whole batch, carries the CRC of its bytes. REQUIRES: at least 61 bytes.
bool CheckCrc(Bytes batch);
uint32_t ComputeCrc(Bytes batch);

// In-place changes. REQUIRES: `batch` is one whole batch that parsed.
void PatchBaseOffset(MutableBytes batch, Offset base_offset);
void PatchLeaderEpoch(MutableBytes batch, LeaderEpoch leader_epoch);
// Sets timestamp type and max timestamp and computes the CRC anew.
void SetMaxTimestamp(MutableBytes batch, TimestampType type, Timestamp max_timestamp);
inline void SetLogAppendTime(MutableBytes batch, Timestamp now) {
  SetMaxTimestamp(batch, TimestampType::kLogAppendTime, now);
}

// Walks the batches of a byte range: headers only, no CRC. A Fetch response and a torn log end with a part of a batch:
// that is the problem kTruncated. After a problem or the end, Next() keeps answering the same.
class BatchCursor {
 public:
  explicit BatchCursor(Bytes range) : range_(range) {}

  enum class Found : uint8_t { kBatch, kEnd, kProblem };
  struct Step {
    Found found = Found::kEnd;
    BatchHeader header;    // kBatch
    Bytes batch;           // kBatch: the whole batch, a view into the range
    BatchProblem problem;  // kProblem: at_byte counts from the start of the range
  };
  Step Next();

  // Start of the batch that Next() looks at next, from the start of the range.
  int64_t position_bytes() const { return static_cast<int64_t>(position_); }

 private:
  Bytes range_;
  size_t position_ = 0;
};

}  // namespace odradek::record
