#include "properties/by_partition.h"

#include <algorithm>

namespace odradek::properties {

std::map<TopicPartition, PartitionHistory> ByPartition(const history::History& history) {
  std::map<TopicPartition, PartitionHistory> all;
  for (const auto& op : history.sends) all[op.partition].sends.push_back(&op);
  for (const auto& op : history.polls) all[op.partition].polls.push_back(&op);
  for (const auto& op : history.list_offsets) all[op.partition].list_offsets.push_back(&op);
  for (const auto& op : history.delete_records) all[op.partition].delete_records.push_back(&op);
  for (const auto& event : history.losses) all[event.partition].losses.push_back(&event);
  for (const auto& event : history.log_starts) all[event.partition].log_starts.push_back(&event);
  for (const auto& read : history.final_reads) all[read.partition].final_read = &read;
  return all;
}

bool LostSince(const PartitionHistory& partition, Offset offset, int64_t since_ns) {
  return std::any_of(partition.losses.begin(), partition.losses.end(), [&](const history::LogLoss* loss) {
    return loss->at_ns >= since_ns && loss->recovered_end <= offset;
  });
}

std::string Place(const TopicPartition& partition, Offset offset) {
  return ToString(partition) + "@" + std::to_string(offset.value());
}

}  // namespace odradek::properties
