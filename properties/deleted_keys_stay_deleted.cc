// C3. No deleted key comes back: where compaction took a tombstone, no older record of its key is in the final log.
//
// Legal: a loss of power that took the tombstone itself, which the ledger shows.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings DeletedKeysStayDeleted(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.compaction == nullptr || partition.final_read == nullptr) continue;
    for (const history::PolledRecord& record : partition.final_read->records) {
      const history::Send* send = evidence.SendOf(record.value);
      if (send == nullptr || !send->key.has_value()) continue;
      const Offset tombstone = partition.keys.at(*send->key).last_tombstone;
      if (tombstone <= record.offset || tombstone < partition.final_read->log_start_offset) continue;
      found.Judged();
      if (partition.InTheEnd(tombstone) != nullptr || partition.keys.at(*send->key).last_in_the_end > tombstone)
        continue;
      found.Violated(fmt::format("value {} of key {} is at {} in the end, and the tombstone at offset {} that deleted "
                                 "it is gone",
                                 record.value, *send->key, Place(name, record.offset), tombstone.value()),
                     {send->span.invoked_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
