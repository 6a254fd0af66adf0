// O2. No answer of ListOffsets lies below a log start that the node had before it was asked, nor does EARLIEST (O3).
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "properties/property.h"

namespace odradek::properties {

Findings ListedOffsetsAreInTheLog(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    // In the order of time; a log start never goes back (Z1).
    auto next = partition.log_starts_everywhere.begin();
    Offset log_start{0};
    std::vector<const history::ListOffsets*> calls = partition.list_offsets;
    std::stable_sort(calls.begin(), calls.end(),
                     [](const auto* a, const auto* b) { return a->span.invoked_ns < b->span.invoked_ns; });
    for (const history::ListOffsets* call : calls) {
      for (; next != partition.log_starts_everywhere.end() && (*next)->at_ns < call->span.invoked_ns; ++next) {
        log_start = std::max(log_start, (*next)->log_start_offset);
      }
      if (call->outcome != history::Outcome::kOk || call->offset == kNoOffset) continue;
      found.Judged();
      if (call->offset >= log_start) continue;
      found.Violated(fmt::format("client {} was told {}, the log starts at {}", call->client, Place(name, call->offset),
                                 log_start.value()),
                     {call->span.invoked_ns, call->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
