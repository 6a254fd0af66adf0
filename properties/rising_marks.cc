#include "properties/rising_marks.h"

#include <algorithm>
#include <iterator>

namespace odradek::properties {

void RisingMarks::Seal() {
  std::stable_sort(marks_.begin(), marks_.end(), [](const Mark& a, const Mark& b) { return a.at_ns < b.at_ns; });
  size_t kept = 0;
  for (const Mark& mark : marks_) {
    if (kept == 0 || mark.offset > marks_[kept - 1].offset) marks_[kept++] = mark;
  }
  marks_.resize(kept);
}

const RisingMarks::Mark* RisingMarks::HighestBefore(int64_t at_ns) const {
  const auto after = std::lower_bound(marks_.begin(), marks_.end(), at_ns,
                                      [](const Mark& mark, int64_t wanted) { return mark.at_ns < wanted; });
  return after == marks_.begin() ? nullptr : &*std::prev(after);
}

const RisingMarks::Mark* RisingMarks::NextFrom(int64_t at_ns) const {
  const auto at = std::lower_bound(marks_.begin(), marks_.end(), at_ns,
                                   [](const Mark& mark, int64_t wanted) { return mark.at_ns < wanted; });
  return at == marks_.end() ? nullptr : &*at;
}

}  // namespace odradek::properties
