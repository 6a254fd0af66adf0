// R13, P2. When a batch is acknowledged, a batch was appended at the offset that the answer names, and the high
// watermark has passed it. Legal: it has not, where acks=1 asked for the leader's word alone and there are others.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings AcknowledgedBatchesAreVisible(const ProduceAnswer& answer) {
  Findings found;
  found.Judged();
  if (answer.appended == nullptr) {
    found.Violated(fmt::format("{} on {}: a batch was acknowledged at {}, where none was appended",
                               ToString(answer.partition), answer.node, answer.base_offset.value()),
                   {answer.at_ns});
    return found;
  }
  const bool is_known = answer.high_watermark != kNoOffset;
  const bool is_promised = answer.promised == ProduceAnswer::Promised::kByAll;
  if (!is_known || !is_promised || answer.appended->next_offset <= answer.high_watermark) return found;
  found.Violated(fmt::format("{} on {}: the batch [{}, {}) was acknowledged when the high watermark was {}",
                             ToString(answer.partition), answer.node, answer.base_offset.value(),
                             answer.appended->next_offset.value(), answer.high_watermark.value()),
                 {answer.at_ns});
  return found;
}

}  // namespace odradek::properties
