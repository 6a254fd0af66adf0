// H3. A record of an idempotent producer is in the log at most once. Values are unique and sent once by the
// application, so a second offset can only come from a retry that was not recognised (KIP-98).
#include <fmt/format.h>

#include <map>

#include "properties/property.h"

namespace odradek::properties {

Findings IdempotentRecordsAreNeverDuplicated(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    std::map<history::Value, Offset> seen;
    for (const auto& record : partition.final_read->records) {
      const history::Send* send = evidence.SendOf(record.value);
      if (send == nullptr || !send->idempotent) continue;
      found.Judged();
      const auto [at, first] = seen.emplace(record.value, record.offset);
      if (first) continue;
      found.Violated(fmt::format("value {} of client {} stands at {} and again at offset {}", record.value,
                                 send->client, Place(name, at->second), record.offset.value()),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
