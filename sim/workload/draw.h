// Draws of a workload from its node's entropy.
#pragma once

#include <cstdint>

#include "engine/base/prng.h"
#include "engine/env/env.h"

namespace odradek::workload {

// In [0, bound). REQUIRES: bound > 0.
inline uint64_t DrawBelow(env::Env& env, uint64_t bound) {
  return base::BoundedDraw(env.entropy.Next64(), bound);
}
inline bool DrawPartsPerMillion(env::Env& env, uint32_t parts) {
  return DrawBelow(env, 1'000'000) < parts;
}

// Both ends included. REQUIRES: low <= high.
template <typename T>
struct Between {
  T low;
  T high;
};
inline int64_t Draw(env::Env& env, const Between<int64_t>& range) {
  return range.low + static_cast<int64_t>(DrawBelow(env, static_cast<uint64_t>(range.high - range.low) + 1));
}
inline Duration Draw(env::Env& env, const Between<Duration>& range) {
  return Duration::Nanos(Draw(env, Between<int64_t>{range.low.nanos(), range.high.nanos()}));
}

}  // namespace odradek::workload
