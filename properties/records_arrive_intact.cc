// H12. A record is read with the bytes and the timestamp with which it was sent. The workload derives every payload
// from its value: a payload that does not fit its value is recorded as kCorruptValue.
#include <fmt/format.h>

#include <map>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {
namespace {

void CheckIntact(const TopicPartition& name, const std::map<history::Value, Timestamp>& sent,
                 const history::PolledRecord& record, int64_t at_ns, std::vector<Violation>& found) {
  if (record.value == history::kCorruptValue) {
    found.push_back({"", fmt::format("{} holds bytes that nobody sent", Place(name, record.offset)), {at_ns}});
    return;
  }
  const auto at = sent.find(record.value);
  if (at == sent.end() || at->second == kNoTimestamp || at->second == record.timestamp) return;
  found.push_back({"",
                   fmt::format("value {} at {} was sent with timestamp {} and read with {}", record.value,
                               Place(name, record.offset), at->second.value(), record.timestamp.value()),
                   {at_ns}});
}

}  // namespace

std::vector<Violation> RecordsArriveIntact(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    std::map<history::Value, Timestamp> sent;
    for (const history::Send* send : partition.sends) sent[send->value] = send->timestamp;
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) CheckIntact(name, sent, record, poll->span.completed_ns, found);
    }
    if (partition.final_read == nullptr) continue;
    for (const auto& record : partition.final_read->records) CheckIntact(name, sent, record, INT64_MAX, found);
  }
  return found;
}

}  // namespace odradek::properties
