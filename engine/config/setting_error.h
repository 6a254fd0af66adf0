// Errors about one property. They carry its name, so that who knows where it was set can say so. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace odradek::config {

struct SettingError {
  std::string_view name;                                 // canonical
  std::optional<std::string_view> value = std::nullopt;  // that is wrong, if it is one alone
  std::string_view why;
};
// "Invalid value 'VALUE' for configuration NAME: WHY"
absl::Status WrongSetting(const SettingError& error);

// Empty: the error is not about one property.
std::string SettingOf(const absl::Status& status);

}  // namespace odradek::config
