#include "properties/rising_marks.h"

#include <algorithm>
#include <iterator>

namespace odradek::properties {

void RisingMarks::Seal() {
  const auto is_earlier = [](const Mark& a, const Mark& b) { return a.at_ns < b.at_ns; };
  if (!std::is_sorted(marks_.begin(), marks_.end(), is_earlier)) {
    std::stable_sort(marks_.begin(), marks_.end(), is_earlier);
  }
  size_t kept = 0;
  for (const Mark& mark : marks_) {
    if (kept == 0 || mark.offset > marks_[kept - 1].offset) marks_[kept++] = mark;
  }
  marks_.resize(kept);
}

std::vector<RisingMarks::Mark>::const_iterator RisingMarks::FirstFrom(int64_t at_ns) const {
  // Operations are looked through in the order in which they began: from the last answer it is a few steps, if that.
  constexpr int kStepsMax = 8;
  auto at = marks_.begin() + static_cast<std::ptrdiff_t>(hint_);
  if (at == marks_.begin() || std::prev(at)->at_ns < at_ns) {
    for (int step = 0; step < kStepsMax && at != marks_.end() && at->at_ns < at_ns; ++step) ++at;
    if (at != marks_.end() && at->at_ns < at_ns) {
      at = std::partition_point(at, marks_.end(), [&](const Mark& mark) { return mark.at_ns < at_ns; });
    }
  } else {
    at = std::partition_point(marks_.begin(), at, [&](const Mark& mark) { return mark.at_ns < at_ns; });
  }
  hint_ = static_cast<size_t>(at - marks_.begin());
  return at;
}

const RisingMarks::Mark* RisingMarks::HighestBefore(int64_t at_ns) const {
  const auto after = FirstFrom(at_ns);
  return after == marks_.begin() ? nullptr : &*std::prev(after);
}

const RisingMarks::Mark* RisingMarks::NextFrom(int64_t at_ns) const {
  const auto at = FirstFrom(at_ns);
  return at == marks_.end() ? nullptr : &*at;
}

}  // namespace odradek::properties
