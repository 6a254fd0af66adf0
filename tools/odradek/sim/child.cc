#include "tools/odradek/sim/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "tools/odradek/sim/exit_codes.h"
#include "tools/odradek/sim/output.h"

namespace odradek::tool {

ChildEnd RunInChild(std::string_view who, const std::function<int()>& body) {
  std::cout << std::flush;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    std::cerr << who << ": no process for the run: " << std::strerror(errno) << "\n";
    return {.exit_code = kExitFailed};
  }
  if (child == 0) {
    // What was lost before is the parent's to say.
    const bool was_good = IsOutputGood();
    int exit_code = body();
    if (was_good) exit_code = CheckOutput(who, exit_code);
    std::fflush(nullptr);
    _exit(exit_code);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return {.exit_code = WEXITSTATUS(status)};
  return {.signal = WTERMSIG(status)};
}

}  // namespace odradek::tool
