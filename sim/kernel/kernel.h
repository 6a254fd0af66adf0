// The simulator's core: virtual time, the queue of events, the history hash, random draws and the trace. One per run;
// one thread. Everything that happens in a run is an event here.
//
// Invariants:
//  1. Time never goes back; events of one instant run in the order of their ties: by insertion (kFifo), or drawn from
//     the seed and the event's content (kRandom). Under kPct an event may also happen late, within bounds (pct.h).
//  2. Every event is folded into the history hash before its handler sees it.
//  3. An event for a handler that was removed is dropped.
//  4. Draws depend on (seed, entity, purpose, counter) only.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/base/bytes.h"
#include "engine/base/time.h"
#include "engine/fiber/stack_pool.h"
#include "sim/kernel/draw.h"
#include "sim/kernel/event.h"
#include "sim/kernel/event_queue.h"
#include "sim/kernel/history_hash.h"
#include "sim/kernel/pct.h"
#include "sim/kernel/trace.h"

namespace odradek::sim {

// In which order things go that could go in any.
enum class Strategy : uint8_t { kFifo, kRandom, kPct };
std::string_view ToString(Strategy strategy);

struct KernelOptions {
  uint64_t seed = 0;
  Strategy strategy = Strategy::kRandom;
  PctOptions pct = {};  // under kPct
  // Off only to measure what the history hash costs: such a run cannot be compared with another one.
  bool hashes_history = true;
  // More events than this at one instant are a livelock: time does not pass any more.
  uint64_t events_per_instant_max = 1'000'000;
};

struct RunLimits {
  MonoTime until = MonoTime::Never();
  uint64_t events_max = std::numeric_limits<uint64_t>::max();
};

enum class RunOutcome : uint8_t {
  kIdle,       // nothing is left to happen
  kStopped,    // Stop() was called
  kTimeLimit,  // everything up to and including `until` has happened
  kEventLimit,
  kLivelock,
};
std::string_view ToString(RunOutcome outcome);

enum class ControlId : uint64_t { kNone = 0 };

// Hashes at every `every`-th event of [first_event, last_event]: two runs that differ are compared with these.
struct HashLog {
  struct Point {
    uint64_t event_number = 0;
    MonoTime time;
    Hash128 hash;
    friend auto operator<=>(const Point&, const Point&) = default;
  };
  uint64_t first_event = 1;
  uint64_t last_event = std::numeric_limits<uint64_t>::max();
  uint64_t every = 1024;
  std::vector<Point> points = {};
};

class Kernel final : private EventHandler {
 public:
  explicit Kernel(const KernelOptions& options);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  const KernelOptions& options() const { return options_; }
  MonoTime Now() const { return MonoTime::FromNanos(now_ns_); }
  // Of the event that runs now, counted from 1.
  uint64_t event_number() const { return event_number_; }
  size_t pending_event_count() const;
  // Who goes first of those that a handler chooses among; nullptr unless the strategy is kPct.
  PctPriorities* priorities() { return pct_ == nullptr ? nullptr : &pct_->priorities(); }

  HandlerId AddHandler(EventHandler& handler);
  void RemoveHandler(HandlerId id);

  // A moment in the past counts as now. `arg` is part of the history: never a pointer.
  struct What {
    uint16_t kind = 0;
    uint16_t small = 0;
    uint64_t arg = 0;
  };
  void Push(MonoTime at, HandlerId handler, const What& what);

  // For control (faults, phases, tests), not for traffic: closures allocate.
  ControlId At(MonoTime at, absl::AnyInvocable<void()> action);
  ControlId After(Duration delay, absl::AnyInvocable<void()> action);
  // Does nothing if it has run already.
  void Cancel(ControlId id);
  // Runs when the current event's handler has returned, before the next event; at once outside of Run.
  void AfterEvent(absl::AnyInvocable<void()> action);

  // Whatever the outcome, a later Run goes on. With a finite `until` the clock stands there after kIdle and kTimeLimit.
  RunOutcome Run(const RunLimits& limits);
  // Run returns after the current event.
  void Stop() { stop_requested_ = true; }

