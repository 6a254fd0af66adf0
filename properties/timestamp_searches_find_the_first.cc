// O1. ListOffsets by timestamp t answers a record with a timestamp of at least t, and no visible record before it has
// one; that nothing was found means that no visible record has one.
//
// Judged against the final log. What stands before a record that was found was visible; whether another one was visible
// when the call ran is known only if an acks=all acknowledgement came before. Legal: whatever a later loss of power
// took, and where leaders change (Promise::linearizable) that one who is deposed and does not know it yet finds
// nothing: what he shows is a beginning of the final log.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"
#include "properties/timestamp_order.h"

namespace odradek::properties {
namespace {

void CheckSearch(const TopicPartition& name, const PartitionHistory& partition, const TimestampOrder& order,
                 const history::ListOffsets& call, bool shows_all, Findings& found) {
  const auto complain = [&](const history::PolledRecord& record) {
    found.Violated(
        fmt::format("a search of {} for timestamp {} found offset {} with timestamp {}, and offset {} has {}",
                    ToString(name), call.timestamp.value(), call.offset.value(), call.found_timestamp.value(),
                    record.offset.value(), record.timestamp.value()),
        {call.span.invoked_ns, call.span.completed_ns});
  };
  const auto is_lost = [&](const history::PolledRecord* record) {
    return record == nullptr || partition.LostSince(record->offset, call.span.invoked_ns);
  };
  if (call.offset == kNoOffset) {
    const history::PolledRecord* largest = order.LargestAckedBefore(call.span.invoked_ns);
    if (is_lost(largest) || !shows_all) return;
    found.Judged();
    if (largest->timestamp >= call.timestamp) complain(*largest);
    return;
  }
  const history::PolledRecord* it = partition.InTheEnd(call.offset);
  if (!is_lost(it)) {
    found.Judged();
    if (it->timestamp < call.timestamp || it->timestamp != call.found_timestamp) complain(*it);
  }
  const history::PolledRecord* first = order.FirstAtLeast(call.timestamp);
  if (is_lost(first) || partition.LostSince(call.offset, call.span.invoked_ns)) return;
  found.Judged();
  if (first->offset < call.offset) complain(*first);
}

}  // namespace

Findings TimestampSearchesFindTheFirst(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    const bool is_asked =
        std::any_of(partition.list_offsets.begin(), partition.list_offsets.end(),
                    [](const auto* call) { return call->query == history::OffsetQuery::kByTimestamp; });
    if (partition.final_read == nullptr || !is_asked) continue;
    const TimestampOrder order(partition, evidence);
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool is_answered =
          call->query == history::OffsetQuery::kByTimestamp && call->outcome == history::Outcome::kOk;
      if (is_answered) CheckSearch(name, partition, order, *call, evidence.history().promise.linearizable, found);
    }
  }
  return found;
}

}  // namespace odradek::properties
