// C11, beside the catalogue. A compacted topic takes no record without a key, which compaction could not keep: such a
// send is never acknowledged, and no such record is read.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings CompactedTopicsTakeNoKeylessRecords(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    if (partition.compaction == nullptr) continue;
    for (const history::Send* send : partition.sends) {
      if (send->key.has_value() || send->acks == history::Acks::kNone) continue;
      found.Judged();
      if (send->outcome != history::Outcome::kOk) continue;
      found.Violated(fmt::format("value {} has no key and was acknowledged at {}, which is compacted", send->value,
                                 Place(name, send->offset)),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
    for (const history::Poll* poll : partition.polls) {
      for (const history::PolledRecord& record : poll->records) {
        const history::Send* send = evidence.SendOf(record.value);
        if (send == nullptr || send->key.has_value()) continue;
        found.Violated(fmt::format("value {} has no key and was read at {}, which is compacted", record.value,
                                   Place(name, record.offset)),
                       {poll->span.completed_ns});
      }
    }
  }
  return found;
}

}  // namespace odradek::properties
