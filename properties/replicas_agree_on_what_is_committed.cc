// R3, K2, K3. Below its high watermark a replica has, batch for batch, what any replica ever had below its own: of a
// partition and of the metadata log. Legal: retention and snapshots take the beginning away.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings ReplicasAgreeOnWhatIsCommitted(const ReplicaCommit& commit) {
  Findings found;
  found.Judged();
  if (commit.differs_at == kNoOffset) return found;
  found.Violated(
      fmt::format("{} on {} has high watermark {}, and at offset {} not the batch that was committed there",
                  ToString(commit.partition), commit.node, commit.high_watermark.value(), commit.differs_at.value()),
      {commit.at_ns});
  return found;
}

}  // namespace odradek::properties
