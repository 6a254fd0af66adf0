#include "sim/kernel/kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "engine/base/check.h"
#include "engine/base/crc32c.h"

namespace odradek::sim {
namespace {

constexpr uint64_t kNoHashEvent = std::numeric_limits<uint64_t>::max();
// A tie holds the drawn part above the insertion number, which makes the order total.
constexpr int kTieSequenceBits = 40;
constexpr uint64_t kTieSequenceMask = (uint64_t{1} << kTieSequenceBits) - 1;

// Assertions say where the run stands while a kernel runs.
class ReporterScope {
 public:
  ReporterScope(base::CheckReporter reporter, void* arg) { base::SetCheckReporter(reporter, arg); }
  ~ReporterScope() { base::SetCheckReporter(nullptr, nullptr); }
  ReporterScope(const ReporterScope&) = delete;
  ReporterScope& operator=(const ReporterScope&) = delete;
};

}  // namespace

std::string_view ToString(Strategy strategy) {
  switch (strategy) {
    case Strategy::kFifo:
      return "fifo";
    case Strategy::kRandom:
      return "random";
    case Strategy::kPct:
      return "pct";
  }
  return "unknown";
}

std::string_view ToString(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::kIdle:
      return "idle";
    case RunOutcome::kStopped:
      return "stopped";
    case RunOutcome::kTimeLimit:
      return "time limit";
    case RunOutcome::kEventLimit:
      return "event limit";
    case RunOutcome::kLivelock:
      return "livelock";
  }
  return "unknown";
}

Kernel::Kernel(const KernelOptions& options) : options_(options) {
  self_handler_ = AddHandler(*this);
  const Entity kernel = EntityOf("kernel");
  tie_key_ = base::KeyedDraw(options_.seed, kernel.value(), PurposeOf("tie").value(), 0);
  hash_.Fold(options_.seed, static_cast<uint64_t>(options_.strategy));
  if (options_.strategy != Strategy::kPct) return;
  hash_.Fold((uint64_t{options_.pct.depth} << 32) | options_.pct.steps,
             static_cast<uint64_t>(options_.pct.window.nanos()));
  pct_ = std::make_unique<PctQueue>(options_.pct, options_.seed);
}

Kernel::~Kernel() = default;

HandlerId Kernel::AddHandler(EventHandler& handler) {
  handlers_.push_back(&handler);
  return HandlerId(static_cast<uint32_t>(handlers_.size() - 1));
}

void Kernel::RemoveHandler(HandlerId id) {
  REQUIRES(id.value() < handlers_.size());
  REQUIRES(handlers_[id.value()] != nullptr);
  handlers_[id.value()] = nullptr;
}

// REQUIRES: event.tie is its insertion number.
inline uint64_t Kernel::TieOf(const Event& event) const {
  if (options_.strategy != Strategy::kRandom) return event.tie;
  const uint64_t content = (uint64_t{event.handler.value()} << 32) | (uint64_t{event.kind} << 16) | event.small;
  const uint64_t place = (tie_key_ ^ static_cast<uint64_t>(event.time_ns)) + content * 0x9e3779b97f4a7c15;
  return (base::Mix64(place ^ (event.arg * 0xbf58476d1ce4e5b9)) & ~kTieSequenceMask) | event.tie;
}

inline void Kernel::Enqueue(Event& event) {
  if (pct_ != nullptr) [[unlikely]]
    return EnqueueChain(event);
  event.tie = TieOf(event);
  queue_.Push(event);
}

void Kernel::EnqueueChain(const Event& event) {
  const EventHandler* handler = handlers_[event.handler.value()];
  pct_->Push({event, handler == nullptr ? kNoChain : handler->ChainOf(event)});
}