  // The stream lives as long as the kernel; hold the reference on hot paths.
  DrawStream& Stream(Entity entity, Purpose purpose);
  uint64_t Draw(Entity entity, Purpose purpose) { return Stream(entity, purpose).Next(); }

  // What happened besides events: results, lengths, objects by their numbers.
  void Fold(uint64_t x, uint64_t y) {
    if (options_.hashes_history) [[likely]]
      hash_.Fold(x, y);
  }
  // By length and CRC.
  void FoldBytes(Bytes bytes);
  Hash128 hash() const { return hash_.value(); }
  // nullptr: none. The log is the caller's.
  void SetHashLog(HashLog* log);

  // The names of nodes, for the trace and for draws; a name is used once.
  NodeIndex AddNode(std::string_view name);
  const std::string& node_name(NodeIndex node) const;
  size_t node_count() const { return node_names_.size(); }

  // nullptr: no trace. The sink is the caller's.
  void SetTrace(TraceSink* sink) { trace_ = sink; }
  bool is_recording() const { return trace_ != nullptr; }
  // `text` returns a std::string and is called only while a trace is recorded.
  template <typename Text>
  void Trace(TraceKind kind, Text&& text) {
    if (trace_ != nullptr) [[unlikely]]
      AddTrace(place_, kind, std::forward<Text>(text)());
  }
  template <typename Text>
  void TraceAt(const Place& place, TraceKind kind, Text&& text) {
    if (trace_ != nullptr) [[unlikely]]
      AddTrace(place, kind, std::forward<Text>(text)());
  }
  const Place& place() const { return place_; }
  void SetPlace(const Place& place) { place_ = place; }
  // Back to no node: what runs on a shard is never nested.
  void ClearPlace() { place_ = {}; }

  // One pool for all fibers of the run.
  fiber::StackPool& stacks() { return stacks_; }

  // "n1/0 fetcher(12), virtual time 1.5 s, seed 42, event 4711": what an assertion that fails prints.
  std::string WhereItStands() const;

 private:
  struct Control {
    absl::AnyInvocable<void()> action;
    uint32_t generation = 0;
  };

  void OnEvent(const Event& event) override;
  ChainId ChainOf(const Event&) const override { return kNoChain; }
  void Enqueue(Event& event);
  void EnqueueChain(const Event& event);
  // Nothing is left, or nothing that is due by then.
  enum class Taken : uint8_t { kEvent, kNothing, kLater };
  Taken Take(int64_t until_ns, Event& event);
  void Dispatch(const Event& event);
  void RunDeferred();
  void NoteHash();
  uint64_t TieOf(const Event& event) const;
  void AddTrace(const Place& place, TraceKind kind, std::string text);
  static void ReportCheckFailure(void* kernel);

  const KernelOptions options_;
  fiber::StackPool stacks_;
  EventQueue queue_;
  // Instead of queue_ under kPct.
  std::unique_ptr<PctQueue> pct_;
  // The only event of the present instant, beside the queue: half of all events are, a delivery that wakes a shard
  // that is idle. Its tie is only worked out when another one comes.
  bool has_next_ = false;
  Event next_;
  std::vector<EventHandler*> handlers_;
  HandlerId self_handler_;
  int64_t now_ns_ = 0;
  uint64_t event_number_ = 0;
  uint64_t pushed_count_ = 0;
  uint64_t events_this_instant_ = 0;
  uint64_t tie_key_ = 0;
  bool stop_requested_ = false;
  bool dispatching_ = false;
  HistoryHash hash_;
  HashLog* hash_log_ = nullptr;
  uint64_t next_hash_event_ = std::numeric_limits<uint64_t>::max();
  std::vector<Control> controls_;
  std::vector<uint32_t> free_controls_;
  std::vector<absl::AnyInvocable<void()>> deferred_;
  std::map<std::pair<Entity, Purpose>, DrawStream> streams_;
  std::vector<std::string> node_names_;
  TraceSink* trace_ = nullptr;
  Place place_;
};

}  // namespace odradek::sim
