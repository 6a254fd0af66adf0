// K7. What the leader of the quorum commits, a majority of the voters has synced.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings CommittedMetadataIsOnMostDisks(const ReplicaCommit& commit) {
  Findings found;
  if (commit.durable_count < 0) return found;
  found.Judged();
  if (commit.durable_count > commit.voter_count / 2) return found;
  found.Violated(fmt::format("{} committed the metadata below {}, which is on the disks of {} of {} voters",
                             commit.node, commit.high_watermark.value(), commit.durable_count, commit.voter_count),
                 {commit.at_ns});
  return found;
}

}  // namespace odradek::properties
