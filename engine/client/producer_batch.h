// A batch of records on its way to one partition, from the first record to the last callback. Owned by the partition's
// queue while it waits and by the request while it is in flight. Pure; nothing suspends.
//
// Invariants:
//  1. Once the bytes are built they do not change: every attempt sends the same (CL07). Only a batch that was certainly
//     never appended may be given another producer epoch and sequence.
//  2. Every callback is called exactly once, in the order of the records, or never if the batch is destroyed first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/client/producer_record.h"
#include "engine/record/builder.h"

namespace odradek::client {

struct BatchSequence {
  ProducerId producer_id;
  ProducerEpoch epoch;
  int32_t base_sequence = 0;
  friend bool operator==(const BatchSequence&, const BatchSequence&) = default;
};

class ProducerBatch {
 public:
  // `id` is the number of the batch's first record: ids rise along a partition, also through the parts of a split.
  // `reserved_bytes` is what the batch takes from buffer.memory.
  ProducerBatch(uint64_t id, record::Codec codec, int64_t reserved_bytes, MonoTime created_at);

  // Appends if the batch stays within `bytes_max`; an empty batch takes any record. The callback is moved only then.
  bool TryAppend(const record::NewRecord& record, int64_t bytes_max, SendCallback& callback);

  // The bytes as they go out; built at the first call, with the sequence if there is one.
  const std::shared_ptr<const ByteBuffer>& Bytes();
  bool is_built() const { return bytes_ != nullptr; }
  bool is_full(int64_t bytes_max) const { return closed_ || size_estimate_bytes() >= bytes_max; }
  int64_t size_estimate_bytes() const;
  // Takes no more records.
  void CloseForAppends() { closed_ = true; }

  // REQUIRES: not built.
  void SetSequence(BatchSequence sequence);
  // REQUIRES: never possibly appended.
  void DropSequence();
  const std::optional<BatchSequence>& sequence() const { return sequence_; }
  // The two halves, or more, as batches of `bytes_max`; callbacks move over; sequences continue through the parts.
  // REQUIRES: built, more than one record.
  std::vector<std::unique_ptr<ProducerBatch>> Split(int64_t bytes_max);

  // Calls every callback. `base_offset` is kNoOffset where the broker did not say.
  struct Completion {
    Outcome outcome = Outcome::kOk;
    Offset base_offset = kNoOffset;
    Timestamp log_append_time = kNoTimestamp;
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
    std::string what;
  };
  void Complete(const TopicPartition& tp, const Completion& completion);
  bool is_complete() const { return complete_; }

  uint64_t id() const { return id_; }
  int32_t record_count() const { return builder_.record_count(); }
  int64_t reserved_bytes() const { return reserved_bytes_; }
  MonoTime created_at() const { return created_at_; }

  // State of the attempts, kept by the sender.
  int64_t attempt_count = 0;
  MonoTime sent_at;             // the last one
  MonoTime retry_at;            // not before
  bool maybe_appended = false;  // some attempt may have been carried out
  protocol::ErrorCode last_error = protocol::ErrorCode::kNone;
  std::string last_what;

 private:
  struct Waiting {
    Timestamp timestamp;
    SendCallback callback;
  };

  const uint64_t id_;
  const record::Codec codec_;
  int64_t reserved_bytes_;
  const MonoTime created_at_;
  record::BatchBuilder builder_;
  std::vector<Waiting> waiting_;
  std::optional<BatchSequence> sequence_;
  std::shared_ptr<const ByteBuffer> bytes_;
  bool closed_ = false;
  bool complete_ = false;
};
using BatchPtr = std::shared_ptr<ProducerBatch>;

}  // namespace odradek::client
