// Batches and a slow, obvious model of the idempotence rules: the whole history in a vector, every question answered by
// scanning it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/producers/producer_states.h"

namespace odradek::producers::testing_model {

inline constexpr int32_t kSequenceMax = std::numeric_limits<int32_t>::max();

struct Sent {
  int64_t producer = 1;
  int16_t epoch = 0;
  int32_t first_sequence = 0;
  int32_t count = 1;
  int64_t timestamp = 1000;
  bool transactional = false;
};

inline record::BatchHeader Header(const Sent& sent, int64_t base_offset = 0) {
  record::BatchHeader h;
  h.base_offset = Offset(base_offset);
  h.size_bytes = record::kBatchOverheadBytes;
  h.attributes = sent.transactional ? record::kTransactionalBit : uint16_t{0};
  h.last_offset_delta = sent.count - 1;
  h.base_timestamp = Timestamp(sent.timestamp);
  h.max_timestamp = Timestamp(sent.timestamp);
  h.producer_id = ProducerId(sent.producer);
  h.producer_epoch = ProducerEpoch(sent.epoch);
  h.base_sequence = sent.first_sequence;
  h.record_count = sent.count;
  return h;
}

inline record::BatchHeader MarkerHeader(int64_t producer, int16_t epoch, int64_t offset, int64_t timestamp = 1000) {
  record::BatchHeader h = Header({.producer = producer, .epoch = epoch, .timestamp = timestamp}, offset);
  h.attributes = record::kTransactionalBit | record::kControlBit;
  h.base_sequence = record::kNoSequence;
  return h;
}

class NaiveProducers {
 public:
  struct Answer {
    Verdict verdict = Verdict::kAppend;
    int64_t base_offset = -1;
  };

  Answer Check(const Sent& sent) const {
    const std::vector<Appended> own = OwnOf(sent.producer);
    if (own.empty()) return {};
    const int16_t epoch = own.back().sent.epoch;
    if (sent.epoch == epoch) {
      for (size_t i = own.size(), seen = 0; i-- > 0 && seen < 5 && own[i].sent.epoch == epoch; ++seen) {
        const Sent& old = own[i].sent;
        if (old.first_sequence == sent.first_sequence && old.count == sent.count) {
          return {Verdict::kDuplicate, own[i].base_offset};
        }
      }
    }
    if (sent.epoch < epoch) return {Verdict::kInvalidProducerEpoch, -1};
    int64_t expected = 0;
    if (sent.epoch == epoch) {
      const Sent& last = own.back().sent;
      expected = (int64_t{last.first_sequence} + last.count) % (int64_t{1} << 31);
    }
    return {sent.first_sequence == expected ? Verdict::kAppend : Verdict::kOutOfOrderSequence, -1};
  }

  int64_t Append(const Sent& sent) {
    log_.push_back({sent, end_});
    end_ += sent.count;
    return log_.back().base_offset;
  }

  // The sequence that goes on where the producer is; 0 if it is unknown.
  int32_t NextSequence(int64_t producer) const {
    const std::vector<Appended> own = OwnOf(producer);
    if (own.empty()) return 0;
    const Sent& last = own.back().sent;
    return static_cast<int32_t>((int64_t{last.first_sequence} + last.count) % (int64_t{1} << 31));
  }

  struct Appended {
    Sent sent;
    int64_t base_offset;
  };
  const std::vector<Appended>& log() const { return log_; }
  int64_t end() const { return end_; }

 private:
  std::vector<Appended> OwnOf(int64_t producer) const {
    std::vector<Appended> own;
    for (const Appended& a : log_) {
      if (a.sent.producer == producer) own.push_back(a);
    }
    return own;
  }

  std::vector<Appended> log_;
  int64_t end_ = 0;
};

}  // namespace odradek::producers::testing_model
