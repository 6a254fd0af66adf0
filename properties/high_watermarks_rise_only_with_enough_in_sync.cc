// R1. A leader moves its high watermark only while its ISR has min.insync.replicas members, or all replicas if there
// are fewer (KIP-966).
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings HighWatermarksRiseOnlyWithEnoughInSync(const LeaderCommit& commit) {
  Findings found;
  found.Judged();
  if (commit.isr_count >= commit.min_isr) return found;
  found.Violated(
      fmt::format("{} leads {} and has committed up to {} with {} in sync, fewer than {}", commit.node,
                  ToString(commit.partition), commit.high_watermark.value(), commit.isr_count, commit.min_isr),
      {commit.at_ns});
  return found;
}

}  // namespace odradek::properties
