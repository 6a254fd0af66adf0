// Cuts the byte stream of one connection into frames: an int32 length and that many bytes (FEATURES.md 2.4). Owned by
// the connection's reader fiber. ReadFrame suspends.
//
// Invariants:
//  1. A length is checked before anything is charged or allocated for it; the budget is charged before a buffer is
//  taken.
//  2. A frame owns its bytes until it ends; they may be changed in place.
//  3. While no frame is incomplete the reader owns kLookAheadBytes and nothing else: that is the cost of an idle
//     connection. A reader that waits must not lend out memory that others read into meanwhile, so the look-ahead is
//     the connection's own; it is small because a larger frame is received straight into a buffer of its size, in one
//     scatter read that ends kLookAheadBytes behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/bytes.h"
#include "engine/env/network.h"
#include "engine/net/buffers.h"

namespace odradek::net {

// One whole frame without its length. Move-only; the bytes stay where they are when it is moved.
class Frame {
 public:
  Frame() = default;
  Bytes bytes() const { return {buffer_.data(), size_bytes_}; }
  MutableBytes mutable_bytes() { return {buffer_.data(), size_bytes_}; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  friend class FrameReader;
  // The charge ends after the buffer.
  MemoryCharge charge_;
  Buffer buffer_;
  size_t size_bytes_ = 0;
};

enum class FrameError : uint8_t {
  kNone,
  kEnd,        // the peer ended the stream between two frames
  kTruncated,  // the peer ended the stream inside a frame
  kBadLength,  // negative, zero, or above the limit: the stream cannot be read any further
  kNetwork,    // net_error says which
};

struct FrameResult {
  Frame frame;
  FrameError error = FrameError::kNone;
  env::NetError net_error = env::NetError::kNone;
  std::string what;  // for people, with the value that was wrong
  bool ok() const { return error == FrameError::kNone; }
};

class FrameReader {
 public:
  static constexpr size_t kLookAheadBytes = 2048;

  struct Options {
    int32_t frame_bytes_max = 100 * 1024 * 1024;  // socket.request.max.bytes
    std::string_view limit_name = "socket.request.max.bytes";
    MemoryBudget* budget = nullptr;  // nullptr: nothing is charged
  };

  // REQUIRES: connection and pool outlive the reader, pool and budget also the frames.
  FrameReader(env::Connection& connection, BufferPool& pool, Options options);

  // After an error every further call gives an error.
  FrameResult ReadFrame(fiber::Fiber& self);

  // Bytes of the stream that were received so far.
  int64_t received_bytes() const { return received_bytes_; }

 private:
  FrameResult ReadBody(fiber::Fiber& self, size_t size_bytes);
  FrameResult Failed(env::NetError error, size_t have_bytes, size_t want_bytes) const;
  size_t look_ahead_size() const { return look_end_ - look_begin_; }

  env::Connection& connection_;
  BufferPool& pool_;
  const Options options_;
  std::unique_ptr<std::byte[]> look_ahead_;
  size_t look_begin_ = 0;
  size_t look_end_ = 0;
  int64_t received_bytes_ = 0;
};

}  // namespace odradek::net
