// What the broker's process has used: processor time and memory, as the kernel counts them.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace odradek::bench {

// User plus system time of all threads, dead ones included. pid 0: nobody is asked, 0 is the answer.
double CpuSeconds(pid_t pid);

struct MemoryBytes {
  int64_t resident = 0;
  int64_t anonymous = 0;  // of the resident ones: without pages of files
};
MemoryBytes MemoryOf(pid_t pid);

}  // namespace odradek::bench
