// P2. Answers that acknowledge the same batch of a producer (id, epoch, base sequence) give the same base offset: a
// resent batch is answered with the offset of the original.
//
// Legal: another offset after the log lost the original (SEMANTICS 2); that is the caller's to know.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings RetriesAreAnsweredAlike(const ProduceAnswer& answer) {
  Findings found;
  if (answer.answered_before == kNoOffset) return found;
  found.Judged();
  if (answer.answered_before == answer.base_offset) return found;
  found.Violated(fmt::format("{} on {}: sequence {} of producer {} epoch {} was acknowledged at {} and again at {}",
                             ToString(answer.partition), answer.node, answer.base_sequence, answer.producer_id.value(),
                             answer.producer_epoch.value(), answer.answered_before.value(), answer.base_offset.value()),
                 {answer.at_ns});
  return found;
}

}  // namespace odradek::properties
