#include "tests/bench/compare/broker_process.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/bench/compare/channel.h"

namespace odradek::bench {
namespace {

constexpr int64_t kBytesPerKilobyte = 1024;

std::ifstream OpenProc(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  if (!file) Die("no process " + std::to_string(pid));
  return file;
}

}  // namespace

double CpuSeconds(pid_t pid) {
  if (pid == 0) return 0;
  std::ifstream file = OpenProc(pid, "stat");
  std::string all;
  std::getline(file, all);
  // The name in parentheses may contain anything; utime and stime are the 12th and 13th fields behind it.
  std::istringstream fields(all.substr(all.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

MemoryBytes MemoryOf(pid_t pid) {
  MemoryBytes memory;
  std::ifstream file = OpenProc(pid, "status");
  std::string key;
  while (file >> key) {
    int64_t kilobytes = 0;
    if (key == "VmRSS:" && file >> kilobytes) memory.resident = kilobytes * kBytesPerKilobyte;
    if (key == "RssAnon:" && file >> kilobytes) memory.anonymous = kilobytes * kBytesPerKilobyte;
    std::getline(file, key);
  }
  return memory;
}

}  // namespace odradek::bench
