#include "engine/client/producer_batch.h"

#include <utility>

#include "engine/base/check.h"

namespace odradek::client {

ProducerBatch::ProducerBatch(uint64_t id, record::Codec codec, int64_t reserved_bytes, MonoTime created_at)
    : id_(id),
      codec_(codec),
      reserved_bytes_(reserved_bytes),
      created_at_(created_at),
      builder_({.compression = {.codec = codec, .level = std::nullopt}, .log_append_time = std::nullopt}) {}

int64_t ProducerBatch::size_estimate_bytes() const {
  return builder_.EstimatedSizeBytes();
}

bool ProducerBatch::TryAppend(const record::NewRecord& record, int64_t bytes_max, SendCallback& callback) {
  if (closed_ || is_built()) return false;
  if (record_count() > 0 && builder_.EstimatedSizeBytesWith(record) > bytes_max) return false;
  builder_.Append(record);
  waiting_.push_back({record.timestamp, std::move(callback)});
  return true;
}

const std::shared_ptr<const ByteBuffer>& ProducerBatch::Bytes() {
  REQUIRES(record_count() > 0);
  if (bytes_ != nullptr) return bytes_;
  closed_ = true;
  if (sequence_) builder_.SetProducer({sequence_->producer_id, sequence_->epoch, sequence_->base_sequence});
  bytes_ = std::make_shared<const ByteBuffer>(builder_.Build());
  return bytes_;
}

void ProducerBatch::SetSequence(BatchSequence sequence) {
  REQUIRES(!is_built());
  sequence_ = sequence;
}

void ProducerBatch::DropSequence() {
  REQUIRES(!maybe_appended);
  sequence_.reset();
  bytes_.reset();
  builder_.SetProducer({});
}

std::vector<std::unique_ptr<ProducerBatch>> ProducerBatch::Split(int64_t bytes_max) {
  REQUIRES(is_built());
  REQUIRES(record_count() > 1);
  std::vector<std::unique_ptr<ProducerBatch>> parts;
  const record::HeaderResult header = record::ParseHeader(*bytes_);
  INVARIANT(header.ok());
  record::RecordIterator records(header.header, *bytes_);
  const int32_t records_max = (record_count() + 1) / 2;
  int32_t done = 0;
  for (Waiting& waiting : waiting_) {
    const auto found = records.Next();
    INVARIANT(found == record::RecordIterator::Found::kRecord);
    std::vector<record::RecordHeader> headers;
    record::RecordHeaders iterated = records.record().headers;
    while (const auto one = iterated.Next()) headers.push_back(*one);
    const record::NewRecord record{records.record().timestamp, records.record().key, records.record().value, headers};
    const bool is_new = parts.empty() || parts.back()->record_count() >= records_max ||
                        !parts.back()->TryAppend(record, bytes_max, waiting.callback);
    if (is_new) {
      const uint64_t id = id_ + static_cast<uint64_t>(done);
      parts.push_back(std::make_unique<ProducerBatch>(id, codec_, 0, created_at_));
      if (sequence_) {
        const int32_t base = record::SequenceAfter(sequence_->base_sequence, done);
        parts.back()->SetSequence({sequence_->producer_id, sequence_->epoch, base});
      }
      const bool appended = parts.back()->TryAppend(record, bytes_max, waiting.callback);
      INVARIANT(appended);
    }
    ++done;
  }
  waiting_.clear();
  complete_ = true;
  // The memory is given back with the last part.
  parts.back()->reserved_bytes_ = reserved_bytes_;
  for (const auto& part : parts) {
    part->CloseForAppends();
    part->attempt_count = attempt_count;
    part->maybe_appended = maybe_appended;
  }
  return parts;
}

void ProducerBatch::Complete(const TopicPartition& tp, const Completion& completion) {
  REQUIRES(!complete_);
  complete_ = true;
  SendResult result{.outcome = completion.outcome,
                    .partition = tp,
                    .offset = completion.base_offset,
                    .timestamp = kNoTimestamp,
                    .error = completion.error,
                    .what = completion.what};
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    const bool is_log_append_time = completion.log_append_time != kNoTimestamp;
    result.timestamp = is_log_append_time ? completion.log_append_time : waiting.timestamp;
    if (waiting.callback) waiting.callback(result);
    if (result.offset != kNoOffset) ++result.offset;
  }
}

}  // namespace odradek::client
