// D1, D3. A log comes back from a loss of power no shorter than what the node had reported as durable.
#include <fmt/format.h>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> DurableLogsSurvivePowerLoss(const History& history) {
  std::vector<Violation> found;
  for (const history::LogLoss& loss : history.losses) {
    if (loss.recovered_end >= loss.durable_end) continue;
    found.push_back({"",
                     fmt::format("{} was durable up to {} and came back with {}", ToString(loss.partition),
                                 loss.durable_end.value(), loss.recovered_end.value()),
                     {loss.at_ns}});
  }
  return found;
}

}  // namespace odradek::properties
