// One shard of one running node: executor, rounds, monotonic clock and mailboxes for the fibers of a scheduler, under
// the kernel's time. Every slice of a fiber costs virtual CPU time; until it is over, what is ready waits. Owned by
// whoever runs the node; lives from boot to death.
//
// Invariants:
//  1. Now() does not move within a round and never goes back. A round is 1..round_slices_max slices; then its tasks
//  run.
//  2. At most one slice runs per event of the kernel: a kill can come between any two.
//  3. Messages of an ordered pair of shards arrive in the order in which they were posted, each at its own instant.
//  4. After Kill() nothing of the shard is left in any queue, and posts, wake-ups and timers do nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/node_time.h"
#include "sim/kernel/timer_heap.h"

namespace odradek::sim {

struct ShardOptions {
  // Virtual CPU cost of a slice, drawn evenly. 0 is allowed.
  Duration slice_cost_min = Duration::Micros(1);
  Duration slice_cost_max = Duration::Micros(20);
  uint32_t round_slices_max = 8;
  // Between shards of a node.
  Duration message_delay_min = Duration::Nanos(200);
  Duration message_delay_max = Duration::Micros(20);
  uint32_t slow_message_ppm = 2000;
  Duration slow_message_delay_max = Duration::Millis(5);
};

class NodeShard final : public fiber::Executor,
                        public env::Clock,
                        public env::Rounds,
                        public env::Shards,
                        private EventHandler {
 public:
  struct Identity {
    NodeIndex node = kNoNodeIndex;
    ShardId shard{0};
    int32_t shard_count = 1;
    // Counts the boots of the node: a reboot goes on in the node's streams of draws.
    uint64_t incarnation = 0;
  };

  NodeShard(Kernel& kernel, const NodeTime& time, const Identity& identity, const ShardOptions& options);
  // REQUIRES: killed, or nothing left.
  ~NodeShard();
  NodeShard(const NodeShard&) = delete;
  NodeShard& operator=(const NodeShard&) = delete;

  // All shards of the node in the order of their ids, this one included. Before the first Post.
  void ConnectPeers(std::vector<NodeShard*> shards);

  fiber::Scheduler& scheduler() { return scheduler_; }
  const Identity& identity() const { return identity_; }

  // fiber::Executor, env::Clock
  MonoTime Now() const override;
  MonoTime Instant() const override;
  WallTime WallNow() const override;
  void MakeReady(fiber::Fiber& fiber) override;
  fiber::TimerHandle ArmTimer(MonoTime at, fiber::Fiber& fiber) override;
  void DisarmTimer(fiber::TimerHandle handle) override;
  // env::Rounds
  void AtRoundEnd(env::RoundTask& task) override;
  // env::Shards
  ShardId self() const override { return identity_.shard; }
  int32_t count() const override { return identity_.shard_count; }
  void Post(ShardId to, absl::AnyInvocable<void()> message) override;

  // Stop-the-world: nothing runs, everything queues.
  void Pause();
  void Resume();
  bool is_paused() const { return is_paused_; }
  // The node's clock changed its rate: timers are due at other instants.
  void ClockChanged() { Arrange(); }

  // First half of a death: nothing runs any more, ready fibers, timers, tasks and messages are dropped.
  void CutOff();
  // Second half: unwinds all fibers. REQUIRES: CutOff, and not called from a slice (use Kernel::AfterEvent).
  void Kill();
  bool is_cut_off() const { return is_cut_off_; }

  // What the shard still holds; 0 after Kill.
  struct Holdings {
    size_t fiber_count = 0;
    size_t timer_count = 0;
    size_t message_count = 0;
    size_t task_count = 0;
  };
  Holdings holdings() const;

  uint64_t slice_count() const { return slice_count_; }

 private:
  enum EventKind : uint16_t { kWake = 1, kMessage = 2 };
  struct Mailbox {
    std::deque<absl::AnyInvocable<void()>> messages;
    MonoTime last_arrival;
  };

  void OnEvent(const Event& event) override;
  ChainId ChainOf(const Event& event) const override;
  size_t ChooseReady(size_t choice_count);
  void OnWake();
  void BeginRound();
  void EndRound();
  void RunSlice();
  void RunFiber(fiber::Fiber& fiber);
  fiber::Fiber& TakeReady(size_t index);
  size_t ready_count() const { return ready_.size() - ready_head_; }
  bool has_work() const { return ready_count() > 0 || !inbox_.empty() || !tasks_.empty(); }
  // Makes sure that the kernel wakes this shard when there is something to do.
  void Arrange();
  void Accept(ShardId from, absl::AnyInvocable<void()> message);
  Place PlaceOf(const fiber::Fiber* fiber) const;

  Kernel& kernel_;
  const NodeTime& time_;
  const Identity identity_;
  const ShardOptions options_;
  const HandlerId handler_;
  DrawStream& order_draws_;
  DrawStream& cost_draws_;
  DrawStream& round_draws_;
  DrawStream& delay_draws_;
  fiber::Scheduler scheduler_;
  std::vector<NodeShard*> peers_;
  std::vector<Mailbox> mailboxes_;  // by sender
  std::deque<absl::AnyInvocable<void()>> inbox_;
  std::vector<fiber::Fiber*> ready_;  // from ready_head_ on
  size_t ready_head_ = 0;
  TimerHeap timers_;
  std::vector<env::RoundTask*> tasks_;
  // Instants of wake events in the kernel's queue, strictly descending: the last one comes first.
  std::vector<MonoTime> wakes_;
  MonoTime busy_until_;
  MonoTime round_now_;
  uint32_t slices_left_ = 0;
  bool round_open_ = false;
  bool in_event_ = false;
  bool is_paused_ = false;
  bool is_cut_off_ = false;
  uint64_t slice_count_ = 0;
};

}  // namespace odradek::sim
