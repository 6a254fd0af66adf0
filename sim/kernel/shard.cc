#include "sim/kernel/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

// The wake-ups of a shard are one chain, each mailbox is one, and each fiber among those that are ready.
constexpr uint32_t kWakeChain = 0;
constexpr uint32_t kInboxChain = 1;
constexpr uint32_t kFirstMailboxChain = 2;
constexpr uint32_t kFirstFiberChain = uint32_t{1} << 16;

Entity EntityOfShard(Kernel& kernel, const NodeShard::Identity& identity) {
  return PartOf(EntityOf(kernel.node_name(identity.node)), static_cast<uint64_t>(identity.shard.value()));
}

}  // namespace

NodeShard::NodeShard(Kernel& kernel, const NodeTime& time, const Identity& identity, const ShardOptions& options)
    : kernel_(kernel),
      time_(time),
      identity_(identity),
      options_(options),
      handler_(kernel.AddHandler(*this)),
      order_draws_(kernel.Stream(EntityOfShard(kernel, identity), PurposeOf("order"))),
      cost_draws_(kernel.Stream(EntityOfShard(kernel, identity), PurposeOf("cpu"))),
      round_draws_(kernel.Stream(EntityOfShard(kernel, identity), PurposeOf("round"))),
      delay_draws_(kernel.Stream(EntityOfShard(kernel, identity), PurposeOf("mailbox"))),
      scheduler_(*this, kernel.stacks()),
      mailboxes_(static_cast<size_t>(identity.shard_count)),
      busy_until_(kernel.Now()),
      round_now_(time.Mono(kernel.Now())) {
  REQUIRES(options.round_slices_max > 0);
  REQUIRES(options.slice_cost_min <= options.slice_cost_max);
  REQUIRES(identity.shard.value() < identity.shard_count);
  if (identity.shard_count == 1) peers_ = {this};
}

NodeShard::~NodeShard() {
  INVARIANT(scheduler_.fiber_count() == 0);
  kernel_.RemoveHandler(handler_);
}

void NodeShard::ConnectPeers(std::vector<NodeShard*> shards) {
  REQUIRES(shards.size() == mailboxes_.size());
  REQUIRES(shards[static_cast<size_t>(identity_.shard.value())] == this);
  peers_ = std::move(shards);
}

MonoTime NodeShard::Now() const {
  return round_open_ ? round_now_ : std::max(round_now_, time_.Mono(kernel_.Now()));
}

MonoTime NodeShard::Instant() const {
  return std::max(round_now_, time_.Mono(kernel_.Now()));
}

WallTime NodeShard::WallNow() const {
  return time_.Wall(kernel_.Now());
}

// What every slice goes through is inline, in the order in which it is used.
inline Place NodeShard::PlaceOf(const fiber::Fiber* fiber) const {
  Place place;
  place.node = identity_.node;
  place.shard = identity_.shard;
  if (fiber != nullptr) {
    place.fiber = fiber->id();
    place.fiber_name = fiber->name();
  }
  return place;
}

inline void NodeShard::Arrange() {
  if (in_event_ || is_paused_ || is_cut_off_) return;
  MonoTime wake = MonoTime::Never();
  if (has_work()) {
    wake = std::max(kernel_.Now(), busy_until_);
  } else if (!timers_.empty()) {
    wake = std::max({kernel_.Now(), busy_until_, time_.KernelTimeOf(timers_.earliest())});
  }
  if (wake == MonoTime::Never()) return;
  if (!wakes_.empty() && wake >= wakes_.back()) return;
  wakes_.push_back(wake);
  kernel_.Push(wake, handler_, {.kind = kWake, .arg = 0});
}

inline fiber::Fiber& NodeShard::TakeReady(size_t index) {
  REQUIRES(index < ready_count());
  if (ready_count() == 1) {
    fiber::Fiber& only = *ready_.back();
    ready_.clear();
    ready_head_ = 0;
    return only;
  }
  std::swap(ready_[ready_head_], ready_[ready_head_ + index]);
  fiber::Fiber& fiber = *ready_[ready_head_];
  ++ready_head_;
  if (ready_head_ >= 64 && ready_head_ * 2 >= ready_.size()) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_head_));
    ready_head_ = 0;
  }
  return fiber;
}

