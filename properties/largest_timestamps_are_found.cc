// O5. ListOffsets for the largest timestamp answers the first record that has it: the record at the answered offset has
// the answered timestamp, and no acknowledged record that is there has a larger one.
//
// Judged against the final log, over offsets that are in it and were never lost.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {
namespace {

void CheckLargest(const TopicPartition& name, const PartitionHistory& partition, const Evidence& evidence,
                  const history::ListOffsets& call, Findings& found) {
  const auto complain = [&](const std::string& what) {
    found.Violated(fmt::format("the largest timestamp of {} was said to be {} at offset {}, {}", ToString(name),
                               call.found_timestamp.value(), call.offset.value(), what),
                   {call.span.completed_ns});
  };
  const history::PolledRecord* at = partition.InTheEnd(call.offset);
  if (at != nullptr && !partition.LostSince(call.offset, call.span.invoked_ns)) {
    found.Judged();
    if (at->timestamp != call.found_timestamp) {
      return complain(fmt::format("which has {}", at->timestamp.value()));
    }
  }
  for (const history::PolledRecord& record : partition.final_read->records) {
    if (partition.LostSince(record.offset, call.span.invoked_ns)) return;
    // A later record of the same timestamp is no better; an earlier one is.
    const bool beats = record.timestamp > call.found_timestamp ||
                       (record.timestamp == call.found_timestamp && record.offset < call.offset);
    if (!beats) continue;
    // Only of an acknowledged record it is known that it was visible.
    const history::Send* send = evidence.SendOf(record.value);
    const bool was_visible = send != nullptr && send->outcome == history::Outcome::kOk &&
                             send->acks != history::Acks::kNone && send->span.completed_ns < call.span.invoked_ns;
    if (was_visible) {
      return complain(fmt::format("offset {} has {}", record.offset.value(), record.timestamp.value()));
    }
  }
}

}  // namespace

Findings LargestTimestampsAreFound(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool is_answer = call->query == history::OffsetQuery::kMaxTimestamp &&
                             call->outcome == history::Outcome::kOk && call->offset != kNoOffset;
      if (is_answer) CheckLargest(name, partition, evidence, *call, found);
    }
  }
  return found;
}

}  // namespace odradek::properties
