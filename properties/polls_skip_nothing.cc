// H6. A poll that moves a position returns every record in between that the final log holds.
//
// Legal: records that came to stand there only after a power loss that took the offset.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"

namespace odradek::properties {

Findings PollsSkipNothing(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    const auto& truth = partition.final_read->records;  // ascending offsets
    for (const history::Poll* poll : partition.polls) {
      auto expected = partition.InTheEndFrom(poll->position_before);
      auto given = poll->records.begin();
      for (; expected != truth.end() && expected->offset < poll->position_after; ++expected) {
        found.Judged();
        while (given != poll->records.end() && given->offset < expected->offset) ++given;
        if (given != poll->records.end() && given->offset == expected->offset) continue;
        if (partition.LostSince(expected->offset, poll->span.invoked_ns)) continue;
        found.Violated(fmt::format("client {} went from {} to {} without value {} at offset {}", poll->client,
                                   Place(name, poll->position_before), poll->position_after.value(), expected->value,
                                   expected->offset.value()),
                       {poll->span.invoked_ns, poll->span.completed_ns});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
