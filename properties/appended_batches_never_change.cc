// L2, second half. A batch that is in the log keeps its bytes: the files hold it with the CRC and the leader epoch with
// which its append was reported, and nothing else begins inside of it.
//
// C2. Where the log is compacted, batches lose records and with them their CRC, but neither move nor change their ends
// or their leader epoch.
//
// Legal: batches at and behind the log end or below the log start.
#include <fmt/format.h>

#include <iterator>

#include "properties/monitors.h"

namespace odradek::properties {

Findings AppendedBatchesNeverChange(const ReplicaState& state) {
  Findings found;
  if (state.files == nullptr || state.appended == nullptr) return found;
  for (const WrittenBatch& batch : state.files->batches) {
    if (batch.next_offset() <= state.log_start_offset || batch.base_offset >= state.log_end_offset) continue;
    const auto after = state.appended->upper_bound(batch.base_offset);
    if (after == state.appended->begin()) continue;
    const auto& [base_offset, reported] = *std::prev(after);
    if (reported.next_offset <= batch.base_offset) continue;  // nobody reported it: the process died in between
    found.Judged();
    const bool is_the_same = base_offset == batch.base_offset && reported.next_offset == batch.next_offset() &&
                             (reported.crc == batch.crc || state.gaps != Gaps::kNone) &&
                             reported.leader_epoch == batch.leader_epoch;
    if (is_the_same) continue;
    found.Violated(fmt::format("{} on {}: the batch [{}, {}) was appended with CRC {:08x} and epoch {}, and the files "
                               "hold [{}, {}) with CRC {:08x} and epoch {}",
                               ToString(state.partition), state.node, base_offset.value(), reported.next_offset.value(),
                               reported.crc, reported.leader_epoch.value(), batch.base_offset.value(),
                               batch.next_offset().value(), batch.crc, batch.leader_epoch.value()),
                   {state.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
