// The engine may abort: a child process runs, so that somebody is left who says what happened.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace odradek::tool {

struct ChildEnd {
  int exit_code = 0;
  // The child was killed by it.
  std::optional<int> signal = std::nullopt;
};

// What `body` returns is the exit code, if its output arrived. Flushes all streams before and after. `who`: for
// messages.
ChildEnd RunInChild(std::string_view who, const std::function<int()>& body);

}  // namespace odradek::tool
