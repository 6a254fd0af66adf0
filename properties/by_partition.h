// A history sorted by partition: what the checkers of this folder share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/history/history.h"

namespace odradek::properties {

struct PartitionHistory {
  std::vector<const history::Send*> sends;
  std::vector<const history::Poll*> polls;
  std::vector<const history::ListOffsets*> list_offsets;
  std::vector<const history::DeleteRecords*> delete_records;
  std::vector<const history::LogLoss*> losses;
  std::vector<const history::LogStart*> log_starts;
  const history::FinalRead* final_read = nullptr;
};

std::map<TopicPartition, PartitionHistory> ByPartition(const history::History& history);

// Whether power was lost at or after `since_ns` and took `offset` with it. What stood there before need not stand there
// afterwards.
bool LostSince(const PartitionHistory& partition, Offset offset, int64_t since_ns);

// "orders-3@17"
std::string Place(const TopicPartition& partition, Offset offset);

}  // namespace odradek::properties
