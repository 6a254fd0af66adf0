// H13. An acknowledged record of an idempotent producer is read at the acknowledged offset and at no other, and with
// the timestamp that the acknowledgement gave to it: its own, or the log append time.
//
// Legal: a record that a loss of power took after it was read, and that a retry appended anew elsewhere.
// Legal for other producers: a copy at another offset, by a retry. Their acknowledged offsets are judged by H1 and H2.
// Legal for a record with a timestamp of its own: an acknowledgement of a duplicate gives the largest one of its batch
// (as Kafka's does), so that only times that the log gave are compared.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {
namespace {

constexpr history::Span kInTheEnd{INT64_MAX, INT64_MAX};

void CheckIdentity(const TopicPartition& name, const Evidence& evidence, const history::PolledRecord& record,
                   const history::Span& read, Findings& found) {
  const history::Send* send = evidence.SendOf(record.value);
  if (send == nullptr || send->outcome != history::Outcome::kOk || send->offset == kNoOffset) return;
  if (send->idempotent) {
    found.Judged();
    if (send->offset != record.offset &&
        !evidence.partitions().at(name).LostSince(record.offset, read.invoked_ns, send->span.completed_ns)) {
      found.Violated(fmt::format("value {} was acknowledged at {} and read at offset {}", record.value,
                                 Place(name, send->offset), record.offset.value()),
                     {send->span.completed_ns, read.completed_ns});
    }
  }
  if (send->offset != record.offset || send->acked_timestamp == kNoTimestamp) return;
  if (send->timestamp != kNoTimestamp) return;
  found.Judged();
  if (send->acked_timestamp == record.timestamp) return;
  found.Violated(
      fmt::format("value {} at {} was acknowledged with timestamp {} and read with timestamp {}", record.value,
                  Place(name, record.offset), send->acked_timestamp.value(), record.timestamp.value()),
      {send->span.completed_ns, read.completed_ns});
}

}  // namespace

Findings AcknowledgementsNameTheRightOffset(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) CheckIdentity(name, evidence, record, poll->span, found);
    }
    if (partition.final_read == nullptr) continue;
    for (const auto& record : partition.final_read->records) CheckIdentity(name, evidence, record, kInTheEnd, found);
  }
  return found;
}

}  // namespace odradek::properties
