// D5. The mark of a clean shutdown is gone, durably, before a node loads its first log: a crash that comes while logs
// are loaded, and all that follows, must not look like a clean shutdown (KAFKA-10471).
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings MarksAreGoneBeforeLogsAreLoaded(const RecoveredLog& log) {
  Findings found;
  found.Judged();
  if (log.mark_now == RecoveredLog::Mark::kGone) return found;
  found.Violated(fmt::format("{} on {} was loaded while the mark of a clean shutdown stood beside it",
                             ToString(log.partition), log.node),
                 {log.at_ns});
  return found;
}

}  // namespace odradek::properties
