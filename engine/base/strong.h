// Strong types for ids, epochs and offsets: same size and cost as the integer, no implicit conversion between kinds.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace odradek::base {

// An integer that means one thing. Compares and hashes as its value; arithmetic only where the kind asks for it.
template <typename Tag, typename Rep>
class Strong {
 public:
  using Value = Rep;
  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

// A Strong that is a position on a line: position ± distance, position − position = distance.
template <typename Tag, typename Rep>
class StrongPosition {
 public:
  using Value = Rep;
  constexpr StrongPosition() = default;
  constexpr explicit StrongPosition(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongPosition, StrongPosition) = default;
  friend constexpr StrongPosition operator+(StrongPosition a, Rep distance) {
    return StrongPosition(a.value_ + distance);
  }
  friend constexpr StrongPosition operator-(StrongPosition a, Rep distance) {
    return StrongPosition(a.value_ - distance);
  }
  friend constexpr Rep operator-(StrongPosition a, StrongPosition b) { return a.value_ - b.value_; }
  constexpr StrongPosition& operator+=(Rep distance) {
    value_ += distance;
    return *this;
  }
  constexpr StrongPosition& operator++() {
    ++value_;
    return *this;
  }

 private:
  Rep value_{};
};

}  // namespace odradek::base

template <typename Tag, typename Rep>
struct std::hash<odradek::base::Strong<Tag, Rep>> {
  size_t operator()(odradek::base::Strong<Tag, Rep> v) const noexcept { return std::hash<Rep>()(v.value()); }
};
template <typename Tag, typename Rep>
struct std::hash<odradek::base::StrongPosition<Tag, Rep>> {
  size_t operator()(odradek::base::StrongPosition<Tag, Rep> v) const noexcept { return std::hash<Rep>()(v.value()); }
};
