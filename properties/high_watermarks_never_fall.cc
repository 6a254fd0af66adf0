// R2, R10, K8. As long as a log stays loaded its high watermark never falls: nothing that is committed is truncated.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings HighWatermarksNeverFall(const ReplicaCommit& commit) {
  Findings found;
  if (commit.high_watermark_before == kNoOffset) return found;
  found.Judged();
  if (commit.high_watermark >= commit.high_watermark_before) return found;
  found.Violated(fmt::format("the high watermark of {} on {} was {} and is {}", ToString(commit.partition), commit.node,
                             commit.high_watermark_before.value(), commit.high_watermark.value()),
                 {commit.at_ns});
  return found;
}

}  // namespace odradek::properties
