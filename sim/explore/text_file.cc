#include "sim/explore/text_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "engine/base/absl_compat.h"

namespace odradek::explore {

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return base::NotFound(fmt::format("{}: cannot be read", path));
  return text;
}

}  // namespace odradek::explore
