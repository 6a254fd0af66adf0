// Receive buffers of a shard: a pool of size classes and the memory budget that is charged before a buffer is taken.
// One of each per shard, owned by the shard; both outlive every buffer and charge that came from them. Only
// MemoryBudget::Charge may suspend.
//
// Invariants: 1. a buffer has one owner and goes back to its pool when the owner ends; 2. the charges that are held sum
// up to at most the budget; 3. what one taker asks for is clamped to the whole budget, so nobody waits for ever.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/fiber/fiber.h"
#include "engine/fiber/sync.h"

namespace odradek::net {

class BufferPool;

// Uninitialised memory of at least the size that was asked for. Empty after a move.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { Reset(); }
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    Swap(taken);
    return *this;
  }

  std::byte* data() const { return memory_.get(); }
  size_t capacity_bytes() const { return capacity_bytes_; }
  void Reset();

 private:
  friend class BufferPool;
  void Swap(Buffer& other) {
    std::swap(pool_, other.pool_);
    std::swap(memory_, other.memory_);
    std::swap(capacity_bytes_, other.capacity_bytes_);
  }

  BufferPool* pool_ = nullptr;
  std::unique_ptr<std::byte[]> memory_;
  size_t capacity_bytes_ = 0;
};

class BufferPool {
 public:
  struct Options {
    // Small enough to stay in a second-level cache.
    size_t cached_bytes_max = size_t{4} << 20;
  };

  BufferPool() : BufferPool(Options{}) {}
  explicit BufferPool(Options options) : options_(options) {}
  // REQUIRES: every buffer came back.
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  Buffer Take(size_t size_bytes);

  size_t in_use_count() const { return in_use_count_; }
  size_t cached_bytes() const { return cached_bytes_; }

 private:
  friend class Buffer;
  // Classes are powers of two; beyond the last one memory goes back to the allocator.
  static constexpr size_t kSmallestClassBytes = 256;
  static constexpr size_t kClassCount = 13;
  static constexpr size_t kLargestClassBytes = kSmallestClassBytes << (kClassCount - 1);
  static_assert(kLargestClassBytes == size_t{1} << 20);

  static size_t ClassOf(size_t size_bytes);
  void GiveBack(std::unique_ptr<std::byte[]> memory, size_t capacity_bytes);

  const Options options_;
  std::array<std::vector<std::unique_ptr<std::byte[]>>, kClassCount> spare_;
  size_t cached_bytes_ = 0;
  size_t in_use_count_ = 0;
};

// Byte vectors that answers were encoded into: their memory goes from one answer to the next.
class SpareBuffers {
 public:
  // Empty, perhaps with memory.
  ByteBuffer Take();
  void GiveBack(ByteBuffer buffer);

 private:
  // More than a round's answers are seldom under way; large ones are not worth keeping.
  static constexpr size_t kCountMax = 256;
  static constexpr size_t kCapacityBytesMax = 4096;
  std::vector<ByteBuffer> spare_;
};

class MemoryBudget;

// A share of the budget, given back when its owner ends. Empty after a move.
class MemoryCharge {
 public:
  MemoryCharge() = default;
  ~MemoryCharge() { Reset(); }
  MemoryCharge(MemoryCharge&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    budget_ = std::exchange(other.budget_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    return *this;
  }

  int64_t size_bytes() const { return size_bytes_; }
  void Reset();

 private:
  friend class MemoryBudget;
  MemoryCharge(MemoryBudget* budget, int64_t size_bytes) : budget_(budget), size_bytes_(size_bytes) {}

  MemoryBudget* budget_ = nullptr;
  int64_t size_bytes_ = 0;
};

class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t total_bytes) : total_bytes_(total_bytes), free_(total_bytes) {
    REQUIRES(total_bytes > 0);
  }

  // Waits until the bytes are there.
  MemoryCharge Charge(fiber::Fiber& self, int64_t size_bytes);

  int64_t total_bytes() const { return total_bytes_; }
  int64_t free_bytes() const { return free_.available(); }

 private:
  friend class MemoryCharge;
  const int64_t total_bytes_;
  fiber::Semaphore free_;
};

}  // namespace odradek::net
