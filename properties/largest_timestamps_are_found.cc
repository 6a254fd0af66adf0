// O5. ListOffsets(MAX_TIMESTAMP) answers the earliest record that has the largest timestamp of all that are visible.
//
// Judged against the final log: the record has the timestamp that the answer names, none before it has as large a one,
// and none that was acknowledged before the call began has a larger one. Legal: whatever a later loss of power took,
// and where leaders change (Promise::linearizable) that one who is deposed and does not know it yet leaves out what was
// acknowledged since: what he shows is a beginning of the final log.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"
#include "properties/timestamp_order.h"

namespace odradek::properties {
namespace {

void CheckLargest(const TopicPartition& name, const PartitionHistory& partition, const TimestampOrder& order,
                  const history::ListOffsets& call, bool shows_all, Findings& found) {
  if (partition.LostSince(call.offset, call.span.invoked_ns)) return;
  // `fits`: of a record that was there.
  const auto check = [&](const history::PolledRecord* record, const auto& fits) {
    if (record == nullptr || partition.LostSince(record->offset, call.span.invoked_ns)) return;
    found.Judged();
    if (fits(*record)) return;
    found.Violated(fmt::format("the largest timestamp of {} was said to be {} at offset {}, and offset {} has {}",
                               ToString(name), call.found_timestamp.value(), call.offset.value(),
                               record->offset.value(), record->timestamp.value()),
                   {call.span.invoked_ns, call.span.completed_ns});
  };
  using Record = history::PolledRecord;
  check(partition.InTheEnd(call.offset),
        [&](const Record& record) { return record.timestamp == call.found_timestamp; });
  // What stands before a visible record was visible too.
  check(order.FirstAtLeast(call.found_timestamp), [&](const Record& record) { return record.offset >= call.offset; });
  if (!shows_all) return;
  check(order.LargestAckedBefore(call.span.invoked_ns),
        [&](const Record& record) { return record.timestamp <= call.found_timestamp; });
}

}  // namespace

Findings LargestTimestampsAreFound(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    const bool is_asked =
        std::any_of(partition.list_offsets.begin(), partition.list_offsets.end(),
                    [](const auto* call) { return call->query == history::OffsetQuery::kMaxTimestamp; });
    if (partition.final_read == nullptr || !is_asked) continue;
    const TimestampOrder order(partition, evidence);
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool counts = call->query == history::OffsetQuery::kMaxTimestamp &&
                          call->outcome == history::Outcome::kOk && call->offset != kNoOffset;
      if (counts) CheckLargest(name, partition, order, *call, evidence.history().promise.linearizable, found);
    }
  }
  return found;
}

}  // namespace odradek::properties
