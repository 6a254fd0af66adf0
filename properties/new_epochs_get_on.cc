// V14, beside the catalogue. A client that raises its producer epoch after a gap gets on (KIP-360): not three epochs in
// a row of one producer id are refused with OUT_OF_ORDER_SEQUENCE_NUMBER from their first batch in a partition on.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "properties/property.h"

namespace odradek::properties {

Findings NewEpochsGetOn(const Evidence& evidence) {
  constexpr int16_t kOutOfOrderSequence = 45;
  constexpr int kEpochsMax = 3;
  struct Progress {
    ProducerEpoch epoch = kNoProducerEpoch;
    int refused_count = 0;
  };
  std::map<std::tuple<TopicPartition, ProducerId>, Progress> all;
  Findings found;
  for (const history::BatchAnswer& answer : evidence.history().batch_answers) {
    Progress& progress = all[{answer.partition, answer.producer_id}];
    if (answer.error == 0) {
      progress = {answer.producer_epoch, 0};
      continue;
    }
    if (answer.error != kOutOfOrderSequence || answer.producer_epoch <= progress.epoch) continue;
    progress.epoch = answer.producer_epoch;
    ++progress.refused_count;
    found.Judged();
    if (progress.refused_count != kEpochsMax) continue;
    found.Violated(
        fmt::format("producer {} was refused in {} in {} epochs in a row, at last in epoch {} with sequence {}",
                    answer.producer_id.value(), ToString(answer.partition), kEpochsMax, answer.producer_epoch.value(),
                    answer.base_sequence),
        {answer.at_ns});
  }
  return found;
}

}  // namespace odradek::properties
