#include "engine/config/setting_error.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"
#include "engine/base/absl_compat.h"

namespace odradek::config {
namespace {

constexpr std::string_view kPayload = "odradek.config.setting";

}  // namespace

absl::Status WrongSetting(const SettingError& error) {
  absl::Status status = base::InvalidArgument(
      error.value ? fmt::format("Invalid value '{}' for configuration {}: {}", *error.value, error.name, error.why)
                  : fmt::format("Invalid configuration {}: {}", error.name, error.why));
  status.SetPayload(base::AV(kPayload), absl::Cord(base::AV(error.name)));
  return status;
}

std::string SettingOf(const absl::Status& status) {
  const auto name = status.GetPayload(base::AV(kPayload));
  return name ? std::string(*name) : std::string();
}

}  // namespace odradek::config
