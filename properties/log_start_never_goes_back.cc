// Z1. The log start offset that a node reports never goes back, whatever happens in between.
#include <fmt/format.h>

#include "properties/by_partition.h"
#include "properties/property.h"

namespace odradek::properties {

std::vector<Violation> LogStartNeverGoesBack(const History& history) {
  std::vector<Violation> found;
  for (const auto& [name, partition] : ByPartition(history)) {
    const history::LogStart* last = nullptr;
    for (const history::LogStart* start : partition.log_starts) {
      if (last != nullptr && start->log_start_offset < last->log_start_offset) {
        found.push_back({"",
                         fmt::format("the log of {} started at {} and later at {}", ToString(name),
                                     last->log_start_offset.value(), start->log_start_offset.value()),
                         {last->at_ns, start->at_ns}});
      }
      last = start;
    }
  }
  return found;
}

}  // namespace odradek::properties
