#include "tools/odradek/sim/child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "tools/odradek/sim/exit_codes.h"

namespace odradek::tool {

ChildEnd RunInChild(const std::function<int()>& body) {
  std::cout << std::flush;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    std::cerr << "odradek: no process for the run: " << std::strerror(errno) << "\n";
    return {.exit_code = kExitFailed};
  }
  if (child == 0) {
    const int exit_code = body();
    std::cout << std::flush;
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
