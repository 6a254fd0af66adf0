// What `odradek config alter --add-config` is told.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/client/admin.h"

namespace odradek::tool {

// "a=1,b=[x,y],c=": commas between brackets belong to the value. The error names the option, the setting and the text.
absl::StatusOr<std::vector<client::ConfigChange>> ParseAdditions(std::string_view text);

}  // namespace odradek::tool
