// H9. A partition is linearizable: a record whose send began after another one was acknowledged stands behind it, and
// an end offset that is asked for after an acks=all acknowledgement lies behind the record.
//
// Kafka does not promise this against a leader that was deposed and does not know it yet: Promise says whether it is
// asked for. Legal: a loss of power that took the earlier record.
#include <fmt/format.h>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {

Findings AcknowledgementsFollowRealTime(const Evidence& evidence) {
  Findings found;
  if (!evidence.history().promise.linearizable) return found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks acked;
    RisingMarks acked_by_all;
    acked.Expect(partition.sends.size());
    acked_by_all.Expect(partition.sends.size());
    for (const history::Send* send : partition.sends) {
      if (send->outcome != history::Outcome::kOk || send->offset == kNoOffset) continue;
      acked.Add(send->span, send->offset);
      if (send->acks == history::Acks::kAll) acked_by_all.Add(send->span, send->offset);
    }
    acked.Seal();
    acked_by_all.Seal();
    const auto is_behind = [&](const RisingMarks& marks, int64_t invoked_ns, Offset offset, std::string_view what) {
      const RisingMarks::Mark* before = marks.HighestBefore(invoked_ns);
      if (before == nullptr || partition.LostSince(before->offset, before->began_ns)) return;
      found.Judged();
      if (offset > before->offset) return;
      found.Violated(fmt::format("{} of {} is {}, although offset {} had been acknowledged before it was asked for",
                                 what, ToString(name), offset.value(), before->offset.value()),
                     {before->at_ns, invoked_ns});
    };
    for (const history::Send* send : partition.sends) {
      const bool is_acked = send->outcome == history::Outcome::kOk && send->offset != kNoOffset;
      if (is_acked) is_behind(acked, send->span.invoked_ns, send->offset, "the offset of a record");
    }
    for (const history::ListOffsets* call : partition.list_offsets) {
      const bool is_end = call->query == history::OffsetQuery::kLatest && call->outcome == history::Outcome::kOk;
      if (is_end) is_behind(acked_by_all, call->span.invoked_ns, call->offset, "the end offset");
    }
  }
  return found;
}

}  // namespace odradek::properties
