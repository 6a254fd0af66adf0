// R6, R4, R15. Every replica in the ISR or the ELR, the leader among them, has all that any replica ever had below its
// high watermark. Legal: it lost the end of its log and its broker has not registered since (such a one is not judged).
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings CandidatesHaveWhatIsCommitted(const CandidateState& candidate) {
  Findings found;
  found.Judged();
  if (candidate.end >= candidate.committed_end && candidate.differs_at == kNoOffset) return found;
  const std::string what = candidate.end < candidate.committed_end
                               ? fmt::format("ends at {}", candidate.end.value())
                               : fmt::format("is another one at {}", candidate.differs_at.value());
  found.Violated(fmt::format("{} could be elected to lead {}, of which all below {} is committed, and its log {}",
                             candidate.node, ToString(candidate.partition), candidate.committed_end.value(), what),
                 {candidate.at_ns});
  return found;
}

}  // namespace odradek::properties
