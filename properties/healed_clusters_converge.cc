// V0. When the faults stop and everything runs again, every client finishes its work and every partition can be read to
// its end within the time of the liveness phase.
#include "properties/property.h"

namespace odradek::properties {

Findings HealedClustersConverge(const Evidence& evidence) {
  Findings found;
  found.Judged();
  if (!evidence.history().converged) found.Violated(evidence.history().why_not_converged, {});
  return found;
}

}  // namespace odradek::properties
