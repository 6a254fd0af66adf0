// H12. A record is read with the bytes and the timestamp with which it was sent. The workload derives every payload
// from its value: a payload that does not fit its value is recorded as kCorruptValue.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {
namespace {

void CheckIntact(const TopicPartition& name, const Evidence& evidence, const history::PolledRecord& record,
                 int64_t at_ns, Findings& found) {
  found.Judged();
  if (record.value == history::kCorruptValue) {
    found.Violated(fmt::format("{} holds bytes that nobody sent", Place(name, record.offset)), {at_ns});
    return;
  }
  const history::Send* sent = evidence.SendOf(record.value);
  if (sent == nullptr || sent->timestamp == kNoTimestamp || sent->timestamp == record.timestamp) return;
  found.Violated(fmt::format("value {} at {} was sent with timestamp {} and read with {}", record.value,
                             Place(name, record.offset), sent->timestamp.value(), record.timestamp.value()),
                 {at_ns});
}

}  // namespace

Findings RecordsArriveIntact(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) CheckIntact(name, evidence, record, poll->span.completed_ns, found);
    }
    if (partition.final_read == nullptr) continue;
    for (const auto& record : partition.final_read->records) CheckIntact(name, evidence, record, INT64_MAX, found);
  }
  return found;
}

}  // namespace odradek::properties
