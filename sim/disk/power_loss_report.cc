#include "sim/disk/power_loss_report.h"

#include <fmt/format.h>

namespace odradek::sim {

std::string_view ToString(NameOperation operation) {
  switch (operation) {
    case NameOperation::kCreate:
      return "create";
    case NameOperation::kCreateDirectory:
      return "create directory";
    case NameOperation::kRename:
      return "rename";
    case NameOperation::kRemove:
      return "remove";
    case NameOperation::kRemoveDirectory:
      return "remove directory";
  }
  return "unknown";
}

std::string ToString(const PowerLossReport& report) {
  std::string text;
  for (const LostName& lost : report.names) {
    text += fmt::format("undone: {} {}", ToString(lost.operation), lost.path);
    if (!lost.to.empty()) text += fmt::format(" to {}", lost.to);
    text += '\n';
  }
  for (const LostContent& lost : report.contents) {
    if (lost.is_gone) {
      text += fmt::format("gone: {}\n", lost.path);
      continue;
    }
    text += fmt::format("changed: {}, {} bytes, now {}:", lost.path, lost.size_before_bytes, lost.size_after_bytes);
    for (const ByteRange& range : lost.changed) text += fmt::format(" [{}, {})", range.begin, range.end);
    text += '\n';
  }
  return text;
}

}  // namespace odradek::sim
