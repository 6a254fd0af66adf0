// H3. A record of an idempotent producer is in the log at most once. Values are unique and sent once by the
// application, so a second offset can only come from a retry that was not recognised (KIP-98).
#include <fmt/format.h>

#include <map>
#include <set>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> IdempotentRecordsAreNeverDuplicated(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    if (partition.final_read == nullptr) continue;
    std::map<history::Value, const history::Send*> idempotent;
    for (const history::Send* send : partition.sends) {
      if (send->idempotent) idempotent[send->value] = send;
    }
    std::map<history::Value, Offset> seen;
    for (const auto& record : partition.final_read->records) {
      const auto send = idempotent.find(record.value);
      if (send == idempotent.end()) continue;
      const auto [at, first] = seen.emplace(record.value, record.offset);
      if (first) continue;
      found.push_back({"",
                       fmt::format("value {} of client {} stands at {} and again at offset {}", record.value,
                                   send->second->client, Place(name, at->second), record.offset.value()),
                       {send->second->span.invoked_ns, send->second->span.completed_ns}});
    }
  }
  return found;
}

}  // namespace odradek::properties
