// P5. The producers' state of a log in memory is the fold of its newest snapshot and the batches behind it.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

std::vector<history::Violation> ProducerStateIsTheFoldOfTheLog(const ReplicaState& state, const ReplicaFold& fold) {
  if (fold.log_end_offset != state.log_end_offset) {
    return {{"P5",
             fmt::format("{} on {}: the log ends at {} in memory and at {} in its files", ToString(state.partition),
                         state.node, state.log_end_offset.value(), fold.log_end_offset.value()),
             {state.at_ns}}};
  }
  if (fold.producer_fingerprint == state.producer_fingerprint) return {};
  return {{"P5",
           fmt::format("{} on {}: the producers' state at log end {} is not the one that the files give",
                       ToString(state.partition), state.node, state.log_end_offset.value()),
           {state.at_ns}}};
}

}  // namespace odradek::properties
