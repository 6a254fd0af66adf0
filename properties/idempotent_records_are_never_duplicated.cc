// H3. A record of an idempotent producer is in the log at most once. Values are unique and sent once by the
// application, so a second offset can only come from a retry that was not recognised (KIP-98).
#include <fmt/format.h>

#include <vector>

#include "properties/property.h"

namespace odradek::properties {

Findings IdempotentRecordsAreNeverDuplicated(const Evidence& evidence) {
  Findings found;
  struct Seen {
    const PartitionHistory* partition = nullptr;
    Offset offset;
  };
  std::vector<Seen> all_seen(evidence.history().sends.size());
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.final_read == nullptr) continue;
    for (const auto& record : partition.final_read->records) {
      const history::Send* send = evidence.SendOf(record.value);
      if (send == nullptr || !send->idempotent) continue;
      found.Judged();
      Seen& seen = all_seen[evidence.IndexOf(*send)];
      if (seen.partition != &partition) {
        seen = {&partition, record.offset};
        continue;
      }
      found.Violated(fmt::format("value {} of client {} stands at {} and again at offset {}", record.value,
                                 send->client, Place(name, seen.offset), record.offset.value()),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
