// P5. The producers' state of a log in memory is the fold of its newest snapshot and the batches behind it.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings ProducerStateIsTheFoldOfTheLog(const ReplicaState& state) {
  Findings found;
  if (state.fold == nullptr) return found;
  found.Judged();
  if (state.fold->log_end_offset != state.log_end_offset) {
    found.Violated(
        fmt::format("{} on {}: the log ends at {} in memory and at {} in its files", ToString(state.partition),
                    state.node, state.log_end_offset.value(), state.fold->log_end_offset.value()),
        {state.at_ns});
    return found;
  }
  if (state.fold->producer_fingerprint == state.producer_fingerprint) return found;
  found.Violated(fmt::format("{} on {}: the producers' state at log end {} is not the one that the files give",
                             ToString(state.partition), state.node, state.log_end_offset.value()),
                 {state.at_ns});
  return found;
}

}  // namespace odradek::properties
