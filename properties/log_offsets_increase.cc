// L1. The offsets in a log's files strictly increase, no two batches overlap, every segment's batches lie in it, and
// the log end in memory is the offset after the last batch.
//
// Legal: what lies below the log start or behind the log end, which a deletion or an append that is under way may have
// left or begun; gaps where the log is compacted.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {
namespace {

void CheckSegment(const ReplicaState& state, const WrittenSegment& segment, Offset& end, Findings& found) {
  const std::vector<WrittenBatch>& batches = state.files->batches;
  for (size_t i = segment.batches_begin; i < segment.batches_end; ++i) {
    const WrittenBatch& batch = batches[i];
    if (batch.next_offset() <= state.log_start_offset || batch.base_offset >= state.log_end_offset) continue;
    found.Judged();
    const int64_t offset_count = batch.next_offset() - batch.base_offset;
    const bool count_fits = state.gaps == Gaps::kNone ? batch.record_count == offset_count
                                                      : batch.record_count <= offset_count && offset_count > 0;
    const bool first = end == kNoOffset;
    const bool follows = first ? batch.base_offset <= state.log_start_offset || state.gaps != Gaps::kNone
                               : batch.base_offset == end || (batch.base_offset > end && state.gaps != Gaps::kNone);
    if (!count_fits || !follows || batch.base_offset < segment.base_offset || batch.crc_check == Crc::kWrong) {
      found.Violated(fmt::format("{} on {}: a batch of {} records at [{}, {}) in segment {} after offset {}{}",
                                 ToString(state.partition), state.node, batch.record_count, batch.base_offset.value(),
                                 batch.next_offset().value(), segment.base_offset.value(), end.value(),
                                 batch.crc_check == Crc::kWrong ? ", with a wrong CRC" : ""),
                     {state.at_ns});
    }
    end = batch.next_offset();
  }
}

}  // namespace

Findings LogOffsetsIncrease(const ReplicaState& state) {
  Findings found;
  if (state.files == nullptr) return found;
  Offset end = kNoOffset;
  for (const WrittenSegment& segment : state.files->segments) CheckSegment(state, segment, end, found);
  found.Judged();
  const bool nothing_is_there = end == kNoOffset && state.log_start_offset == state.log_end_offset;
  if (end == state.log_end_offset || nothing_is_there) return found;
  found.Violated(
      fmt::format("{} on {}: the log is [{}, {}) in memory, and its files end at {}", ToString(state.partition),
                  state.node, state.log_start_offset.value(), state.log_end_offset.value(), end.value()),
      {state.at_ns});
  return found;
}

}  // namespace odradek::properties
