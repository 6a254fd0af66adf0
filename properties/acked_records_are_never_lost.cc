// H2. Every acknowledged record is there in the final read of a healed cluster, at the acknowledged offset.
//
// Legal: it lies below the log start offset (retention, DeleteRecords); or power was lost under a flush policy that
// does not promise to survive that, and the ledger shows that this loss took the offset.
#include <fmt/format.h>

#include <map>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> AckedRecordsAreNeverLost(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    if (partition.final_read == nullptr) continue;
    std::map<Offset, history::Value> in_the_end;
    for (const auto& record : partition.final_read->records) in_the_end[record.offset] = record.value;
    for (const history::Send* send : partition.sends) {
      if (send->outcome != history::Outcome::kOk || send->acks == history::Acks::kNone) continue;
      if (send->offset < partition.final_read->log_start_offset) continue;
      const bool excusable = !history.promise.acked_survives_power_loss;
      if (excusable && LostSince(partition, send->offset, send->span.invoked_ns)) continue;
      const auto at = in_the_end.find(send->offset);
      if (at != in_the_end.end() && at->second == send->value) continue;
      const std::string instead = at == in_the_end.end() ? "nothing" : fmt::format("value {}", at->second);
      found.push_back({"",
                       fmt::format("value {} was acknowledged at {} to client {}, and in the end {} is there",
                                   send->value, Place(name, send->offset), send->client, instead),
                       {send->span.invoked_ns, send->span.completed_ns}});
    }
  }
  return found;
}

}  // namespace odradek::properties
