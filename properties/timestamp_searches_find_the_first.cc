// O1, O3, O4. ListOffsets by timestamp t answers a record with a timestamp of at least t, and no visible record before
// it has one. Judged against the final log, over offsets that are in it and were never lost.
#include <fmt/format.h>

#include <map>

#include "properties/property.h"

namespace odradek::properties {
namespace {

// When the send of a value was acknowledged.
using AckTimes = std::map<history::Value, int64_t>;

void CheckSearch(const TopicPartition& name, const PartitionHistory& partition, const AckTimes& acked_ns,
                 const history::ListOffsets& call, Findings& found) {
  const auto& truth = partition.final_read->records;
  found.Judged();
  const auto complain = [&](const std::string& what) {
    found.Violated(fmt::format("a search of {} for timestamp {} {}", ToString(name), call.timestamp.value(), what),
                   {call.span.completed_ns});
  };
  for (const auto& record : truth) {
    if (call.offset != kNoOffset && record.offset > call.offset) break;
    if (partition.LostSince(record.offset, call.span.invoked_ns)) break;
    if (record.offset == call.offset) {
      if (record.timestamp < call.timestamp) {
        complain(fmt::format("found offset {} with timestamp {}", record.offset.value(), record.timestamp.value()));
      }
      return;
    }
    // Whether an unacknowledged record was visible when the call ran is not known: only acknowledged ones count.
    const auto acked = acked_ns.find(record.value);
    const bool was_visible = acked != acked_ns.end() && acked->second < call.span.invoked_ns;
    if (was_visible && record.timestamp >= call.timestamp) {
      complain(fmt::format("passed over offset {} with timestamp {}", record.offset.value(), record.timestamp.value()));
      return;
    }
  }
}

}  // namespace

Findings TimestampSearchesFindTheFirst(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    AckTimes acked_ns;
    for (const history::Send* send : partition.sends) {
      if (send->outcome == history::Outcome::kOk && send->acks != history::Acks::kNone) {
        acked_ns[send->value] = send->span.completed_ns;
      }
    }
    for (const history::ListOffsets* call : partition.list_offsets) {
      if (call->query == history::OffsetQuery::kByTimestamp && call->outcome == history::Outcome::kOk) {
        CheckSearch(name, partition, acked_ns, *call, found);
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
