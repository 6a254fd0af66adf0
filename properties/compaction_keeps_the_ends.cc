// C8. A compacted segment begins and ends at the offsets of what it replaces, if need be with a batch without records:
// so the log end and the offsets of those that follow stay what they were, also after a restart.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings CompactionKeepsTheEnds(const SegmentCompaction& compaction) {
  Findings found;
  found.Judged();
  if (compaction.next_offset == compaction.replaced_end && compaction.base_offset < compaction.next_offset) {
    return found;
  }
  found.Violated(fmt::format("{} on {}: the segments in [{}, {}) were replaced by one that ends at {}",
                             ToString(compaction.partition), compaction.node, compaction.base_offset.value(),
                             compaction.replaced_end.value(), compaction.next_offset.value()),
                 {compaction.at_ns});
  return found;
}

}  // namespace odradek::properties
