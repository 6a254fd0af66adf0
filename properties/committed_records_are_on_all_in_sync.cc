// R1, R9. When the newest leader moves its high watermark, the log of every replica that the controller could elect
// goes at least as far, and is there what was committed.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings CommittedRecordsAreOnAllInSync(const LeaderCommit& commit) {
  Findings found;
  for (const LeaderCommit::Member& member : commit.in_sync) {
    found.Judged();
    if (member.end >= commit.high_watermark && member.differs_at == kNoOffset) continue;
    const std::string what = member.end < commit.high_watermark
                                 ? fmt::format("ends at {}", member.end.value())
                                 : fmt::format("is another one at {}", member.differs_at.value());
    found.Violated(
        fmt::format("{} leads {} and has committed up to {}, but the log of {}, which is in sync, {}", commit.node,
                    ToString(commit.partition), commit.high_watermark.value(), member.node, what),
        {commit.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
