// H2. Every acknowledged record is there in the final read of a healed cluster, at the acknowledged offset.
//
// Legal: it lies below the log start offset (retention, DeleteRecords); or power was lost under a flush policy that
// does not promise to survive that, and the ledger shows that this loss took the offset; or the disk damaged a batch,
// and a start cut it off with what followed; or the topic is compacted and a later record of its key exists.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings AckedRecordsAreNeverLost(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    for (const history::Send* send : partition.sends) {
      if (send->outcome != history::Outcome::kOk || send->acks == history::Acks::kNone) continue;
      if (send->offset < partition.final_read->log_start_offset) continue;
      if (partition.LostLegallySince(send->offset, send->span.invoked_ns, evidence.history().promise)) continue;
      found.Judged();
      const history::PolledRecord* at = partition.InTheEnd(send->offset);
      if (at != nullptr && at->value == send->value) continue;
      if (at == nullptr && partition.MayBeCompacted(*send, send->offset)) continue;
      const std::string instead = at == nullptr ? "nothing" : fmt::format("value {}", at->value);
      found.Violated(fmt::format("value {} was acknowledged at {} to client {}, and in the end {} is there",
                                 send->value, Place(name, send->offset), send->client, instead),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
