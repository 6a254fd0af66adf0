// The records of one batch, one at a time. Over an uncompressed batch everything is a view into the batch; a compressed
// one is unpacked into a buffer of the iterator. Owned by the reader; nothing suspends.
//
//  1. Views stay valid as long as the batch's bytes and the iterator do, also behind Next().
//  2. Offsets rise and stay within [base_offset, last_offset()], in a compacted batch with gaps. What breaks that, or
//     does not parse, or is not as many records as the header says, ends the iteration with a problem.
//  3. The CRC is not looked at (CheckCrc()).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "engine/record/compression.h"
#include "engine/record/record_parser.h"

namespace odradek::record {

struct RecordHeader {
  std::string_view key;  // UTF-8 by convention, not checked
  std::optional<Bytes> value;
  friend bool operator==(const RecordHeader& a, const RecordHeader& b);
};

// The headers of one record, in order; keys may repeat.
class RecordHeaders {
 public:
  RecordHeaders() = default;
  // `bytes`: as many headers as `count` says, parsed before.
  RecordHeaders(int32_t count, Bytes bytes) : left_(count), rest_(bytes) {}
  int32_t left() const { return left_; }
  std::optional<RecordHeader> Next();

 private:
  int32_t left_ = 0;
  Bytes rest_;
};

struct RecordView {
  Offset offset;
  Timestamp timestamp;  // of a LOG_APPEND_TIME batch: the batch's
  int32_t sequence = kNoSequence;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  RecordHeaders headers;  // a copy iterates from the start
};

class RecordIterator {
 public:
  // REQUIRES: `header` is ParseHeader(batch) and `batch` is that one whole batch.
  RecordIterator(const BatchHeader& header, Bytes batch, const DecompressOptions& options = {});
  RecordIterator(const RecordIterator&) = delete;
  RecordIterator& operator=(const RecordIterator&) = delete;

  enum class Found : uint8_t { kRecord, kEnd, kProblem };
  // After the end or a problem, answers the same again.
  Found Next();

  const RecordView& record() const { return record_; }      // after kRecord
  const BatchProblem& problem() const { return problem_; }  // after kProblem

 private:
  Found Finish(BatchProblem problem);
  void Unpack(Codec codec, Bytes compressed, const DecompressOptions& options);

  BatchHeader header_;
  ByteBuffer unpacked_;
  ByteSource source_;
  int32_t records_read_ = 0;
  int32_t last_delta_ = -1;
  Found ended_ = Found::kRecord;
  RecordView record_;
  BatchProblem problem_;
};

// Timestamp of a record: base plus delta, wrapping like Kafka's arithmetic since both come from outside.
Timestamp RecordTimestamp(const BatchHeader& header, int64_t timestamp_delta);

}  // namespace odradek::record
