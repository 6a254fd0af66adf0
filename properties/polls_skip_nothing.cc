// H6. A poll that moves a position returns every record in between that the final log holds. Where the log is
// compacted, nothing of it was skipped either between one poll and the next of an assignment (C10).
//
// Legal: records that came to stand there only after a power loss that took the offset.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "properties/property.h"

namespace odradek::properties {

Findings PollsSkipNothing(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    const auto& truth = partition.final_read->records;  // ascending offsets
    std::map<std::pair<history::ClientId, int32_t>, Offset> positions;
    for (const history::Poll* poll : partition.polls) {
      Offset from = poll->position_before;
      if (partition.compaction != nullptr) {
        const auto position = positions.try_emplace({poll->client, poll->assignment}, from).first;
        from = std::min(from, position->second);
        position->second = poll->position_after;
      }
      auto expected = partition.InTheEndFrom(from);
      auto given = poll->records.begin();
      for (; expected != truth.end() && expected->offset < poll->position_after; ++expected) {
        found.Judged();
        while (given != poll->records.end() && given->offset < expected->offset) ++given;
        if (given != poll->records.end() && given->offset == expected->offset) continue;
        if (partition.LostSince(expected->offset, poll->span.invoked_ns)) continue;
        found.Violated(
            fmt::format("client {} went from {} to {} without value {} at offset {}", poll->client, Place(name, from),
                        poll->position_after.value(), expected->value, expected->offset.value()),
            {poll->span.invoked_ns, poll->span.completed_ns});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
