// Exit codes that all verbs share; sim run adds its own (sim/explore/summary.h).
#pragma once

namespace odradek::tool {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

}  // namespace odradek::tool
