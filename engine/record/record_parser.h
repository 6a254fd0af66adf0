// Reads records one after the other from plain bytes or from a decompressor, the same code for both. Over plain bytes
// the parts of a record are views; over a decompressor they are skipped, and only their sizes are kept: the memory is
// one chunk, however large the records are.
// Owned by a validation or an iterator; nothing suspends; malformed bytes end it with a problem.
//
//  1. A parsed record used exactly the bytes that its length announced, and none of its parts crosses its end.
//  2. After a problem, nothing more is read.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/bytes.h"
#include "engine/base/varint.h"
#include "engine/record/batch.h"
#include "engine/record/compression.h"

namespace odradek::record {

// A forward reader with a position. Every Read function answers false at a problem.
class ByteSource {
 public:
  explicit ByteSource(Bytes contiguous) : window_(contiguous) {}
  // `stream` may be null: then as over no bytes.
  explicit ByteSource(std::unique_ptr<Decompressor> stream);

  bool ReadByte(std::byte& value);
  bool ReadVarint32(int32_t& value) { return ReadShortVarint(value) || ReadLongVarint32(value); }
  bool ReadVarint64(int64_t& value) { return ReadShortVarint(value) || ReadLongVarint64(value); }
  // Passes `size_bytes` over. REQUIRES: size_bytes >= 0.
  bool Skip(int64_t size_bytes);
  // The last `size_bytes` that were read, if the source is contiguous; empty otherwise. REQUIRES: so many were read.
  Bytes ViewBack(int64_t size_bytes) const;
  // Whether no byte is left; a decompression problem counts as none left and stands in problem().
  bool AtEnd();

  int64_t position_bytes() const { return position_; }
  const BatchProblem& problem() const { return problem_; }
  // The first problem stays. Always false, for the caller to return.
  bool Fail(BatchError error, std::string what);

 private:
  // One or two groups: nearly all numbers of a record, and most of the time that a record takes. False changes nothing.
  template <typename T>
  bool ReadShortVarint(T& value) {
    if (window_left() < 2) return false;
    const auto first = std::to_integer<uint32_t>(window_[window_at_]);
    if (first < 0x80) {
      value = base::UnZigZag32(first);
      Advance(1);
      return true;
    }
    const auto second = std::to_integer<uint32_t>(window_[window_at_ + 1]);
    if (second >= 0x80) return false;
    value = base::UnZigZag32((first & 0x7f) | (second << 7));
    Advance(2);
    return true;
  }
  bool ReadLongVarint32(int32_t& value);
  bool ReadLongVarint64(int64_t& value);
  bool Refill();
  template <typename T>
  bool ReadVarintSlowly(T& value);
  void Advance(size_t n) {
    window_at_ += n;
    position_ += static_cast<int64_t>(n);
  }
  size_t window_left() const { return window_.size() - window_at_; }

  Bytes window_;
  size_t window_at_ = 0;
  int64_t position_ = 0;
  std::unique_ptr<Decompressor> stream_;
  ByteBuffer chunk_;
  BatchProblem problem_;
};

// A record as its bytes say, not yet related to its batch. Sizes of −1 mean null.
struct RawRecord {
  int64_t at_byte = 0;  // where it starts in the (decompressed) records
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  int32_t key_bytes = -1;
  int32_t value_bytes = -1;
  int32_t header_count = 0;
  Bytes key, value, headers;  // contiguous sources only
};

// False: problem() of the source says why.
bool ParseRecord(ByteSource& source, RawRecord& record);

}  // namespace odradek::record
