// H11. Errors are honest: a send that failed is nowhere in the log, neither in a poll nor in the end, and an operation
// that succeeded did what it says: DeleteRecords left nothing below the offset that it was asked for.
//
// That what was acknowledged is there is H2's.
#include <fmt/format.h>

#include <algorithm>

#include "properties/property.h"

namespace odradek::properties {

Findings FailuresHaveNoEffect(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    // Whether the value of a failed send was read. Few fail, so that most histories are not even looked through.
    ValueMap<bool> failed;
    for (const history::Send* send : partition.sends) {
      if (send->outcome == history::Outcome::kFail) failed.Emplace(send->value, false);
    }
    const auto note = [&](const history::PolledRecord& record) {
      if (bool* const was_read = failed.Find(record.value); was_read != nullptr) *was_read = true;
    };
    for (const history::Poll* poll : partition.polls) {
      if (failed.size() > 0) std::for_each(poll->records.begin(), poll->records.end(), note);
    }
    if (failed.size() > 0 && partition.final_read != nullptr) {
      std::for_each(partition.final_read->records.begin(), partition.final_read->records.end(), note);
    }
    for (const history::Send* send : partition.sends) {
      if (send->outcome != history::Outcome::kFail) continue;
      found.Judged();
      if (!*failed.Find(send->value)) continue;
      found.Violated(fmt::format("the send of value {} to {} failed with error {}, and it was read", send->value,
                                 ToString(name), send->error),
                     {send->span.invoked_ns, send->span.completed_ns});
    }
    for (const history::DeleteRecords* op : partition.delete_records) {
      if (op->outcome != history::Outcome::kOk) continue;
      found.Judged();
      if (op->low_watermark >= op->before) continue;
      found.Violated(fmt::format("the records of {} below {} were deleted, and the log starts at {}", ToString(name),
                                 op->before.value(), op->low_watermark.value()),
                     {op->span.invoked_ns, op->span.completed_ns});
    }
  }
  return found;
}

}  // namespace odradek::properties
