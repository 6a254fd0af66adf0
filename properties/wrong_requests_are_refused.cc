// F1, F2. A request that repeats an epoch of a fetch session is answered with an error: INVALID_FETCH_SESSION_EPOCH, or
// FETCH_SESSION_ID_NOT_FOUND if the session had to give way (KIP-227). So is one in a leader epoch that nobody has
// begun, also in a session that was opened without one (KIP-320, KAFKA-9338).
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings WrongRequestsAreRefused(const Evidence& evidence) {
  Findings found;
  for (const history::Refusal& refusal : evidence.history().refusals) {
    found.Judged();
    if (refusal.error != 0) continue;
    found.Violated(fmt::format("client {} was not refused: {}", refusal.client, refusal.what),
                   {refusal.span.invoked_ns, refusal.span.completed_ns});
  }
  return found;
}

}  // namespace odradek::properties
