#include "engine/fiber/stack_pool.h"

#include <sys/mman.h>

#include "engine/base/check.h"

#if defined(ODRADEK_FIBER_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace odradek::fiber {
namespace {

constexpr size_t kPageBytes = 4096;
// Linux 6.13: a guard page without a mapping of its own, so that 32,753 stacks are not the limit of a process.
constexpr int kMadvGuardInstall = 102;

void InstallGuard(std::byte* page) {
  if (madvise(page, kPageBytes, kMadvGuardInstall) == 0) return;
  INVARIANT(mprotect(page, kPageBytes, PROT_NONE) == 0);
}

}  // namespace

StackPool::StackPool(Options options) : options_(options) {
  REQUIRES(options_.stack_bytes % kPageBytes == 0);
  REQUIRES(options_.stacks_per_slab > 0);
}

StackPool::~StackPool() {
  INVARIANT(in_use_count_ == 0);
  for (std::byte* slab : slabs_) munmap(slab, slab_bytes_);
}

void StackPool::AddSlab() {
  const size_t slot_bytes = options_.stack_bytes + kPageBytes;
  slab_bytes_ = slot_bytes * options_.stacks_per_slab;
  void* memory = mmap(nullptr, slab_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  INVARIANT(memory != MAP_FAILED);
  auto* slab = static_cast<std::byte*>(memory);
  slabs_.push_back(slab);
  for (size_t i = options_.stacks_per_slab; i > 0; --i) {
    std::byte* slot = slab + (i - 1) * slot_bytes;
    InstallGuard(slot);
    free_.push_back({slot + kPageBytes, options_.stack_bytes});
  }
}

Stack StackPool::Acquire() {
  if (free_.empty()) AddSlab();
  const Stack stack = free_.back();
  free_.pop_back();
  ++in_use_count_;
  return stack;
}

void StackPool::Release(Stack stack) {
  REQUIRES(in_use_count_ > 0);
  REQUIRES(stack.low != nullptr);
#if defined(ODRADEK_FIBER_ASAN)
  __asan_unpoison_memory_region(stack.low, stack.size_bytes);
#endif
  --in_use_count_;
  free_.push_back(stack);
}

}  // namespace odradek::fiber
