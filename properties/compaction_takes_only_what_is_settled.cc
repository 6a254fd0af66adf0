// C5. Compaction changes nothing at or above the last stable offset or in the active segment, and nothing that is not
// durable: what it takes must not be what a crash or a truncation would have brought to light again.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings CompactionTakesOnlyWhatIsSettled(const SegmentCompaction& compaction) {
  Findings found;
  found.Judged();
  const bool is_settled = compaction.replaced_end <= compaction.last_stable_offset &&
                          compaction.replaced_end <= compaction.active_base_offset &&
                          compaction.replaced_end <= compaction.flushed_end;
  if (is_settled) return found;
  found.Violated(fmt::format("{} on {}: the segments in [{}, {}) were compacted; the last stable offset is {}, the "
                             "active segment begins at {}, and everything below {} is durable",
                             ToString(compaction.partition), compaction.node, compaction.base_offset.value(),
                             compaction.replaced_end.value(), compaction.last_stable_offset.value(),
                             compaction.active_base_offset.value(), compaction.flushed_end.value()),
                 {compaction.at_ns});
  return found;
}

}  // namespace odradek::properties
