// Z2. A segment is deleted only if everything in it lies below a log start that DeleteRecords moved, or its largest
// timestamp is older than retention.ms, or what is left without it is still at least retention.bytes; and never one
// that holds what is not yet committed.
//
// "Older" is judged by the latest time that the node's clock has shown: it may have been set back since the decision. A
// segment whose timestamps the node does not know is judged by the other rules only if one of them holds.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings OnlyOldSegmentsAreDeleted(const SegmentDeletion& deletion) {
  Findings found;
  const bool is_below_start = deletion.next_offset <= deletion.deleted_below;
  const bool is_known = deletion.largest_timestamp != kNoTimestamp;
  const bool is_old = deletion.retention_ms >= 0 && is_known &&
                      deletion.latest_wall_ms - deletion.largest_timestamp.value() >= deletion.retention_ms;
  const bool is_too_much = deletion.retention_bytes >= 0 && deletion.bytes_left >= deletion.retention_bytes;
  if (!is_below_start && !is_old && !is_too_much && !is_known) return found;
  found.Judged();
  const bool may_go = is_below_start || is_old || is_too_much;
  if (may_go && deletion.next_offset <= deletion.high_watermark) return found;
  found.Violated(fmt::format("{} on {}: segment [{}, {}) was deleted with largest timestamp {} at time {} "
                             "(retention.ms {}), {} bytes left (retention.bytes {}), records deleted below {}, high "
                             "watermark {}",
                             ToString(deletion.partition), deletion.node, deletion.base_offset.value(),
                             deletion.next_offset.value(), deletion.largest_timestamp.value(), deletion.latest_wall_ms,
                             deletion.retention_ms, deletion.bytes_left, deletion.retention_bytes,
                             deletion.deleted_below.value(), deletion.high_watermark.value()),
                 {deletion.at_ns});
  return found;
}

}  // namespace odradek::properties