inline void NodeShard::RunFiber(fiber::Fiber& fiber) {
  kernel_.Fold(handler_.value(), fiber.id());
  kernel_.SetPlace(PlaceOf(&fiber));
  kernel_.Trace(TraceKind::kFiber, [&] { return fmt::format("runs, {} more ready", ready_count()); });
  scheduler_.Resume(fiber);
  kernel_.ClearPlace();
}

inline void NodeShard::EndRound() {
  REQUIRES(round_open_);
  if (!tasks_.empty()) {
    kernel_.SetPlace(PlaceOf(nullptr));
    // A task that a task registers belongs to the next round.
    const std::vector<env::RoundTask*> tasks = std::exchange(tasks_, {});
    for (env::RoundTask* task : tasks) task->OnRoundEnd();
    kernel_.Fold(handler_.value(), tasks.size());
    kernel_.ClearPlace();
  }
  round_open_ = false;
  slices_left_ = 0;
}

inline void NodeShard::RunSlice() {
  const size_t choice_count = ready_count() + (inbox_.empty() ? 0 : 1);
  if (choice_count > 0) {
    const size_t choice = choice_count > 1 ? ChooseReady(choice_count) : 0;
    const bool is_message = !inbox_.empty() && choice == 0;
    if (is_message) {
      absl::AnyInvocable<void()> message = std::move(inbox_.front());
      inbox_.pop_front();
      kernel_.SetPlace(PlaceOf(nullptr));
      message();
      kernel_.ClearPlace();
    } else {
      RunFiber(TakeReady(inbox_.empty() ? choice : choice - 1));
    }
    ++slice_count_;
    --slices_left_;
    busy_until_ = kernel_.Now() + cost_draws_.Between(options_.slice_cost_min, options_.slice_cost_max);
  }
  // Without tasks the end of a round has no effect, and needs no event of its own.
  if (!is_cut_off_ && !has_work()) EndRound();
}

inline void NodeShard::BeginRound() {
  round_now_ = std::max(round_now_, time_.Mono(kernel_.Now()));
  while (!timers_.empty() && timers_.earliest() <= round_now_) scheduler_.OnTimer(timers_.PopEarliest());
  if (!has_work()) return;
  round_open_ = true;
  slices_left_ = 1 + static_cast<uint32_t>(round_draws_.Below(options_.round_slices_max));
}

inline void NodeShard::OnWake() {
  // Woken for something that has gone meanwhile, or too early because the shard got busy after all.
  if (kernel_.Now() < busy_until_) return;
  if (round_open_ && (slices_left_ == 0 || (ready_count() == 0 && inbox_.empty()))) EndRound();
  if (!round_open_) BeginRound();
  if (round_open_) RunSlice();
}

void NodeShard::MakeReady(fiber::Fiber& fiber) {
  if (is_cut_off_) return;
  ready_.push_back(&fiber);
  if (!in_event_) Arrange();
}

fiber::TimerHandle NodeShard::ArmTimer(MonoTime at, fiber::Fiber& fiber) {
  REQUIRES(!is_cut_off_);
  const fiber::TimerHandle handle = timers_.Arm(at, fiber);
  Arrange();
  return handle;
}

void NodeShard::DisarmTimer(fiber::TimerHandle handle) {
  if (is_cut_off_) return;
  timers_.Disarm(handle);
}

void NodeShard::AtRoundEnd(env::RoundTask& task) {
  if (is_cut_off_) return;
  REQUIRES(std::find(tasks_.begin(), tasks_.end(), &task) == tasks_.end());
  tasks_.push_back(&task);
  Arrange();
}

void NodeShard::Post(ShardId to, absl::AnyInvocable<void()> message) {
  REQUIRES(to.value() >= 0 && to.value() < identity_.shard_count);
  REQUIRES(peers_.size() == mailboxes_.size());
  if (is_cut_off_) return;
  peers_[static_cast<size_t>(to.value())]->Accept(identity_.shard, std::move(message));
}

