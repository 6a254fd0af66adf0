// A map from workload values to small things, for histories of millions of operations: open addressing in one block of
// memory. Values are given out one after the other and read in about that order: eight neighbours lie together, so that
// going through a log touches memory in order. Never iterated.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/prng.h"
#include "sim/history/history.h"

namespace odradek::properties {

template <typename T>
class ValueMap {
 public:
  explicit ValueMap(size_t expected_count = 0) { Resize(expected_count); }

  size_t size() const { return size_; }

  // nullptr: there is none.
  const T* Find(history::Value value) const {
    if (value == kUnused) return unused_value_.has_value() ? &*unused_value_ : nullptr;
    for (size_t at = SlotOf(value);; at = (at + 1) & mask_) {
      if (slots_[at].value == value) return &slots_[at].mapped;
      if (slots_[at].value == kUnused) return nullptr;
    }
  }
  T* Find(history::Value value) { return const_cast<T*>(std::as_const(*this).Find(value)); }

  // What the value maps to now, and whether that is `mapped`: the first one stays.
  std::pair<T*, bool> Emplace(history::Value value, const T& mapped) {
    if (value == kUnused) {
      const bool is_first = !unused_value_.has_value();
      if (is_first) unused_value_ = mapped;
      size_ += is_first ? 1 : 0;
      return {&*unused_value_, is_first};
    }
    if ((size_ + 1) * 4 > slots_.size() * 3) Resize(size_ * 2);
    size_t at = SlotOf(value);
    for (; slots_[at].value != kUnused; at = (at + 1) & mask_) {
      if (slots_[at].value == value) return {&slots_[at].mapped, false};
    }
    slots_[at] = {value, mapped};
    ++size_;
    return {&slots_[at].mapped, true};
  }

 private:
  static constexpr int kNeighbourBits = 3;
  static constexpr size_t kSlotsMin = 16;
  // Marks a slot without a value; this value itself is kept beside the slots.
  static constexpr history::Value kUnused = history::kCorruptValue;
  struct Slot {
    history::Value value = kUnused;
    T mapped = {};
  };

  size_t SlotOf(history::Value value) const {
    constexpr history::Value kNeighbourMask = (history::Value{1} << kNeighbourBits) - 1;
    const uint64_t block = base::Mix64(value >> kNeighbourBits);
    return static_cast<size_t>((block << kNeighbourBits) | (value & kNeighbourMask)) & mask_;
  }
  // At most three quarters are used.
  void Resize(size_t count) {
    std::vector<Slot> old(std::max(kSlotsMin, std::bit_ceil(count + count / 2 + 1)));
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    size_ = unused_value_.has_value() ? 1 : 0;
    for (const Slot& slot : old) {
      if (slot.value != kUnused) Emplace(slot.value, slot.mapped);
    }
  }

  std::vector<Slot> slots_;  // a power of two
  size_t mask_ = 0;
  size_t size_ = 0;
  std::optional<T> unused_value_;
};

}  // namespace odradek::properties