void Kernel::Push(MonoTime at, HandlerId handler, const What& what) {
  REQUIRES(handler.value() < handlers_.size());
  Event event;
  event.time_ns = std::max(at.nanos(), now_ns_);
  event.tie = ++pushed_count_ & kTieSequenceMask;
  event.handler = handler;
  event.kind = what.kind;
  event.small = what.small;
  event.arg = what.arg;
  if (event.time_ns == now_ns_) {
    if (has_next_) {
      has_next_ = false;
      Enqueue(next_);
    } else if (dispatching_ && pct_ == nullptr && queue_.IsAfter(now_ns_)) {
      has_next_ = true;
      next_ = event;
      return;
    }
  }
  Enqueue(event);
}

size_t Kernel::pending_event_count() const {
  return (pct_ != nullptr ? pct_->size() : queue_.size()) + (has_next_ ? 1 : 0);
}

// Of the queue, not the one beside it.
inline Kernel::Taken Kernel::Take(int64_t until_ns, Event& event) {
  if (pct_ != nullptr) [[unlikely]] {
    if (pct_->empty()) return Taken::kNothing;
    if (pct_->next_time_ns() > until_ns) return Taken::kLater;
    event = pct_->Pop(until_ns);
    event.time_ns = std::max(event.time_ns, now_ns_);
  } else {
    if (queue_.empty()) return Taken::kNothing;
    if (queue_.next_time_ns() > until_ns) return Taken::kLater;
    event = queue_.Pop();
    INVARIANT(event.time_ns >= now_ns_);
  }
  if (event.time_ns != now_ns_) events_this_instant_ = 0;
  now_ns_ = event.time_ns;
  return Taken::kEvent;
}

ControlId Kernel::At(MonoTime at, absl::AnyInvocable<void()> action) {
  uint32_t slot = 0;
  if (free_controls_.empty()) {
    slot = static_cast<uint32_t>(controls_.size());
    controls_.emplace_back();
  } else {
    slot = free_controls_.back();
    free_controls_.pop_back();
  }
  Control& control = controls_[slot];
  control.action = std::move(action);
  ++control.generation;
  const uint64_t id = (uint64_t{control.generation} << 32) | slot;
  Push(at, self_handler_, {.arg = id});
  return ControlId{id};
}

ControlId Kernel::After(Duration delay, absl::AnyInvocable<void()> action) {
  return At(Now() + delay, std::move(action));
}

void Kernel::Cancel(ControlId id) {
  const auto slot = static_cast<uint32_t>(static_cast<uint64_t>(id));
  const auto generation = static_cast<uint32_t>(static_cast<uint64_t>(id) >> 32);
  if (slot >= controls_.size() || controls_[slot].generation != generation) return;
  if (controls_[slot].action == nullptr) return;
  controls_[slot].action = nullptr;
  ++controls_[slot].generation;
  free_controls_.push_back(slot);
}

void Kernel::OnEvent(const Event& event) {
  const auto slot = static_cast<uint32_t>(event.arg);
  const auto generation = static_cast<uint32_t>(event.arg >> 32);
  INVARIANT(slot < controls_.size());
  if (controls_[slot].generation != generation) return;
  absl::AnyInvocable<void()> action = std::move(controls_[slot].action);
  controls_[slot].action = nullptr;
  ++controls_[slot].generation;
  free_controls_.push_back(slot);
  action();
}

void Kernel::AfterEvent(absl::AnyInvocable<void()> action) {
  deferred_.push_back(std::move(action));
  if (!dispatching_) RunDeferred();
}

void Kernel::RunDeferred() {
  dispatching_ = true;
  // What is deferred may defer more.
  for (size_t i = 0; i < deferred_.size(); ++i) {
    absl::AnyInvocable<void()> action = std::move(deferred_[i]);
    action();
  }
  deferred_.clear();
  dispatching_ = false;
}

inline void Kernel::Dispatch(const Event& event) {
  const uint64_t content = (uint64_t{event.handler.value()} << 32) | (uint64_t{event.kind} << 16) | event.small;
  Fold(static_cast<uint64_t>(event.time_ns), event.arg ^ (content * 0x9e3779b97f4a7c15));
  EventHandler* handler = handlers_[event.handler.value()];
  if (handler != nullptr) {
    dispatching_ = true;
    handler->OnEvent(event);
    dispatching_ = false;
    if (!deferred_.empty()) RunDeferred();
  }
  if (event_number_ == next_hash_event_) NoteHash();
}

