#include "properties/timestamp_order.h"

#include <algorithm>

namespace odradek::properties {

TimestampOrder::TimestampOrder(const PartitionHistory& partition, const Evidence& evidence) : partition_(partition) {
  Timestamp largest = kNoTimestamp;
  largest_so_far_.reserve(partition.final_read->records.size());
  acked_.reserve(partition.final_read->records.size());
  for (const history::PolledRecord& record : partition.final_read->records) {
    largest = std::max(largest, record.timestamp);
    largest_so_far_.push_back(largest);
    const history::Send* send = evidence.SendOf(record.value);
    const bool is_acked =
        send != nullptr && send->outcome == history::Outcome::kOk && send->acks == history::Acks::kAll;
    if (is_acked) acked_.emplace_back(send->span.completed_ns, &record);
  }
  const auto is_earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(acked_.begin(), acked_.end(), is_earlier)) {
    std::stable_sort(acked_.begin(), acked_.end(), is_earlier);
  }
  size_t kept = 0;
  for (const auto& entry : acked_) {
    if (kept == 0 || entry.second->timestamp > acked_[kept - 1].second->timestamp) acked_[kept++] = entry;
  }
  acked_.resize(kept);
}

const history::PolledRecord* TimestampOrder::FirstAtLeast(Timestamp timestamp) const {
  const auto at = std::lower_bound(largest_so_far_.begin(), largest_so_far_.end(), timestamp);
  if (at == largest_so_far_.end()) return nullptr;
  return &partition_.final_read->records[static_cast<size_t>(at - largest_so_far_.begin())];
}

const history::PolledRecord* TimestampOrder::LargestAckedBefore(int64_t at_ns) const {
  const auto after = std::lower_bound(acked_.begin(), acked_.end(), at_ns,
                                      [](const auto& entry, int64_t wanted) { return entry.first < wanted; });
  return after == acked_.begin() ? nullptr : std::prev(after)->second;
}

}  // namespace odradek::properties
