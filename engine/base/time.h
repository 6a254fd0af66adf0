// Time as the engine knows it: signed 64-bit nanoseconds, never floating point. MonoTime never goes back and has no
// meaning outside its node; WallTime is what the node's clock claims and may jump in either direction.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "engine/base/ids.h"

namespace odradek {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration Nanos(int64_t n) { return Duration(n); }
  static constexpr Duration Micros(int64_t n) { return Duration(n * 1000); }
  static constexpr Duration Millis(int64_t n) { return Duration(n * 1000 * 1000); }
  static constexpr Duration Seconds(int64_t n) { return Duration(n * 1000 * 1000 * 1000); }
  // Kafka's millisecond settings reach Long.MAX_VALUE ("never"): saturates instead of overflowing.
  static constexpr Duration SaturatingMillis(int64_t n) {
    constexpr int64_t kNanosMax = std::numeric_limits<int64_t>::max();
    if (n > kNanosMax / 1000000) return Duration(kNanosMax);
    return n < -(kNanosMax / 1000000) ? Duration(-kNanosMax) : Millis(n);
  }
  constexpr int64_t nanos() const { return nanos_; }
  constexpr int64_t micros() const { return nanos_ / 1000; }
  constexpr int64_t millis() const { return nanos_ / 1000000; }
  static const Duration kMax;

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return Duration(a.nanos_ + b.nanos_); }
  friend constexpr Duration operator-(Duration a, Duration b) { return Duration(a.nanos_ - b.nanos_); }
  friend constexpr Duration operator*(Duration a, int64_t n) { return Duration(a.nanos_ * n); }
  friend constexpr Duration operator/(Duration a, int64_t n) { return Duration(a.nanos_ / n); }
  constexpr Duration operator-() const { return Duration(-nanos_); }

 private:
  constexpr explicit Duration(int64_t n) : nanos_(n) {}
  int64_t nanos_ = 0;
};
inline constexpr Duration Duration::kMax = Duration::Nanos(std::numeric_limits<int64_t>::max());

class MonoTime {
 public:
  constexpr MonoTime() = default;
  static constexpr MonoTime FromNanos(int64_t n) {
    MonoTime t;
    t.nanos_ = n;
    return t;
  }
  // "No deadline".
  static constexpr MonoTime Never() { return FromNanos(std::numeric_limits<int64_t>::max()); }
  constexpr int64_t nanos() const { return nanos_; }
  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  // Saturates at Never(): a deadline of "now + Long.MAX_VALUE ms" is no deadline.
  friend constexpr MonoTime operator+(MonoTime t, Duration d) {
    if (d.nanos() > 0 && t.nanos_ > std::numeric_limits<int64_t>::max() - d.nanos()) return Never();
    return FromNanos(t.nanos_ + d.nanos());
  }
  friend constexpr MonoTime operator-(MonoTime t, Duration d) { return FromNanos(t.nanos_ - d.nanos()); }
  friend constexpr Duration operator-(MonoTime a, MonoTime b) { return Duration::Nanos(a.nanos_ - b.nanos_); }

 private:
  int64_t nanos_ = 0;
};

class WallTime {
 public:
  constexpr WallTime() = default;
  static constexpr WallTime FromUnixNanos(int64_t n) {
    WallTime t;
    t.nanos_ = n;
    return t;
  }
  static constexpr WallTime FromUnixMillis(int64_t n) { return FromUnixNanos(n * 1000000); }
  constexpr int64_t unix_nanos() const { return nanos_; }
  constexpr int64_t unix_millis() const { return nanos_ / 1000000; }
  constexpr Timestamp timestamp() const { return Timestamp(unix_millis()); }
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
  friend constexpr WallTime operator+(WallTime t, Duration d) { return FromUnixNanos(t.nanos_ + d.nanos()); }
  friend constexpr Duration operator-(WallTime a, WallTime b) { return Duration::Nanos(a.nanos_ - b.nanos_); }

 private:
  int64_t nanos_ = 0;
};

}  // namespace odradek
