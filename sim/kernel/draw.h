// Random draws of a run. Each is number `counter` of the stream (seed, entity, purpose): taking one consumer away
// changes nothing for the others, which is what makes fault plans shrink.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/prng.h"
#include "engine/base/strong.h"
#include "engine/base/time.h"

namespace odradek::sim {

// Who draws: a node, a link, a site.
using Entity = base::Strong<struct EntityTag, uint64_t>;
// What for.
using Purpose = base::Strong<struct PurposeTag, uint64_t>;

constexpr Entity EntityOf(std::string_view name) {
  return Entity(base::HashName(name));
}
// A part of an entity: the third connection of a link.
constexpr Entity PartOf(Entity whole, uint64_t part) {
  return Entity(base::Mix64(whole.value() ^ base::Mix64(part)));
}
constexpr Purpose PurposeOf(std::string_view name) {
  return Purpose(base::HashName(name));
}

// One stream. Copies go on from the same counter: keep one, or take it from Kernel::Stream.
class DrawStream {
 public:
  constexpr DrawStream(uint64_t seed, Entity entity, Purpose purpose)
      : key_(base::Mix64(base::Mix64(base::Mix64(seed) ^ entity.value()) ^ purpose.value())) {}

  // base::KeyedDraw, with the part that stays the same worked out before.
  constexpr uint64_t Next() { return base::Mix64(key_ + counter_++); }
  // In [0, bound). REQUIRES: bound > 0.
  constexpr uint64_t Below(uint64_t bound) { return base::BoundedDraw(Next(), bound); }
  // In [low, high]. REQUIRES: low <= high. Draws even when there is no choice, so that limits do not shift the stream.
  constexpr int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }
  constexpr Duration Between(Duration low, Duration high) {
    return Duration::Nanos(Between(low.nanos(), high.nanos()));
  }
  // True in `parts` of a million cases.
  constexpr bool PartsPerMillion(uint32_t parts) { return Below(1000000) < parts; }
  // The same for what an option of the run may switch off for good: no draw then.
  constexpr bool MaybePartsPerMillion(uint32_t parts) { return parts > 0 && PartsPerMillion(parts); }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
};

}  // namespace odradek::sim
