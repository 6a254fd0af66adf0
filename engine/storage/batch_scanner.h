// Walks the batches of a range of a log file through a window of memory. Headers only, unless the whole batches are
// asked for. Lives on the stack of the fiber that scans; Next() and Body() may suspend. Bytes are input: a batch that
// does not fit into the range is a problem, and nothing larger than the range is allocated.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/bytes.h"
#include "engine/env/disk.h"
#include "engine/fiber/fiber.h"
#include "engine/record/batch.h"

namespace odradek::storage {

struct ScanRange {
  int64_t begin = 0;
  int64_t end = 0;
};

class BatchScanner {
 public:
  // What one read brings in at least; large for walking, small for one look.
  static constexpr int64_t kWalkWindowBytes = 64 * 1024;
  static constexpr int64_t kLookWindowBytes = 8 * 1024;

  BatchScanner(std::shared_ptr<env::File> file, const ScanRange& range, int64_t window_bytes);

  enum class Found : uint8_t { kBatch, kEnd, kProblem, kDiskError };
  // After anything but kBatch, answers the same again.
  Found Next(fiber::Fiber& self);

  // After kBatch.
  const record::BatchHeader& header() const { return header_; }
  int64_t position() const { return position_; }
  int64_t end_position() const { return position_ + header_.size_bytes; }
  // The whole batch; valid until the next call. Empty: disk_error() or the file has become shorter.
  Bytes Body(fiber::Fiber& self);

  // After kProblem: of the batch at position(); at_byte counts from the start of the file.
  const record::BatchProblem& problem() const { return problem_; }
  // After kDiskError.
  env::DiskError disk_error() const { return disk_error_; }
  int64_t bytes_read() const { return bytes_read_; }

 private:
  // Brings [at, at + size) into the window if the file has it. What is there from `at` on, at most to the range's end.
  Bytes Window(fiber::Fiber& self, int64_t at, int64_t size_bytes);

  std::shared_ptr<env::File> file_;
  const ScanRange range_;
  const int64_t window_bytes_;
  ByteBuffer buffer_;
  int64_t buffer_begin_ = 0;
  int64_t buffer_size_ = 0;
  int64_t position_;
  int64_t next_position_;
  Found last_ = Found::kBatch;
  record::BatchHeader header_;
  record::BatchProblem problem_;
  env::DiskError disk_error_ = env::DiskError::kNone;
  int64_t bytes_read_ = 0;
};

}  // namespace odradek::storage
