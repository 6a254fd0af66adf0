// What a broker checks of a batch that a client produces, before a byte of it is stored: the header, the CRC, that the
// records are there as the header says. Records of a compressed batch are looked at while they stream by; nothing is
// held. Pure; nothing suspends; never asserts on the bytes.
//
//  1. ok() means: one whole batch with base offset 0 and a correct CRC; record_count records numbered 0..n-1 that
//  parse;
//     no control batch; no RecordProblem.
//  2. A header's max_timestamp may be wrong in a batch that is ok(), as with Kafka, which corrects it: compare it with
//     ValidationResult::max_timestamp and use SetMaxTimestamp().
//
// Source: KIP-98, KIP-467 (errors per record), KIP-937 (timestamp bounds).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/record/batch.h"
#include "engine/record/compression.h"

namespace odradek::record {

enum class KeyRule : uint8_t {
  kOptional,
  kRequired,  // cleanup.policy has `compact`
};

struct ValidateOptions {
  KeyRule keys = KeyRule::kOptional;
  // Allowed record timestamps, both inclusive. −1 (none) is always allowed. Of a LOG_APPEND_TIME topic: leave it open.
  Timestamp timestamp_min{std::numeric_limits<int64_t>::min()};
  Timestamp timestamp_max{std::numeric_limits<int64_t>::max()};
  // max.message.bytes: of the batch as it came, compressed.
  int64_t batch_bytes_max = std::numeric_limits<int64_t>::max();
  DecompressOptions decompress = {};
  // More than these are counted, not kept: a batch of small records can have millions of them.
  int32_t record_problems_max = 1000;
};

enum class RecordError : uint8_t {
  kNullKey,    // INVALID_RECORD
  kTimestamp,  // INVALID_TIMESTAMP: outside the bounds
};

struct RecordProblem {
  int32_t index = 0;  // of the record in its batch
  RecordError error = RecordError::kNullKey;
  Timestamp timestamp;  // of the record
  friend bool operator==(const RecordProblem&, const RecordProblem&) = default;
};

struct ValidationResult {
  BatchHeader header;                          // meaningful if the problem is not in the header
  BatchProblem problem;                        // of the batch as a whole
  std::vector<RecordProblem> record_problems;  // in order; empty if `problem` is set
  int32_t record_problem_count = 0;

  int32_t record_count = 0;
  // Largest timestamp of the records and the first record that has it; −1 and −1 if none has a timestamp.
  Timestamp max_timestamp = kNoTimestamp;
  int32_t max_timestamp_offset_delta = -1;

  bool ok() const { return problem.error == BatchError::kNone && record_problem_count == 0; }
};

ValidationResult ValidateBatch(Bytes batch, const ValidateOptions& options = {});

}  // namespace odradek::record
