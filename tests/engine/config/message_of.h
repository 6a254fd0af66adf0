// The text of a status, for comparing error messages.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/absl_compat.h"

namespace odradek::config {

inline std::string MessageOf(const absl::Status& status) {
  return std::string(base::SV(status.message()));
}

}  // namespace odradek::config
