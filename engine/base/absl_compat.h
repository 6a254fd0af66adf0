// Debian's Abseil has its own string_view (TOOLCHAIN.md 1.1): the crossing points between it and the std types that
// all of our interfaces use.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace odradek::base {

inline absl::string_view AV(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string_view SV(absl::string_view s) {
  return {s.data(), s.size()};
}

inline absl::Status InvalidArgument(std::string_view message) {
  return absl::InvalidArgumentError(AV(message));
}
inline absl::Status FailedPrecondition(std::string_view message) {
  return absl::FailedPreconditionError(AV(message));
}
inline absl::Status DataLoss(std::string_view message) {
  return absl::DataLossError(AV(message));
}
inline absl::Status NotFound(std::string_view message) {
  return absl::NotFoundError(AV(message));
}
inline absl::Status Unavailable(std::string_view message) {
  return absl::UnavailableError(AV(message));
}
inline absl::Status Internal(std::string_view message) {
  return absl::InternalError(AV(message));
}

}  // namespace odradek::base
