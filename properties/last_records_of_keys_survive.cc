// C1. The last record of every key of a compacted topic is in the final log, unless it is a tombstone: the map that a
// reader of the final log builds is the fold of everything that was ever visible.
//
// Legal: it lies below the log start offset, or a loss of power took it, which the ledger shows; or a tombstone of the
// same key was sent whose outcome nobody knows.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings LastRecordsOfKeysSurvive(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.compaction == nullptr || partition.final_read == nullptr) continue;
    for (const auto& [number, key] : partition.keys) {
      const bool is_readable = key.last_known >= partition.final_read->log_start_offset;
      if (!is_readable || key.last_known == key.last_tombstone || key.has_uncertain_tombstone) continue;
      found.Judged();
      if (key.last_in_the_end >= key.last_known) continue;
      found.Violated(fmt::format("the last record of key {} stood at {}, and in the end nothing of it is behind offset "
                                 "{}",
                                 number, Place(name, key.last_known), key.last_in_the_end.value()),
                     {});
    }
  }
  return found;
}

}  // namespace odradek::properties
