// R10. A replica in the ISR or the ELR truncates nothing that any replica ever had below its high watermark. Legal: it
// lost the end of its log and its broker has not registered since (such a one is not judged).
#include <fmt/format.h>

#include <algorithm>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings CandidatesTruncateNothingCommitted(const CandidateTruncation& truncation) {
  Findings found;
  found.Judged();
  if (truncation.end >= std::min(truncation.end_before, truncation.committed_end)) return found;
  found.Violated(fmt::format("{} is in sync and truncates {} from {} to {}, of which all below {} is committed",
                             truncation.node, ToString(truncation.partition), truncation.end_before.value(),
                             truncation.end.value(), truncation.committed_end.value()),
                 {truncation.at_ns});
  return found;
}

}  // namespace odradek::properties
