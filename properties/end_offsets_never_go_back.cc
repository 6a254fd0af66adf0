// H10. ListOffsets(LATEST) of a call that began after another one had ended is not smaller.
//
// Legal: power was lost in between, or while one of the calls ran.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"

namespace odradek::properties {

Findings EndOffsetsNeverGoBack(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    std::vector<const history::ListOffsets*> calls;
    for (const history::ListOffsets* call : partition.list_offsets) {
      if (call->query == history::OffsetQuery::kLatest && call->outcome == history::Outcome::kOk) calls.push_back(call);
    }
    std::vector<const history::ListOffsets*> by_end = calls;
    std::stable_sort(by_end.begin(), by_end.end(),
                     [](const auto* a, const auto* b) { return a->span.completed_ns < b->span.completed_ns; });
    std::stable_sort(calls.begin(), calls.end(),
                     [](const auto* a, const auto* b) { return a->span.invoked_ns < b->span.invoked_ns; });
    const history::ListOffsets* highest = nullptr;  // among the calls that had ended
    size_t ended = 0;
    for (const history::ListOffsets* call : calls) {
      for (; ended < by_end.size() && by_end[ended]->span.completed_ns < call->span.invoked_ns; ++ended) {
        if (highest == nullptr || by_end[ended]->offset > highest->offset) highest = by_end[ended];
      }
      if (highest == nullptr) continue;
      found.Judged();
      if (call->offset >= highest->offset) continue;
      if (partition.LostSince(highest->offset - 1, highest->span.invoked_ns)) continue;
      found.Violated(fmt::format("the end offset of {} was {} and later {}", ToString(name), highest->offset.value(),
                                 call->offset.value()),
                     {highest->span.completed_ns, call->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
