// Bytes of one direction of a stream, received and on their way: a ring that grows in powers of two and goes back to
// its start when it is empty, so that quiet streams keep touching the same few cache lines.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace odradek::sim {

class ByteRing {
 public:
  size_t size() const { return size_; }

  void Append(Bytes bytes) {
    Reserve(size_ + bytes.size());
    const size_t begin = (head_ + size_) & (capacity_ - 1);
    const size_t first = std::min(bytes.size(), capacity_ - begin);
    if (first > 0) std::memcpy(data_.get() + begin, bytes.data(), first);
    if (bytes.size() > first) std::memcpy(data_.get(), bytes.data() + first, bytes.size() - first);
    size_ += bytes.size();
  }

  // REQUIRES: into.size() <= size().
  void Take(MutableBytes into) {
    REQUIRES(into.size() <= size_);
    const size_t first = std::min(into.size(), capacity_ - head_);
    if (first > 0) std::memcpy(into.data(), data_.get() + head_, first);
    if (into.size() > first) std::memcpy(into.data() + first, data_.get(), into.size() - first);
    DropFront(into.size());
  }

  void DropFront(size_t size_bytes) {
    REQUIRES(size_bytes <= size_);
    size_ -= size_bytes;
    head_ = size_ == 0 ? 0 : (head_ + size_bytes) & (capacity_ - 1);
  }
  void DropBack(size_t size_bytes) {
    REQUIRES(size_bytes <= size_);
    size_ -= size_bytes;
    if (size_ == 0) head_ = 0;
  }

  // REQUIRES: index < size().
  std::byte& at(size_t index) {
    REQUIRES(index < size_);
    return data_[(head_ + index) & (capacity_ - 1)];
  }

 private:
  static constexpr size_t kCapacityMin = 256;

  void Reserve(size_t wanted) {
    if (wanted <= capacity_) return;
    const size_t capacity = std::max(kCapacityMin, std::bit_ceil(wanted));
    std::unique_ptr<std::byte[]> grown(new std::byte[capacity]);
    const size_t size_bytes = size_;
    if (size_bytes > 0) Take({grown.get(), size_bytes});
    data_ = std::move(grown);
    capacity_ = capacity;
    head_ = 0;
    size_ = size_bytes;
  }

  std::unique_ptr<std::byte[]> data_;
  size_t capacity_ = 0;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace odradek::sim
