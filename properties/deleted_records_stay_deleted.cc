// Z3, Z4. Once DeleteRecords was answered with low watermark o, no read that begins later returns a record below o, and
// the log never starts below o again. A loss of power is no excuse: a log start is durable before it is told.
//
// A read begins when the broker is asked: a consumer may hand out later what it had fetched before.
//
// Legal: a replica that was not live when it was answered comes back with what it had, and leads (KIP-107: the low
// watermark is that of the live replicas). What some replica had deleted then, and some other had not, counts from when
// none is behind.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "properties/property.h"
#include "properties/rising_marks.h"

namespace odradek::properties {
namespace {

// Since when the deletion counts; nullopt: never.
std::optional<int64_t> CountsSince(const PartitionHistory& partition, const history::DeleteRecords& op) {
  std::map<std::string_view, Offset> start_of;
  const auto has_deleted = [&](const auto& one) { return one.second >= op.low_watermark; };
  auto next = partition.log_starts.begin();
  for (; next != partition.log_starts.end() && (*next)->at_ns <= op.span.completed_ns; ++next) {
    start_of[(*next)->node] = (*next)->log_start_offset;
  }
  const bool is_on_some = std::ranges::any_of(start_of, has_deleted);
  if (!is_on_some || std::ranges::all_of(start_of, has_deleted)) return op.span.completed_ns;
  for (; next != partition.log_starts.end(); ++next) {
    start_of[(*next)->node] = (*next)->log_start_offset;
    if (std::ranges::all_of(start_of, has_deleted)) return (*next)->at_ns;
  }
  return std::nullopt;
}

}  // namespace

Findings DeletedRecordsStayDeleted(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    RisingMarks deleted;
    for (const history::DeleteRecords* op : partition.delete_records) {
      if (op->outcome != history::Outcome::kOk) continue;
      if (const std::optional<int64_t> since = CountsSince(partition, *op)) deleted.Add(*since, op->low_watermark);
    }
    deleted.Seal();
    for (const history::Poll* poll : partition.polls) {
      const RisingMarks::Mark* start = deleted.HighestBefore(poll->span.invoked_ns);
      if (poll->records.empty() || start == nullptr) continue;
      found.Judged();
      if (poll->records.front().offset >= start->offset) continue;
      found.Violated(fmt::format("client {} read {} although everything below {} had been deleted", poll->client,
                                 Place(name, poll->records.front().offset), start->offset.value()),
                     {start->at_ns, poll->span.invoked_ns});
    }
    const RisingMarks::Mark* last = deleted.HighestBefore(INT64_MAX);
    if (partition.final_read == nullptr || last == nullptr) continue;
    found.Judged();
    if (partition.final_read->log_start_offset >= last->offset) continue;
    found.Violated(fmt::format("in the end {} starts at {} although everything below {} had been deleted",
                               ToString(name), partition.final_read->log_start_offset.value(), last->offset.value()),
                   {last->at_ns});
  }
  return found;
}

}  // namespace odradek::properties
