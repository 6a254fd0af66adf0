// D1, D3. A log comes back from a loss of power no shorter than what the node had reported as durable.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings DurableLogsSurvivePowerLoss(const Evidence& evidence) {
  Findings found;
  for (const history::LogLoss& loss : evidence.history().losses) {
    found.Judged();
    if (loss.recovered_end >= loss.durable_end) continue;
    found.Violated(fmt::format("{} was durable up to {} and came back with {}", ToString(loss.partition),
                               loss.durable_end.value(), loss.recovered_end.value()),
                   {loss.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
