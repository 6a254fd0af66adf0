// Builds one batch, record by record. Owned by a producer or whoever writes to a log; nothing suspends.
//
//  1. Records are numbered 0, 1, 2, …; the first record's timestamp is the batch's base timestamp.
//  2. What Build() gives passes CheckCrc() and reads back as what was appended.
//
// Source: KIP-98.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "engine/record/compression.h"
#include "engine/record/record_iterator.h"

namespace odradek::record {

enum class BatchKind : uint8_t { kData, kTransactionalData, kControl, kTransactionalControl };

struct BatchBuilderOptions {
  CompressionOptions compression = {};
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  BatchKind kind = BatchKind::kData;
  // Expected size after compression, in thousandths: what EstimatedSizeBytes() goes by.
  int32_t compressed_permille = 1000;
  // Set: a LOG_APPEND_TIME batch of this time.
  std::optional<Timestamp> log_append_time = std::nullopt;
};

struct ProducerFields {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
};

// Views: they need to live only during the call that takes them.
struct NewRecord {
  Timestamp timestamp = kNoTimestamp;
  std::optional<Bytes> key = std::nullopt;
  std::optional<Bytes> value = std::nullopt;
  std::span<const RecordHeader> headers = {};
};

// Bytes that no record of these parts exceeds in a batch, wherever it stands there.
int64_t RecordSizeBytesMax(const NewRecord& record);

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchBuilderOptions& options);

  // REQUIRES: uncompressed_bytes() plus the record stays below 2^31.
  void Append(const NewRecord& record);

  int32_t record_count() const { return record_count_; }
  // Size of the batch if it were not compressed.
  int64_t uncompressed_bytes() const { return static_cast<int64_t>(kBatchOverheadBytes + records_.size()); }
  int64_t EstimatedSizeBytes() const;
  // As EstimatedSizeBytes(), with one more record; an upper bound where nothing is compressed.
  int64_t EstimatedSizeBytesWith(const NewRecord& record) const;

  // May be set at any time before Build(): a producer knows its sequence when it sends, not when it appends.
  void SetProducer(const ProducerFields& producer) { producer_ = producer; }

  // The whole batch. May be called again: the same bytes. REQUIRES: at least one record.
  ByteBuffer Build() const;

 private:
  BatchHeader MakeHeader() const;

  BatchBuilderOptions options_;
  ProducerFields producer_;
  ByteBuffer records_;
  int32_t record_count_ = 0;
  Timestamp base_timestamp_ = kNoTimestamp;
  Timestamp max_timestamp_ = kNoTimestamp;
};

}  // namespace odradek::record
