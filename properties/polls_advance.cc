// H5. Within one assignment the offsets of a partition strictly increase, from each poll's position on, and each poll
// begins where the one before it ended (Jepsen: int-nonmonotonic-poll, nonmonotonic-poll).
//
// Legal: a poll that begins further on where the log is compacted, since the position moves over batches without
// records and such polls return nothing. H6 judges what lay in between.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "properties/property.h"

namespace odradek::properties {

Findings PollsAdvance(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    using Assignment = std::pair<history::ClientId, int32_t>;
    std::map<Assignment, const history::Poll*> last_polls;
    std::pair<const Assignment, const history::Poll*>* current = nullptr;
    for (const history::Poll* poll : partition.polls) {
      const Assignment assignment{poll->client, poll->assignment};
      if (current == nullptr || current->first != assignment) current = &*last_polls.try_emplace(assignment).first;
      const history::Poll*& last = current->second;
      const bool goes_on = last == nullptr || poll->position_before == last->position_after ||
                           (partition.compaction != nullptr && poll->position_before > last->position_after);
      if (!goes_on) {
        found.Violated(fmt::format("client {} polled from {} after a poll that ended at {}", poll->client,
                                   Place(name, poll->position_before), last->position_after.value()),
                       {last->span.completed_ns, poll->span.completed_ns});
      }
      found.Judged(poll->records.size());
      Offset next = poll->position_before;
      for (const auto& record : poll->records) {
        if (record.offset < next) {
          found.Violated(fmt::format("client {} was given {} when its position was {}", poll->client,
                                     Place(name, record.offset), next.value()),
                         {poll->span.completed_ns});
        }
        next = record.offset + 1;
      }
      if (poll->position_after < next) {
        found.Violated(fmt::format("client {} was given {} but its position is only {}", poll->client,
                                   Place(name, next - 1), poll->position_after.value()),
                       {poll->span.completed_ns});
      }
      last = poll;
    }
  }
  return found;
}

}  // namespace odradek::properties
