// Threads for what would block a shard: syncs, cold reads, name look-ups, CPU-heavy work. Owned by the node; several
// shards share one. Thread-safe. Threads start when there is work for them.
//
// Invariants: a task runs at most once; after Reap returns its work is not running and will not run.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "engine/fiber/fiber.h"
#include "engine/real/reactor.h"

namespace odradek::real {

class HelperPool {
 public:
  // What the destructor does with work that is running: waits for it, or leaves it behind (for work that owns all that
  // it touches and may hang for long: name look-ups).
  enum class AtEnd : uint8_t { kWait, kAbandon };
  struct Options {
    int32_t threads_max = 4;
    AtEnd at_end = AtEnd::kWait;
  };

  explicit HelperPool(Options options);
  // Work that has not begun never runs.
  ~HelperPool();
  HelperPool(const HelperPool&) = delete;
  HelperPool& operator=(const HelperPool&) = delete;

  // Runs `work` on a helper; returns when it is done. A killed fiber reaps the work before it unwinds, so that `work`
  // may use the caller's stack.
  void Run(fiber::Fiber& self, Reactor& reactor, absl::AnyInvocable<void()> work);
  // As Run, but gives up at the deadline or when the fiber is killed: `work` must own what it touches.
  fiber::Wake RunOwned(fiber::Fiber& self, Reactor& reactor, absl::AnyInvocable<void()> work, MonoTime deadline);
  // Nobody waits for `work`.
  void RunDetached(absl::AnyInvocable<void()> work);

 private:
  struct Task;
  struct State;
  static void Loop(const std::shared_ptr<State>& state);
  // `done` is woken on the shard when the work has run.
  std::shared_ptr<Task> Start(Reactor& reactor, absl::AnyInvocable<void()> work, fiber::WaitQueue& done);
  void Submit(std::shared_ptr<Task> task);
  void Reap(Task& task);

  const Options options_;
  std::shared_ptr<State> state_;  // outlives abandoned threads' use of it
};

}  // namespace odradek::real
