// P5. The producers' state of a log in memory is the fold of its producer snapshot and the batches behind it, and keeps
// at most five batches of a producer, which are the last ones that it wrote.
//
// The fold is made anew here, from the oldest snapshot from which the batches lead to the log end: the longest way to
// the same state. Legal: producers that were silent for longer than producer.id.expiration.ms may be missing; where the
// log is compacted, an earlier last timestamp in the files, since a batch has the largest one of the records that are
// left (as Kafka's MemoryRecords.filterTo). Logs with transactions or control batches are not judged.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "properties/monitors.h"

namespace odradek::properties {
namespace producer_fold_internal {

constexpr size_t kWindowBatches = 5;

using Folded = std::map<ProducerId, WrittenProducer>;

Folded Fold(const ReplicaState& state) {
  Folded folded;
  const WrittenLog& files = *state.files;
  Offset from(0);
  for (const auto& [offset, snapshot] : files.snapshots) {
    const bool leads_to_the_end = offset == state.log_end_offset ||
                                  (offset < state.log_end_offset && files.EndOfRun(offset, state.gaps) > offset);
    if (!snapshot.problem.empty() || !leads_to_the_end) continue;
    from = offset;
    for (const WrittenProducer& producer : snapshot.producers) folded[producer.id] = producer;
    break;
  }
  for (const WrittenBatch& batch : files.batches) {
    if (!batch.has_producer() || batch.base_offset < from || batch.base_offset >= state.log_end_offset) continue;
    folded[batch.producer_id] = {.id = batch.producer_id,
                                 .epoch = batch.producer_epoch,
                                 .last_sequence = batch.last_sequence(),
                                 .last_offset = batch.last_offset,
                                 .offset_delta = static_cast<int32_t>(batch.last_offset - batch.base_offset),
                                 .last_timestamp = batch.max_timestamp};
  }
  return folded;
}

WrittenProducer LastOf(const ReplicaProducer& producer) {
  const ReplicaBatch last = producer.window.empty() ? ReplicaBatch{} : producer.window.back();
  return {.id = producer.id,
          .epoch = producer.epoch,
          .last_sequence = last.last_sequence,
          .last_offset = last.last_offset,
          .offset_delta = last.offset_delta,
          .last_timestamp = producer.last_timestamp};
}

std::string Text(const WrittenProducer& producer) {
  return fmt::format("epoch {}, sequence {} at offset {} (delta {}), timestamp {}", producer.epoch.value(),
                     producer.last_sequence, producer.last_offset.value(), producer.offset_delta,
                     producer.last_timestamp.value());
}

// Whether the batches of a window go up one after the other.
bool IsAscending(const std::vector<ReplicaBatch>& window) {
  for (size_t i = 1; i < window.size(); ++i) {
    if (window[i].last_offset - window[i].offset_delta <= window[i - 1].last_offset) return false;
  }
  return true;
}

}  // namespace producer_fold_internal

Findings ProducerStateIsTheFoldOfTheLog(const ReplicaState& state) {
  namespace internal = producer_fold_internal;
  Findings found;
  if (state.files == nullptr) return found;
  const auto& batches = state.files->batches;
  if (!std::all_of(batches.begin(), batches.end(), [](const WrittenBatch& batch) { return batch.is_plain; })) {
    return found;
  }
  internal::Folded folded = internal::Fold(state);
  const auto complain = [&](ProducerId id, const std::string& what) {
    found.Violated(fmt::format("{} on {} at log end {}: producer {} {}", ToString(state.partition), state.node,
                               state.log_end_offset.value(), id.value(), what),
                   {state.at_ns});
  };
  for (const ReplicaProducer& producer : state.producers) {
    found.Judged();
    const WrittenProducer in_memory = internal::LastOf(producer);
    const auto at = folded.find(producer.id);
    const bool may_be_earlier =
        at != folded.end() && state.gaps != Gaps::kNone && at->second.last_timestamp < in_memory.last_timestamp;
    if (may_be_earlier) at->second.last_timestamp = in_memory.last_timestamp;
    if (at == folded.end()) {
      complain(producer.id, fmt::format("is in memory with {} and not in the files", internal::Text(in_memory)));
    } else if (at->second != in_memory) {
      complain(producer.id, fmt::format("is in memory with {} and in the files with {}", internal::Text(in_memory),
                                        internal::Text(at->second)));
    }
    if (producer.window.size() > internal::kWindowBatches || !internal::IsAscending(producer.window)) {
      complain(producer.id,
               fmt::format("has a window of {} batches that is too long or out of order", producer.window.size()));
    }
    if (at != folded.end()) folded.erase(at);
  }
  for (const auto& [id, producer] : folded) {
    found.Judged();
    if (producer.last_timestamp < state.producers_expired_before) continue;
    complain(id, fmt::format("is in the files with {} and not in memory", internal::Text(producer)));
  }
  return found;
}

}  // namespace odradek::properties
