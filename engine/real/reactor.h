// The loop of one shard: an edge-triggered epoll, a fifo of ready fibers, timers, rounds, and a mailbox for other
// threads. Owned by the shard's RealNode entry; runs on one thread. The loop itself never suspends; it is where fibers
// suspend to.
//
// A round: wait for events; read the clock once; wake the fibers of the events, run what other threads posted, fire the
// timers that are due; run ready fibers until none is left or the round has run long; then the round's end tasks.
//
// Invariants:
//  1. Now() and WallNow() do not move within a round.
//  2. Event sources are called before any fiber of the round runs, so that none of them can be gone.
//  3. A round always ends: after slices_per_round_max fibers or round_time_max, whatever is still ready.
//  4. After Kill nothing of this shard runs any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/base/ring.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/real/counters.h"
#include "engine/real/disk_calls.h"
#include "engine/real/sys.h"
#include "engine/real/timers.h"

namespace odradek::real {

// Something with a descriptor in the epoll.
class EventSource {
 public:
  // `epoll_events`: the EPOLL… bits. Wakes fibers and keeps flags, nothing else.
  virtual void OnEvents(uint32_t epoll_events) = 0;

 protected:
  ~EventSource() = default;
};

class Reactor final : public fiber::Executor, public env::Clock, public env::Rounds {
 public:
  struct Options {
    // A fiber that makes itself ready again and again must not starve the sockets.
    int32_t slices_per_round_max = 4096;
    // Small answers leave at the round's end and must not wait behind a megabyte of CRC for long.
    Duration round_time_max = Duration::Millis(1);
  };

  explicit Reactor(Options options);
  // REQUIRES: not running.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // fiber::Executor, env::Clock
  MonoTime Now() const override { return now_; }
  MonoTime Instant() const override;
  WallTime WallNow() const override { return wall_now_; }
  void MakeReady(fiber::Fiber& fiber) override { ready_.push_back(&fiber); }
  fiber::TimerHandle ArmTimer(MonoTime at, fiber::Fiber& fiber) override { return timers_.Arm(at, fiber); }
  void DisarmTimer(fiber::TimerHandle handle) override { timers_.Disarm(handle); }
  // env::Rounds
  void AtRoundEnd(env::RoundTask& task) override { round_tasks_.push_back(&task); }

  // Runs rounds until Stop. May be called again afterwards.
  void Run();
  // Makes Run return at the end of its round. From any thread and from a signal handler.
  void Stop();
  // Runs `message` in a later round, outside of any fiber. From any thread; fifo.
  void Post(absl::AnyInvocable<void()> message);
  // Drops what is ready, armed or posted and unwinds every fiber. REQUIRES: not running.
  void Kill();

  // Puts a descriptor into the epoll, edge-triggered. It leaves by being closed. 0, or errno.
  int Watch(int fd, EventSource& source, uint32_t epoll_events);
  // The descriptor's events go to another source from now on, beginning with what is pending.
  int WatchInstead(int fd, EventSource& source, uint32_t epoll_events);

  fiber::Scheduler& scheduler() { return scheduler_; }
  Counters& counters() { return counters_; }
  DiskCalls& disk_calls() { return disk_calls_; }

 private:
  void ReadClocks();
  void WaitForEvents();
  void RunPosts();
  void FireTimers();
  void RunReady(MonoTime began);
  void RunRoundTasks();

  const Options options_;
  UniqueFd epoll_;
  UniqueFd wake_up_;  // eventfd: posts and Stop
  MonoTime now_;
  WallTime wall_now_;
  base::Ring<fiber::Fiber*> ready_;
  Timers timers_;
  std::vector<env::RoundTask*> round_tasks_;
  std::vector<env::RoundTask*> round_tasks_running_;
  Counters counters_;
  DiskCalls disk_calls_;
  std::atomic<bool> stop_{false};
  std::mutex posts_mutex_;
  std::vector<absl::AnyInvocable<void()>> posts_;  // guarded by posts_mutex_
  fiber::StackPool stacks_;
  fiber::Scheduler scheduler_;
};

// CLOCK_MONOTONIC, in any thread.
MonoTime ReadMonotonicClock();

}  // namespace odradek::real
