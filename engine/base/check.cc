#include "engine/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace odradek::base {
namespace {

CheckReporter g_reporter = nullptr;
void* g_reporter_arg = nullptr;

}  // namespace

void SetCheckReporter(CheckReporter reporter, void* arg) {
  g_reporter = reporter;
  g_reporter_arg = arg;
}

void CheckFailed(const char* kind, const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s failed: %s at %s:%d\n", kind, condition, file, line);
  if (CheckReporter reporter = g_reporter; reporter != nullptr) {
    g_reporter = nullptr;  // a failure inside the reporter must not come back here
    reporter(g_reporter_arg);
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace odradek::base
