// Pooled stacks for fibers, carved from slabs; below each lies a guard page, so that an overflow faults instead of
// reaching a neighbour (compile with -fstack-clash-protection). One pool serves all schedulers of a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace odradek::fiber {

// The highest address is where the stack begins to grow down from. Size in bytes.
struct Stack {
  std::byte* low = nullptr;
  size_t size_bytes = 0;
  std::byte* top() const { return low + size_bytes; }
};

#if defined(__SANITIZE_ADDRESS__)
#define ODRADEK_FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ODRADEK_FIBER_ASAN 1
#endif
#endif

class StackPool {
 public:
  struct Options {
    // Deep enough for protobuf text parsing, spdlog and every codec (TOOLCHAIN.md 1.2); sanitizers and -O0 need more.
#if defined(ODRADEK_FIBER_ASAN)
    size_t stack_bytes = size_t{512} * 1024;
#else
    size_t stack_bytes = size_t{128} * 1024;
#endif
    size_t stacks_per_slab = 64;
  };

  StackPool() : StackPool(Options{}) {}
  explicit StackPool(Options options);
  // REQUIRES: every stack was released.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Aborts when the operating system refuses memory.
  Stack Acquire();
  void Release(Stack stack);

  size_t in_use_count() const { return in_use_count_; }

 private:
  void AddSlab();

  const Options options_;
  std::vector<Stack> free_;
  std::vector<std::byte*> slabs_;
  size_t slab_bytes_ = 0;
  size_t in_use_count_ = 0;
};

}  // namespace odradek::fiber
