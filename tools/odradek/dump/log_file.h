// Batches of a .log file or snapshot, one after the other or from a given position. Owned by a dump; blocking.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"
#include "engine/record/batch.h"
#include "tools/odradek/dump/input_file.h"

namespace odradek::tool {

class LogFile {
 public:
  explicit LogFile(InputFile& file) : file_(file) {}

  enum class Found : uint8_t {
    kBatch,
    kEnd,      // the file ends here
    kProblem,  // problem(): the bytes here are no whole batch; at_byte counts from the start of the file
    kError,    // the file cannot be read: InputFile::error()
  };
  Found ReadAt(int64_t position);

  // After kBatch.
  const record::BatchHeader& header() const { return header_; }
  Bytes batch() const { return batch_; }
  const record::BatchProblem& problem() const { return problem_; }

 private:
  InputFile& file_;
  record::BatchHeader header_;
  ByteBuffer batch_;
  record::BatchProblem problem_;
};

}  // namespace odradek::tool
