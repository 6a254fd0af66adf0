#include "properties/evidence.h"

#include <algorithm>

namespace odradek::properties {

const history::PolledRecord* PartitionHistory::InTheEnd(Offset offset) const {
  if (final_read == nullptr) return nullptr;
  const auto at = std::lower_bound(final_read->records.begin(), final_read->records.end(), offset,
                                   [](const auto& record, Offset wanted) { return record.offset < wanted; });
  return at == final_read->records.end() || at->offset != offset ? nullptr : &*at;
}

bool PartitionHistory::LostSince(Offset offset, int64_t since_ns) const {
  return std::any_of(losses.begin(), losses.end(), [&](const history::LogLoss* loss) {
    return loss->at_ns >= since_ns && loss->recovered_end <= offset;
  });
}

Evidence::Evidence(const history::History& history) : history_(history) {
  for (const auto& op : history.sends) partitions_[op.partition].sends.push_back(&op);
  for (const auto& op : history.polls) partitions_[op.partition].polls.push_back(&op);
  for (const auto& op : history.list_offsets) partitions_[op.partition].list_offsets.push_back(&op);
  for (const auto& op : history.delete_records) partitions_[op.partition].delete_records.push_back(&op);
  for (const auto& event : history.losses) partitions_[event.partition].losses.push_back(&event);
  for (const auto& event : history.log_starts) partitions_[event.partition].log_starts.push_back(&event);
  for (const auto& event : history.high_watermarks) partitions_[event.partition].high_watermarks.push_back(&event);
  for (const auto& read : history.final_reads) partitions_[read.partition].final_read = &read;
  sends_.reserve(history.sends.size());
  for (const auto& op : history.sends) sends_.emplace(op.value, &op);
}

const history::Send* Evidence::SendOf(history::Value value) const {
  const auto at = sends_.find(value);
  return at == sends_.end() ? nullptr : at->second;
}

std::string Place(const TopicPartition& partition, Offset offset) {
  return ToString(partition) + "@" + std::to_string(offset.value());
}

}  // namespace odradek::properties
