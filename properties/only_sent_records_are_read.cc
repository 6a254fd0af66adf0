// H7, H11. Every record that is read was sent to that partition, its send began before the read ended, and the send was
// not answered with a definite failure (Jepsen: G1a).
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {
namespace {

void CheckRead(const TopicPartition& name, const Evidence& evidence, const history::PolledRecord& record,
               const history::Span& read, Findings& found) {
  found.Judged();
  const history::Send* at = evidence.SendOf(record.value);
  if (at == nullptr || at->partition != name) {
    found.Violated(fmt::format("{} holds value {}, which nobody sent there", Place(name, record.offset), record.value),
                   {read.completed_ns});
    return;
  }
  const history::Send& send = *at;
  if (send.outcome == history::Outcome::kFail) {
    found.Violated(fmt::format("{} holds value {}, whose send by client {} failed with error {}",
                               Place(name, record.offset), record.value, send.client, send.error),
                   {send.span.completed_ns, read.completed_ns});
  }
  if (send.span.invoked_ns > read.completed_ns) {
    found.Violated(fmt::format("{} held value {} before it was sent", Place(name, record.offset), record.value),
                   {read.completed_ns, send.span.invoked_ns});
  }
}

}  // namespace

Findings OnlySentRecordsAreRead(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) CheckRead(name, evidence, record, poll->span, found);
    }
    if (partition.final_read == nullptr) continue;
    const history::Span at_the_end{INT64_MAX, INT64_MAX};
    for (const auto& record : partition.final_read->records) CheckRead(name, evidence, record, at_the_end, found);
  }
  return found;
}

}  // namespace odradek::properties
