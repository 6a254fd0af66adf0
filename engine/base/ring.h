// A queue in one piece of memory that it keeps: what goes in and out at a steady rate costs no allocation. Grows by
// doubling. A plain value of its owner.
//
// Invariants: 1. operator[](0) is the front; 2. what was popped is destroyed at once.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "engine/base/check.h"

namespace odradek::base {

template <typename T>
class Ring {
 public:
  Ring() = default;
  ~Ring() {
    clear();
    Free(slots_, capacity_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  // REQUIRES (all): there is such an element.
  T& operator[](size_t index) { return *At(index); }
  const T& operator[](size_t index) const { return *At(index); }
  T& front() { return *At(0); }
  const T& front() const { return *At(0); }
  T& back() { return *At(count_ - 1); }
  const T& back() const { return *At(count_ - 1); }

  // Index of the first element for which `holds` is false; it is true of all those before.
  template <typename Predicate>
  size_t PartitionPoint(Predicate holds) const {
    size_t begin = 0;
    size_t end = count_;
    while (begin < end) {
      const size_t middle = begin + (end - begin) / 2;
      if (holds((*this)[middle])) {
        begin = middle + 1;
      } else {
        end = middle;
      }
    }
    return begin;
  }

  // May move the elements that are there.
  template <typename... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    if (count_ == capacity_) Grow();
    T* added = new (slots_ + ((first_ + count_) & (capacity_ - 1))) T(std::forward<Arguments>(arguments)...);
    ++count_;
    return *added;
  }
  void push_back(T value) { emplace_back(std::move(value)); }
  void pop_front() {
    std::destroy_at(At(0));
    first_ = (first_ + 1) & (capacity_ - 1);
    --count_;
  }
  void clear() {
    while (!empty()) pop_front();
  }

 private:
  static constexpr size_t kFirstCapacity = 8;

  T* At(size_t index) const {
    REQUIRES(index < count_);
    return slots_ + ((first_ + index) & (capacity_ - 1));
  }

  void Grow() {
    const size_t wider = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    INVARIANT(std::has_single_bit(wider));
    T* slots = std::allocator<T>().allocate(wider);
    for (size_t i = 0; i < count_; ++i) {
      T* from = At(i);
      new (slots + i) T(std::move(*from));
      std::destroy_at(from);
    }
    Free(slots_, capacity_);
    slots_ = slots;
    capacity_ = wider;
    first_ = 0;
  }

  static void Free(T* slots, size_t capacity) {
    if (slots != nullptr) std::allocator<T>().deallocate(slots, capacity);
  }

  T* slots_ = nullptr;
  size_t capacity_ = 0;  // a power of two
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace odradek::base
