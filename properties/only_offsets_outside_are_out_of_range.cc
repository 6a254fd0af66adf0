// Z4. A fetch is answered with OFFSET_OUT_OF_RANGE only below the log start or above the log end: a consumer that hears
// it starts somewhere else. Between the high watermark and the log end the answer is empty.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings OnlyOffsetsOutsideAreOutOfRange(const Evidence& evidence) {
  Findings found;
  for (const history::OutOfRange& answer : evidence.history().out_of_ranges) {
    found.Judged();
    const bool is_inside =
        answer.fetch_offset >= answer.log_start_offset && answer.fetch_offset <= answer.log_end_offset;
    if (!is_inside) continue;
    found.Violated(fmt::format("{} was said to be out of range, the log goes from {} to {}",
                               Place(answer.partition, answer.fetch_offset), answer.log_start_offset.value(),
                               answer.log_end_offset.value()),
                   {answer.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