RunOutcome Kernel::Run(const RunLimits& limits) {
  REQUIRES(!dispatching_);
  const ReporterScope reporter(&ReportCheckFailure, this);
  stop_requested_ = false;
  const uint64_t events_left = std::numeric_limits<uint64_t>::max() - event_number_;
  const uint64_t last_event = event_number_ + std::min(limits.events_max, events_left);
  const bool is_bounded = limits.until != MonoTime::Never();
  RunOutcome outcome = RunOutcome::kIdle;
  Event event;
  while (true) {
    if (event_number_ >= last_event && pending_event_count() > 0) return RunOutcome::kEventLimit;
    if (has_next_) {
      has_next_ = false;
      event = next_;
    } else {
      const Taken taken = Take(limits.until.nanos(), event);
      if (taken == Taken::kLater) outcome = RunOutcome::kTimeLimit;
      if (taken != Taken::kEvent) break;
    }
    ++event_number_;
    Dispatch(event);
    if (pct_ != nullptr) [[unlikely]]
      pct_->priorities().NextStep();
    if (stop_requested_) return RunOutcome::kStopped;
    if (++events_this_instant_ > options_.events_per_instant_max) return RunOutcome::kLivelock;
  }
  if (is_bounded) now_ns_ = std::max(now_ns_, limits.until.nanos());
  return outcome;
}

DrawStream& Kernel::Stream(Entity entity, Purpose purpose) {
  const auto at = streams_.try_emplace({entity, purpose}, options_.seed, entity, purpose).first;
  return at->second;
}

void Kernel::FoldBytes(Bytes bytes) {
  if (options_.hashes_history) hash_.Fold(bytes.size(), base::Crc32c(bytes));
}

void Kernel::SetHashLog(HashLog* log) {
  hash_log_ = log;
  next_hash_event_ = log == nullptr ? kNoHashEvent : std::max(log->first_event, event_number_ + 1);
  REQUIRES(log == nullptr || log->every > 0);
}

void Kernel::NoteHash() {
  hash_log_->points.push_back({event_number_, Now(), hash()});
  next_hash_event_ += hash_log_->every;
  if (next_hash_event_ > hash_log_->last_event) next_hash_event_ = kNoHashEvent;
}

NodeIndex Kernel::AddNode(std::string_view name) {
  REQUIRES(!name.empty());
  REQUIRES(std::find(node_names_.begin(), node_names_.end(), name) == node_names_.end());
  node_names_.emplace_back(name);
  return NodeIndex(static_cast<int32_t>(node_names_.size() - 1));
}

const std::string& Kernel::node_name(NodeIndex node) const {
  REQUIRES(node.value() >= 0);
  REQUIRES(static_cast<size_t>(node.value()) < node_names_.size());
  return node_names_[static_cast<size_t>(node.value())];
}

void Kernel::AddTrace(const Place& place, TraceKind kind, std::string text) {
  TraceEntry entry;
  entry.time = Now();
  entry.event_number = event_number_;
  entry.place = place;
  if (place.node != kNoNodeIndex) entry.node_name = node_name(place.node);
  entry.kind = kind;
  entry.text = std::move(text);
  trace_->Add(std::move(entry));
}

std::string Kernel::WhereItStands() const {
  std::string where = place_.node == kNoNodeIndex ? std::string("no node") : "node " + node_name(place_.node);
  if (place_.shard.value() >= 0) where += fmt::format("/{}", place_.shard.value());
  if (place_.fiber != 0) where += fmt::format(" fiber {}({})", place_.fiber_name, place_.fiber);
  return fmt::format("{}, virtual time {} ns, seed {}, event {}", where, now_ns_, options_.seed, event_number_);
}

void Kernel::ReportCheckFailure(void* kernel) {
  const std::string where = static_cast<const Kernel*>(kernel)->WhereItStands();
  std::fprintf(stderr, "  at %s\n", where.c_str());
}

}  // namespace odradek::sim
