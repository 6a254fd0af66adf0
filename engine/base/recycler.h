// Memory for shared objects of one type that come and go at a steady rate: a block that was freed is given to the next
// one. For std::allocate_shared. Owned by a shard, used by its thread only; outlives every object that came from it.
//
// Invariants: 1. blocks all have one size; 2. at most `spare_max` free blocks are kept.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "engine/base/check.h"

namespace odradek::base {

class Recycler {
 public:
  explicit Recycler(size_t spare_max) : spare_max_(spare_max) { spare_.reserve(spare_max); }
  ~Recycler() {
    INVARIANT(in_use_count_ == 0);
    for (void* block : spare_) ::operator delete(block);
  }
  Recycler(const Recycler&) = delete;
  Recycler& operator=(const Recycler&) = delete;

  void* Take(size_t size_bytes) {
    REQUIRES(block_bytes_ == 0 || block_bytes_ == size_bytes);
    block_bytes_ = size_bytes;
    ++in_use_count_;
    if (spare_.empty()) return ::operator new(size_bytes);
    void* block = spare_.back();
    spare_.pop_back();
    return block;
  }
  void GiveBack(void* block) {
    REQUIRES(in_use_count_ > 0);
    --in_use_count_;
    if (spare_.size() < spare_max_) {
      spare_.push_back(block);
    } else {
      ::operator delete(block);
    }
  }

  size_t spare_count() const { return spare_.size(); }

 private:
  const size_t spare_max_;
  size_t block_bytes_ = 0;  // of the first one
  size_t in_use_count_ = 0;
  std::vector<void*> spare_;
};

// Types with more than the default alignment are not for it.
template <typename T>
class RecyclingAllocator {
 public:
  using value_type = T;
  explicit RecyclingAllocator(Recycler& recycler) : recycler_(&recycler) {}
  template <typename U>
  RecyclingAllocator(const RecyclingAllocator<U>& other) : recycler_(other.recycler_) {}  // implicit: rebinding

  T* allocate(size_t count) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return static_cast<T*>(recycler_->Take(count * sizeof(T)));
  }
  void deallocate(T* block, size_t) { recycler_->GiveBack(block); }

  template <typename U>
  bool operator==(const RecyclingAllocator<U>& other) const {
    return recycler_ == other.recycler_;
  }

 private:
  template <typename U>
  friend class RecyclingAllocator;
  Recycler* recycler_;
};

}  // namespace odradek::base
