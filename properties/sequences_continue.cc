// P1. In the files of a log, the batches of one producer id and epoch go on where the one before ended: the next base
// sequence is the last sequence plus one, which wraps from 2^31 - 1 to 0; an epoch that follows another one of the same
// producer begins with 0.
//
// Legal: a producer whose first batch that is still there begins anywhere, since older ones may be deleted, or its
// state was lost with a suffix of the log; one that was silent for so long that it was forgotten (SEMANTICS 2);
// compaction, which drops batches.
#include <fmt/format.h>

#include <map>

#include "properties/monitors.h"

namespace odradek::properties {

Findings SequencesContinue(const ReplicaState& state) {
  Findings found;
  if (state.files == nullptr || state.gaps != Gaps::kNone) return found;
  std::map<ProducerId, const WrittenBatch*> last;
  for (const WrittenBatch& batch : state.files->batches) {
    if (!batch.has_producer() || !batch.is_plain || batch.base_offset >= state.log_end_offset) continue;
    const WrittenBatch*& before = last[batch.producer_id];
    const WrittenBatch* previous = before;
    before = &batch;
    if (previous == nullptr) continue;
    found.Judged();
    const int32_t expected = previous->producer_epoch == batch.producer_epoch
                                 ? WrittenBatch::SequenceAfter(previous->last_sequence(), 1)
                                 : 0;
    if (batch.base_sequence == expected || previous->max_timestamp < state.producers_expired_before) continue;
    found.Violated(
        fmt::format("{} on {}: producer {} epoch {} has sequence {} at offset {}, after epoch {} sequence "
                    "{} at offset {}",
                    ToString(state.partition), state.node, batch.producer_id.value(), batch.producer_epoch.value(),
                    batch.base_sequence, batch.base_offset.value(), previous->producer_epoch.value(),
                    previous->last_sequence(), previous->last_offset.value()),
        {state.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
