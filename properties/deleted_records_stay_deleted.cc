// Z3, Z4. Once DeleteRecords was answered with low watermark o, no read that begins later returns a record below o.
#include <fmt/format.h>

#include <algorithm>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> DeletedRecordsStayDeleted(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    std::vector<const history::DeleteRecords*> deletions;
    for (const history::DeleteRecords* op : partition.delete_records) {
      if (op->outcome == history::Outcome::kOk) deletions.push_back(op);
    }
    for (const history::Poll* poll : partition.polls) {
      for (const history::DeleteRecords* op : deletions) {
        if (poll->records.empty() || op->span.completed_ns >= poll->span.invoked_ns) continue;
        if (poll->records.front().offset >= op->low_watermark) continue;
        found.push_back({"",
                         fmt::format("client {} read {} although everything below {} had been deleted", poll->client,
                                     Place(name, poll->records.front().offset), op->low_watermark.value()),
                         {op->span.completed_ns, poll->span.invoked_ns}});
      }
    }
    if (partition.final_read == nullptr) continue;
    for (const history::DeleteRecords* op : deletions) {
      if (partition.final_read->log_start_offset >= op->low_watermark) continue;
      found.push_back(
          {"",
           fmt::format("in the end {} starts at {} although everything below {} had been deleted", ToString(name),
                       partition.final_read->log_start_offset.value(), op->low_watermark.value()),
           {op->span.completed_ns}});
    }
  }
  return found;
}

}  // namespace odradek::properties
