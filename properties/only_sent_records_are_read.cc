// H7, H11. Every record that is read was sent to that partition, its send began before the read ended, and the send was
// not answered with a definite failure (Jepsen: G1a).
#include <fmt/format.h>

#include <map>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {
namespace {

void CheckRead(const TopicPartition& name, const std::map<history::Value, const history::Send*>& sends,
               const history::PolledRecord& record, const history::Span& read, std::vector<Violation>& found) {
  const auto at = sends.find(record.value);
  if (at == sends.end()) {
    found.push_back(
        {"",
         fmt::format("{} holds value {}, which nobody sent there", Place(name, record.offset), record.value),
         {read.completed_ns}});
    return;
  }
  const history::Send& send = *at->second;
  if (send.outcome == history::Outcome::kFail) {
    found.push_back({"",
                     fmt::format("{} holds value {}, whose send by client {} failed with error {}",
                                 Place(name, record.offset), record.value, send.client, send.error),
                     {send.span.completed_ns, read.completed_ns}});
  }
  if (send.span.invoked_ns > read.completed_ns) {
    found.push_back({"",
                     fmt::format("{} held value {} before it was sent", Place(name, record.offset), record.value),
                     {read.completed_ns, send.span.invoked_ns}});
  }
}

}  // namespace

std::vector<Violation> OnlySentRecordsAreRead(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    std::map<history::Value, const history::Send*> sends;
    for (const history::Send* send : partition.sends) sends[send->value] = send;
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) CheckRead(name, sends, record, poll->span, found);
    }
    if (partition.final_read == nullptr) continue;
    const history::Span at_the_end{INT64_MAX, INT64_MAX};
    for (const auto& record : partition.final_read->records) CheckRead(name, sends, record, at_the_end, found);
  }
  return found;
}

}  // namespace odradek::properties
