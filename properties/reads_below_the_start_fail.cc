// Z4. A read from below the log start gives no records, whether the start was moved by DeleteRecords or by retention:
// what a consumer was given was asked for at or above the log start at that time.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings ReadsBelowTheStartFail(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks starts;
    for (const history::LogStart* start : partition.log_starts_everywhere)
      starts.Add(start->at_ns, start->log_start_offset);
    starts.Seal();
    for (const history::Poll* poll : partition.polls) {
      const RisingMarks::Mark* start = starts.HighestBefore(poll->span.invoked_ns);
      if (start == nullptr || poll->records.empty()) continue;
      found.Judged();
      if (poll->records.front().offset >= start->offset) continue;
      found.Violated(fmt::format("client {} was given {} although the log started at {} when it asked", poll->client,
                                 Place(name, poll->records.front().offset), start->offset.value()),
                     {start->at_ns, poll->span.invoked_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
