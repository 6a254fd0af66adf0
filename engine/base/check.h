// REQUIRES (what a caller owes) and INVARIANT (what we owe ourselves): on in every build. A failure prints the
// condition, the place and the reporter's line (node, virtual time, seed, event number) and aborts the process.
// Never applied to bytes from the network or the disk: those get an error (STYLE.md 8).
#pragma once

namespace odradek::base {

// Writes a line that says where the run stands; called once, on the way to abort().
using CheckReporter = void (*)(void* arg);

// The one process-wide hook of this library: an assertion has no parameter through which it could reach its run.
void SetCheckReporter(CheckReporter reporter, void* arg);

[[noreturn]] void CheckFailed(const char* kind, const char* condition, const char* file, int line);

}  // namespace odradek::base

#define REQUIRES(condition)                          \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::odradek::base::CheckFailed("REQUIRES", #condition, __FILE__, __LINE__))

#define INVARIANT(condition)                         \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::odradek::base::CheckFailed("INVARIANT", #condition, __FILE__, __LINE__))
