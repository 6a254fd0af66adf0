#include "engine/net/frame_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/base/check.h"

namespace odradek::net {
namespace {

constexpr size_t kLengthBytes = sizeof(int32_t);
static_assert(FrameReader::kLookAheadBytes > kLengthBytes);

}  // namespace

FrameReader::FrameReader(env::Connection& connection, BufferPool& pool, Options options)
    : connection_(connection),
      pool_(pool),
      options_(options),
      look_ahead_(std::make_unique_for_overwrite<std::byte[]>(kLookAheadBytes)) {
  REQUIRES(options.frame_bytes_max > 0);
}

FrameResult FrameReader::Failed(env::NetError error, size_t have_bytes, size_t want_bytes) const {
  FrameResult result;
  result.net_error = error;
  if (error != env::NetError::kEnd) {
    result.error = FrameError::kNetwork;
    result.what = env::ToString(error);
  } else if (have_bytes == 0) {
    result.error = FrameError::kEnd;
    result.what = "the peer closed the connection";
  } else {
    result.error = FrameError::kTruncated;
    result.what = fmt::format("the stream ends after {} of {} bytes of a frame", have_bytes, want_bytes);
  }
  return result;
}

FrameResult FrameReader::ReadFrame(fiber::Fiber& self) {
  while (look_ahead_size() < kLengthBytes) {
    std::memmove(look_ahead_.get(), look_ahead_.get() + look_begin_, look_ahead_size());
    look_end_ = look_ahead_size();
    look_begin_ = 0;
    const std::array<MutableBytes, 1> into{MutableBytes(look_ahead_.get() + look_end_, kLookAheadBytes - look_end_)};
    const env::ReadResult read = connection_.ReadSome(self, into);
    if (read.error != env::NetError::kNone) return Failed(read.error, look_ahead_size(), kLengthBytes);
    INVARIANT(read.size_bytes > 0 && static_cast<size_t>(read.size_bytes) <= kLookAheadBytes - look_end_);
    look_end_ += static_cast<size_t>(read.size_bytes);
    received_bytes_ += read.size_bytes;
  }
  const auto length = LoadBigEndian<int32_t>(look_ahead_.get() + look_begin_);
  if (length <= 0 || length > options_.frame_bytes_max) {
    FrameResult result;
    result.error = FrameError::kBadLength;
    result.what = length > 0 ? fmt::format("frame of {} bytes is larger than {} = {}", length, options_.limit_name,
                                           options_.frame_bytes_max)
                             : fmt::format("frame length {} is not positive", length);
    return result;
  }
  look_begin_ += kLengthBytes;
  return ReadBody(self, static_cast<size_t>(length));
}

FrameResult FrameReader::ReadBody(fiber::Fiber& self, size_t size_bytes) {
  FrameResult result;
  Frame& frame = result.frame;
  if (options_.budget != nullptr) frame.charge_ = options_.budget->Charge(self, static_cast<int64_t>(size_bytes));
  frame.buffer_ = pool_.Take(size_bytes);
  frame.size_bytes_ = size_bytes;
  std::byte* const data = frame.buffer_.data();
  size_t filled = std::min(size_bytes, look_ahead_size());
  std::memcpy(data, look_ahead_.get() + look_begin_, filled);
  look_begin_ += filled;
  while (filled < size_bytes) {
    INVARIANT(look_ahead_size() == 0);
    look_begin_ = 0;
    look_end_ = 0;
    const std::array<MutableBytes, 2> into{MutableBytes(data + filled, size_bytes - filled),
                                           MutableBytes(look_ahead_.get(), kLookAheadBytes)};
    const env::ReadResult read = connection_.ReadSome(self, into);
    if (read.error != env::NetError::kNone) {
      return Failed(read.error, filled + kLengthBytes, size_bytes + kLengthBytes);
    }
    const auto read_bytes = static_cast<size_t>(read.size_bytes);
    INVARIANT(read_bytes > 0 && read_bytes <= size_bytes - filled + kLookAheadBytes);
    received_bytes_ += read.size_bytes;
    const size_t body_bytes = std::min(read_bytes, size_bytes - filled);
    filled += body_bytes;
    look_end_ = read_bytes - body_bytes;
  }
  return result;
}

}  // namespace odradek::net
