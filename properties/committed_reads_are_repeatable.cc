// H8. What a consumer was given once is in the final log at the same offset.
//
// Legal: it lies below the log start offset; or a later power loss took it under a flush policy that does not promise
// to survive that, or a start that cut off what the disk had damaged; or the topic is compacted and a later record of
// its key exists. Where the policy promises it, a record must not become visible before it is durable.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings CommittedReadsAreRepeatable(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) {
        if (record.offset < partition.final_read->log_start_offset) continue;
        if (partition.LostLegallySince(record.offset, poll->span.invoked_ns, evidence.history().promise)) continue;
        found.Judged();
        const history::PolledRecord* at = partition.InTheEnd(record.offset);
        if (at != nullptr && at->value == record.value) continue;
        const history::Send* send = evidence.SendOf(record.value);
        if (at == nullptr && send != nullptr && partition.MayBeCompacted(*send, record.offset)) continue;
        found.Violated(fmt::format("client {} read value {} at {}, which is not there in the end", poll->client,
                                   record.value, Place(name, record.offset)),
                       {poll->span.completed_ns});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
