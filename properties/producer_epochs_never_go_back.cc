// P3. In the files of a log, the epochs of a producer id do not decrease: a batch of an older epoch would be a
// zombie's.
#include <fmt/format.h>

#include <map>

#include "properties/monitors.h"

namespace odradek::properties {

Findings ProducerEpochsNeverGoBack(const ReplicaState& state) {
  Findings found;
  if (state.files == nullptr) return found;
  std::map<ProducerId, ProducerEpoch> newest;
  for (const WrittenBatch& batch : state.files->batches) {
    if (!batch.has_producer() || batch.base_offset >= state.log_end_offset) continue;
    const auto [at, is_first] = newest.emplace(batch.producer_id, batch.producer_epoch);
    if (is_first) continue;
    found.Judged();
    if (batch.producer_epoch < at->second) {
      found.Violated(fmt::format("{} on {}: producer {} has epoch {} at offset {} after epoch {}",
                                 ToString(state.partition), state.node, batch.producer_id.value(),
                                 batch.producer_epoch.value(), batch.base_offset.value(), at->second.value()),
                     {state.at_ns});
    }
    at->second = batch.producer_epoch;
  }
  return found;
}

}  // namespace odradek::properties
