// Exponential backoff with jitter: `base` doubled for every failure up to `max`, and up to 20 % more or less, so that
// clients that failed together do not come back together (KIP-580). Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/prng.h"
#include "engine/base/time.h"

namespace odradek::client {

struct BackoffRange {
  Duration base;
  Duration max;
};

// `failure_count` failures in a row so far; `random` is any 64 random bits.
inline Duration BackoffAfter(BackoffRange range, int64_t failure_count, uint64_t random) {
  if (failure_count <= 0 || range.base <= Duration()) return Duration();
  Duration term = std::min(range.base, range.max);
  for (int64_t i = 1; i < failure_count && term < range.max; ++i) {
    term = term > range.max / 2 ? range.max : term * 2;
  }
  const int64_t permille = 800 + static_cast<int64_t>(base::BoundedDraw(random, 401));
  // Divide first and leave room: a backoff of years must not overflow.
  return std::min(term, Duration::kMax / 2) / 1000 * permille;
}

}  // namespace odradek::client
