// What people give by name: scenarios, plans, settings.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace odradek::explore {

// The whole file, which may be empty. The error names it.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace odradek::explore
