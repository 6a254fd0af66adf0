// Offsets that were true at certain times, and the highest one known at a time: what "later calls see no less" is
// judged with, in O(log n) per question.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/ids.h"
#include "sim/history/history.h"

namespace odradek::properties {

class RisingMarks {
 public:
  struct Mark {
    int64_t at_ns = 0;
    Offset offset;
    int64_t began_ns = 0;  // of the operation that told the mark
  };
  // About how many will be added.
  void Expect(size_t count) { marks_.reserve(count); }
  void Add(int64_t at_ns, Offset offset) { marks_.push_back({at_ns, offset, at_ns}); }
  void Add(const history::Span& span, Offset offset) { marks_.push_back({span.completed_ns, offset, span.invoked_ns}); }
  // After the last Add, before the first question.
  void Seal();
  // The highest mark from before `at_ns`, the earliest of equal ones; nullptr if there is none.
  const Mark* HighestBefore(int64_t at_ns) const;
  // The first mark at or after `at_ns` that is higher than all before it; nullptr if there is none.
  const Mark* NextFrom(int64_t at_ns) const;

 private:
  std::vector<Mark>::const_iterator FirstFrom(int64_t at_ns) const;

  std::vector<Mark> marks_;  // sealed: ascending in both
  mutable size_t hint_ = 0;  // where the last answer was
};

}  // namespace odradek::properties
