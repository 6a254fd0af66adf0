#include "tools/odradek/dump/log_file.h"

#include <fmt/format.h>

namespace odradek::tool {

LogFile::Found LogFile::ReadAt(int64_t position) {
  const int64_t left = file_.size_bytes() - position;
  if (left <= 0) return Found::kEnd;
  if (!file_.ReadAt(position, static_cast<int64_t>(record::kBatchOverheadBytes), batch_)) return Found::kError;
  const record::HeaderResult parsed = record::ParseHeader(batch_);
  if (!parsed.ok()) {
    problem_ = parsed.problem;
    problem_.at_byte += position;
    return Found::kProblem;
  }
  header_ = parsed.header;
  if (header_.size_bytes > left) {
    problem_ = {record::BatchError::kTruncated, position,
                fmt::format("the file has {} of {} bytes of the batch", left, header_.size_bytes)};
    return Found::kProblem;
  }
  ByteBuffer rest;
  const int64_t had = static_cast<int64_t>(batch_.size());
  if (!file_.ReadAt(position + had, header_.size_bytes - had, rest)) return Found::kError;
  AppendBytes(batch_, rest);
  return Found::kBatch;
}

}  // namespace odradek::tool
