#include "tools/odradek/config_changes.h"

#include <fmt/format.h>

#include <string>

#include "engine/base/absl_compat.h"

namespace odradek::tool {

absl::StatusOr<std::vector<client::ConfigChange>> ParseAdditions(std::string_view text) {
  std::vector<client::ConfigChange> changes;
  while (!text.empty()) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return base::InvalidArgument(fmt::format("--add-config: NAME=VALUE expected, found \"{}\"", text));
    }
    client::ConfigChange& change = changes.emplace_back();
    change.name = std::string(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    const bool has_brackets = text.starts_with('[');
    const size_t end = text.find(has_brackets ? ']' : ',');
    if (has_brackets && end == std::string_view::npos) {
      return base::InvalidArgument(fmt::format("--add-config: {}: the ] of \"{}\" is missing", change.name, text));
    }
    change.value = std::string(text.substr(has_brackets ? 1 : 0, has_brackets ? end - 1 : end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(has_brackets ? end + 1 : end);
    if (text.empty()) break;
    if (!text.starts_with(',')) {
      return base::InvalidArgument(
          fmt::format("--add-config: {}: a comma is missing before \"{}\"", change.name, text));
    }
    text.remove_prefix(1);
  }
  return changes;
}

}  // namespace odradek::tool
