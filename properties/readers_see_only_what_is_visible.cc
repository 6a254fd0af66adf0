// L2, first half. What a Fetch of a client returns ends at or below the high watermark that it is told, which is at or
// below the log end at that instant.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings ReadersSeeOnlyWhatIsVisible(const FetchAnswer& answer) {
  Findings found;
  found.Judged();
  const bool fits = answer.next_offset <= answer.high_watermark && answer.high_watermark <= answer.log_end_offset &&
                    answer.log_start_offset <= answer.high_watermark;
  if (fits) return found;
  found.Violated(
      fmt::format("{} on {}: a Fetch returned records up to {} with log start {} and high watermark {}, and "
                  "the log ends at {}",
                  ToString(answer.partition), answer.node, answer.next_offset.value(), answer.log_start_offset.value(),
                  answer.high_watermark.value(), answer.log_end_offset.value()),
      {answer.at_ns});
  return found;
}

}  // namespace odradek::properties
