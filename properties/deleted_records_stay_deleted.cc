// Z3, Z4. Once DeleteRecords was answered with low watermark o, no read that begins later returns a record below o, and
// the log never starts below o again. A loss of power is no excuse: a log start is durable before it is told.
//
// A read begins when the broker is asked: a consumer may hand out later what it had fetched before.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings DeletedRecordsStayDeleted(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks deleted;
    for (const history::DeleteRecords* op : partition.delete_records) {
      if (op->outcome == history::Outcome::kOk) deleted.Add(op->span.completed_ns, op->low_watermark);
    }
    deleted.Seal();
    for (const history::Poll* poll : partition.polls) {
      const RisingMarks::Mark* start = deleted.HighestBefore(poll->span.invoked_ns);
      if (poll->records.empty() || start == nullptr) continue;
      found.Judged();
      if (poll->records.front().offset >= start->offset) continue;
      found.Violated(fmt::format("client {} read {} although everything below {} had been deleted", poll->client,
                                 Place(name, poll->records.front().offset), start->offset.value()),
                     {start->at_ns, poll->span.invoked_ns});
    }
    const RisingMarks::Mark* last = deleted.HighestBefore(INT64_MAX);
    if (partition.final_read == nullptr || last == nullptr) continue;
    found.Judged();
    if (partition.final_read->log_start_offset >= last->offset) continue;
    found.Violated(fmt::format("in the end {} starts at {} although everything below {} had been deleted",
                               ToString(name), partition.final_read->log_start_offset.value(), last->offset.value()),
                   {last->at_ns});
  }
  return found;
}

}  // namespace odradek::properties
