// D5. A node that says that its log was shut down cleanly found the mark of a clean shutdown when it started.
#include <fmt/format.h>

#include "properties/monitors.h"

namespace odradek::properties {

Findings CleanStartsHaveAMarker(const RecoveredLog& log) {
  Findings found;
  found.Judged();
  const bool claims_more =
      log.claimed == RecoveredLog::Shutdown::kClean && log.marked == RecoveredLog::Shutdown::kUnclean;
  if (!claims_more) return found;
  found.Violated(fmt::format("{} on {} was loaded as after a clean shutdown, and there was no mark of one",
                             ToString(log.partition), log.node),
                 {log.at_ns});
  return found;
}

}  // namespace odradek::properties
