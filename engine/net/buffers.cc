#include "engine/net/buffers.h"

#include <algorithm>
#include <bit>

namespace odradek::net {

void Buffer::Reset() {
  if (pool_ == nullptr) return;
  BufferPool* pool = std::exchange(pool_, nullptr);
  pool->GiveBack(std::move(memory_), std::exchange(capacity_bytes_, 0));
}

BufferPool::~BufferPool() {
  INVARIANT(in_use_count_ == 0);
}

size_t BufferPool::ClassOf(size_t size_bytes) {
  const size_t rounded = std::bit_ceil(std::max(size_bytes, kSmallestClassBytes));
  return static_cast<size_t>(std::countr_zero(rounded) - std::countr_zero(kSmallestClassBytes));
}

Buffer BufferPool::Take(size_t size_bytes) {
  Buffer buffer;
  buffer.pool_ = this;
  ++in_use_count_;
  if (size_bytes > kLargestClassBytes) {
    buffer.memory_ = std::make_unique_for_overwrite<std::byte[]>(size_bytes);
    buffer.capacity_bytes_ = size_bytes;
    return buffer;
  }
  const size_t size_class = ClassOf(size_bytes);
  INVARIANT(size_class < kClassCount);
  buffer.capacity_bytes_ = kSmallestClassBytes << size_class;
  auto& spare = spare_[size_class];
  if (spare.empty()) {
    buffer.memory_ = std::make_unique_for_overwrite<std::byte[]>(buffer.capacity_bytes_);
  } else {
    buffer.memory_ = std::move(spare.back());
    spare.pop_back();
    cached_bytes_ -= buffer.capacity_bytes_;
  }
  return buffer;
}

void BufferPool::GiveBack(std::unique_ptr<std::byte[]> memory, size_t capacity_bytes) {
  REQUIRES(in_use_count_ > 0);
  --in_use_count_;
  if (capacity_bytes > kLargestClassBytes) return;
  if (cached_bytes_ + capacity_bytes > options_.cached_bytes_max) return;
  cached_bytes_ += capacity_bytes;
  spare_[ClassOf(capacity_bytes)].push_back(std::move(memory));
}

ByteBuffer SpareBuffers::Take() {
  if (spare_.empty()) return {};
  ByteBuffer buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void SpareBuffers::GiveBack(ByteBuffer buffer) {
  if (spare_.size() >= kCountMax || buffer.capacity() > kCapacityBytesMax) return;
  buffer.clear();
  spare_.push_back(std::move(buffer));
}

void MemoryCharge::Reset() {
  if (budget_ == nullptr) return;
  std::exchange(budget_, nullptr)->free_.Release(std::exchange(size_bytes_, 0));
}

MemoryCharge MemoryBudget::Charge(fiber::Fiber& self, int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  const int64_t clamped = std::min(size_bytes, total_bytes_);
  free_.Acquire(self, clamped);
  return {this, clamped};
}

}  // namespace odradek::net
