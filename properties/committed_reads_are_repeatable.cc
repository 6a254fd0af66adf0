// H8. What a consumer was given once is in the final log at the same offset.
//
// Legal: it lies below the log start offset; or a later power loss took it under a flush policy that does not promise
// to survive that. Where the policy promises it, a record must not become visible before it is durable.
#include <fmt/format.h>

#include <map>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> CommittedReadsAreRepeatable(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    if (partition.final_read == nullptr) continue;
    std::map<Offset, history::Value> in_the_end;
    for (const auto& record : partition.final_read->records) in_the_end[record.offset] = record.value;
    for (const history::Poll* poll : partition.polls) {
      for (const auto& record : poll->records) {
        if (record.offset < partition.final_read->log_start_offset) continue;
        const bool excusable = !history.promise.acked_survives_power_loss;
        if (excusable && LostSince(partition, record.offset, poll->span.invoked_ns)) continue;
        const auto at = in_the_end.find(record.offset);
        if (at != in_the_end.end() && at->second == record.value) continue;
        found.push_back({"",
                         fmt::format("client {} read value {} at {}, which is not there in the end", poll->client,
                                     record.value, Place(name, record.offset)),
                         {poll->span.completed_ns}});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
