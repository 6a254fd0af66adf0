// D3. Where the flush policy is a sync before every acknowledgement, a batch of a producer with an id is acknowledged
// only when the node has synced its log beyond it; the answer to a batch that is sent again answers for the first one.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"

namespace odradek::properties {

Findings AcknowledgedBatchesWereSynced(const Evidence& evidence) {
  Findings found;
  const auto& synced = evidence.history().synced_topics;
  for (const history::BatchAnswer& answer : evidence.history().batch_answers) {
    const bool is_claim = answer.error == 0 && answer.acks != history::Acks::kNone &&
                          std::find(synced.begin(), synced.end(), answer.partition.topic) != synced.end();
    if (!is_claim || answer.durable_end == kNoOffset) continue;
    found.Judged();
    if (answer.base_offset + answer.record_count <= answer.durable_end) continue;
    found.Violated(
        fmt::format("{} records at {} were acknowledged when the log was synced up to {}", answer.record_count,
                    Place(answer.partition, answer.base_offset), answer.durable_end.value()),
        {answer.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
