#include "engine/storage/batch_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {

using env::DiskError;

BatchScanner::BatchScanner(std::shared_ptr<env::File> file, const ScanRange& range, int64_t window_bytes)
    : file_(std::move(file)),
      range_(range),
      window_bytes_(window_bytes),
      position_(range.begin),
      next_position_(range.begin) {
  REQUIRES(range.begin >= 0 && range.begin <= range.end);
  REQUIRES(window_bytes >= static_cast<int64_t>(record::kBatchOverheadBytes));
}

Bytes BatchScanner::Window(fiber::Fiber& self, int64_t at, int64_t size_bytes) {
  const int64_t wanted = std::min(size_bytes, range_.end - at);
  const bool here = at >= buffer_begin_ && at + wanted <= buffer_begin_ + buffer_size_;
  if (!here) {
    const int64_t size = std::min(std::max(wanted, window_bytes_), range_.end - at);
    buffer_.resize(static_cast<size_t>(std::max(size, static_cast<int64_t>(buffer_.size()))));
    const env::IoResult read = file_->ReadAt(self, MutableBytes(buffer_).first(static_cast<size_t>(size)), at);
    bytes_read_ += read.size_bytes;
    buffer_begin_ = at;
    buffer_size_ = read.ok() ? read.size_bytes : 0;
    disk_error_ = read.error;
  }
  return Bytes(buffer_).subspan(static_cast<size_t>(at - buffer_begin_),
                                static_cast<size_t>(buffer_begin_ + buffer_size_ - at));
}

BatchScanner::Found BatchScanner::Next(fiber::Fiber& self) {
  if (last_ != Found::kBatch) return last_;
  position_ = next_position_;
  if (position_ == range_.end) return last_ = Found::kEnd;
  const Bytes window = Window(self, position_, record::kBatchOverheadBytes);
  if (disk_error_ != DiskError::kNone) return last_ = Found::kDiskError;
  record::HeaderResult parsed = record::ParseHeader(window);
  if (parsed.ok() && parsed.header.size_bytes > range_.end - position_) {
    parsed.problem = {record::BatchError::kTruncated, range_.end - position_,
                      fmt::format("{} of {} bytes of the batch", range_.end - position_, parsed.header.size_bytes)};
  }
  if (!parsed.ok()) {
    problem_ = std::move(parsed.problem);
    problem_.at_byte += position_;
    return last_ = Found::kProblem;
  }
  header_ = parsed.header;
  next_position_ = position_ + header_.size_bytes;
  return Found::kBatch;
}

Bytes BatchScanner::Body(fiber::Fiber& self) {
  REQUIRES(last_ == Found::kBatch);
  const Bytes window = Window(self, position_, header_.size_bytes);
  if (static_cast<int64_t>(window.size()) < header_.size_bytes) return {};
  return window.first(static_cast<size_t>(header_.size_bytes));
}

}  // namespace odradek::storage
