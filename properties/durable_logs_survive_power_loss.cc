// D1, D3. A log comes back no shorter than what the node had reported as durable, unless the disk damaged it: then no
// shorter than up to the damage, and the node says that it cut something off.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings DurableLogsSurvivePowerLoss(const Evidence& evidence) {
  Findings found;
  for (const history::LogLoss& loss : evidence.history().losses) {
    found.Judged();
    if (loss.cause == history::LossCause::kDamage && !loss.was_reported) {
      found.Violated(fmt::format("{} lost what the disk damaged from {} on, and the node did not say so",
                                 ToString(loss.partition), loss.recovered_end.value()),
                     {loss.at_ns});
    }
    if (loss.recovered_end >= loss.durable_end) continue;
    found.Violated(fmt::format("{} was durable up to {} and came back with {}", ToString(loss.partition),
                               loss.durable_end.value(), loss.recovered_end.value()),
                   {loss.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