void NodeShard::Accept(ShardId from, absl::AnyInvocable<void()> message) {
  if (is_cut_off_) return;
  const bool is_slow = delay_draws_.PartsPerMillion(options_.slow_message_ppm);
  const Duration most = is_slow ? options_.slow_message_delay_max : options_.message_delay_max;
  const Duration delay = delay_draws_.Between(options_.message_delay_min, most);
  Mailbox& mailbox = mailboxes_[static_cast<size_t>(from.value())];
  const MonoTime arrival = std::max(kernel_.Now() + delay, mailbox.last_arrival + Duration::Nanos(1));
  mailbox.last_arrival = arrival;
  mailbox.messages.push_back(std::move(message));
  kernel_.Push(arrival, handler_, {.kind = kMessage, .arg = static_cast<uint64_t>(from.value())});
}

void NodeShard::OnEvent(const Event& event) {
  if (event.kind == kMessage) {
    if (is_cut_off_) return;
    Mailbox& mailbox = mailboxes_[event.arg];
    INVARIANT(!mailbox.messages.empty());
    inbox_.push_back(std::move(mailbox.messages.front()));
    mailbox.messages.pop_front();
    Arrange();
    return;
  }
  INVARIANT(!wakes_.empty());
  INVARIANT(wakes_.back() <= kernel_.Now());
  wakes_.pop_back();
  if (is_paused_ || is_cut_off_) return;
  in_event_ = true;
  OnWake();
  in_event_ = false;
  Arrange();
}

ChainId NodeShard::ChainOf(const Event& event) const {
  if (event.kind == kWake) return ChainOfHandler(handler_, kWakeChain);
  return ChainOfHandler(handler_, kFirstMailboxChain + static_cast<uint32_t>(event.arg));
}

// Choices: the message that came first, if there is one, then the fibers that are ready.
size_t NodeShard::ChooseReady(size_t choice_count) {
  if (kernel_.options().strategy == Strategy::kRandom) return order_draws_.Below(choice_count);
  PctPriorities* const priorities = kernel_.priorities();
  if (priorities == nullptr) return 0;
  const size_t message_count = inbox_.empty() ? 0 : 1;
  const auto chain_of = [&](size_t choice) {
    if (choice < message_count) return ChainOfHandler(handler_, kInboxChain);
    const uint64_t fiber = ready_[ready_head_ + choice - message_count]->id();
    return ChainOfHandler(handler_, kFirstFiberChain + static_cast<uint32_t>(fiber));
  };
  const auto highest = [&] {
    size_t best = 0;
    for (size_t i = 1; i < choice_count; ++i) {
      if (priorities->Of(chain_of(i)) > priorities->Of(chain_of(best))) best = i;
    }
    return best;
  };
  const size_t choice = highest();
  if (!priorities->is_change()) return choice;
  priorities->Lower(chain_of(choice));
  return highest();
}

void NodeShard::Pause() {
  is_paused_ = true;
}

void NodeShard::Resume() {
  if (!is_paused_) return;
  is_paused_ = false;
  // The process found itself later than it thought: an open round goes on with the time that it had.
  Arrange();
}

void NodeShard::CutOff() {
  if (is_cut_off_) return;
  is_cut_off_ = true;
  ready_.clear();
  ready_head_ = 0;
  timers_.Clear();
  tasks_.clear();
  inbox_.clear();
  for (Mailbox& mailbox : mailboxes_) mailbox.messages.clear();
  round_open_ = false;
}

void NodeShard::Kill() {
  REQUIRES(is_cut_off_);
  REQUIRES(scheduler_.current() == nullptr);
  const Place before = kernel_.place();
  kernel_.SetPlace(PlaceOf(nullptr));
  if (!scheduler_.is_dead()) scheduler_.KillAll();
  kernel_.SetPlace(before);
  const Holdings left = holdings();
  INVARIANT(left.fiber_count == 0);
  INVARIANT(left.timer_count == 0);
  INVARIANT(left.message_count == 0);
  INVARIANT(left.task_count == 0);
}

NodeShard::Holdings NodeShard::holdings() const {
  Holdings held;
  held.fiber_count = scheduler_.fiber_count();
  held.timer_count = timers_.size();
  held.message_count = inbox_.size();
  for (const Mailbox& mailbox : mailboxes_) held.message_count += mailbox.messages.size();
  held.task_count = tasks_.size();
  return held;
}

}  // namespace odradek::sim
