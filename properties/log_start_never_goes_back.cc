// Z1. The log start offset that a node reports never goes back, whatever happens in between, as long as it has a
// replica.
#include <fmt/format.h>

#include <map>
#include <string>

#include "properties/property.h"

namespace odradek::properties {

Findings LogStartNeverGoesBack(const Evidence& evidence) {
  Findings found;
  for (const auto& [name, partition] : evidence.partitions()) {
    std::map<std::string, const history::LogStart*> last_of;
    for (const history::LogStart* start : partition.log_starts) {
      const history::LogStart*& last = last_of[start->node];
      if (start->is_new_replica) last = nullptr;
      if (last != nullptr) found.Judged();
      if (last != nullptr && start->log_start_offset < last->log_start_offset) {
        found.Violated(fmt::format("the log of {} started at {} and later at {}", ToString(name),
                                   last->log_start_offset.value(), start->log_start_offset.value()),
                       {last->at_ns, start->at_ns});
      }
      last = start;
    }
  }
  return found;
}

}  // namespace odradek::properties
