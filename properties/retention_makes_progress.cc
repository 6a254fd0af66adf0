// V10. What retention.bytes no longer allows goes away: a log whose oldest segment could be deleted by size does not
// stay so for much longer than log.retention.check.interval.ms (liveness).
//
// The patience covers a check that has just passed, and a disk that is slow.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {
namespace {

constexpr int64_t kSlackNanos = 5'000'000'000;

}  // namespace

Findings RetentionMakesProgress(const ReplicaState& state) {
  Findings found;
  if (state.too_large_since_ns < 0) return found;
  found.Judged();
  const int64_t patience_ns = 3 * state.retention_check_ns + kSlackNanos;
  if (state.at_ns - state.too_large_since_ns <= patience_ns) return found;
  found.Violated(
      fmt::format("{} on {}: the oldest segment could have been deleted by size for {} ms, and retention is "
                  "checked every {} ms",
                  ToString(state.partition), state.node, (state.at_ns - state.too_large_since_ns) / 1'000'000,
                  state.retention_check_ns / 1'000'000),
      {state.too_large_since_ns, state.at_ns});
  return found;
}

}  // namespace odradek::properties
