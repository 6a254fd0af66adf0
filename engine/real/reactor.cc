#include "engine/real/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

// One epoll_wait takes at most this many; the rest comes with the next round.
constexpr int kEventsPerRoundMax = 256;
// How many fibers run between two looks at the clock.
constexpr int32_t kSlicesPerClockRead = 16;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t ReadClockNanos(clockid_t clock) {
  timespec now{};
  INVARIANT(clock_gettime(clock, &now) == 0);
  return now.tv_sec * kNanosPerSecond + now.tv_nsec;
}

// Kernels before 5.11 have no epoll_pwait2: whole milliseconds, rounded up.
int EpollWaitMillis(int epoll, epoll_event* events, const timespec* timeout) {
  constexpr int64_t kMillisMax = 1'000'000;
  int64_t millis = -1;
  if (timeout != nullptr) {
    millis = timeout->tv_sec >= kMillisMax / 1000 ? kMillisMax
                                                  : timeout->tv_sec * 1000 + (timeout->tv_nsec + 999'999) / 1'000'000;
  }
  return epoll_wait(epoll, events, kEventsPerRoundMax, static_cast<int>(millis));
}

int EpollWait(int epoll, epoll_event* events, const timespec* timeout) {
  const int count = epoll_pwait2(epoll, events, kEventsPerRoundMax, timeout, nullptr);
  if (count < 0 && errno == ENOSYS) return EpollWaitMillis(epoll, events, timeout);
  return count;
}

}  // namespace

MonoTime ReadMonotonicClock() {
  return MonoTime::FromNanos(ReadClockNanos(CLOCK_MONOTONIC));
}

Reactor::Reactor(Options options)
    : options_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      scheduler_(*this, stacks_) {
  REQUIRES(options_.slices_per_round_max > 0);
  INVARIANT(epoll_.valid());
  INVARIANT(wake_up_.valid());
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // every write is an edge, so that the counter need not be read
  event.data.ptr = nullptr;
  INVARIANT(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_up_.get(), &event) == 0);
  ReadClocks();
}

Reactor::~Reactor() {
  Kill();
}

int Reactor::Watch(int fd, EventSource& source, uint32_t epoll_events) {
  epoll_event event{};
  event.events = epoll_events | EPOLLET;
  event.data.ptr = &source;
  ++counters_.epoll_controls;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int Reactor::WatchInstead(int fd, EventSource& source, uint32_t epoll_events) {
  epoll_event event{};
  event.events = epoll_events | EPOLLET;
  event.data.ptr = &source;
  ++counters_.epoll_controls;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void Reactor::Post(absl::AnyInvocable<void()> message) {
  bool was_empty = false;
  {
    const std::lock_guard<std::mutex> lock(posts_mutex_);
    was_empty = posts_.empty();
    posts_.push_back(std::move(message));
  }
  if (!was_empty) return;  // the write of the first one is still unanswered
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_up_.get(), &one, sizeof(one));
}

void Reactor::Stop() {
  stop_.store(true, std::memory_order_release);
  const int saved_errno = errno;  // a signal handler must leave it alone
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_up_.get(), &one, sizeof(one));
  errno = saved_errno;
}

void Reactor::Run() {
  REQUIRES(!scheduler_.is_dead());
  while (!stop_.load(std::memory_order_acquire)) {
    WaitForEvents();
    const MonoTime began = now_;
    RunPosts();
    FireTimers();
    RunReady(began);
    RunRoundTasks();
    RunReady(began);  // what these woke, to send answers, does not wait for a look at the sockets
    ++counters_.rounds;
    counters_.RoundTook((ReadMonotonicClock() - began).nanos());
  }
  stop_.store(false, std::memory_order_release);
}

void Reactor::WaitForEvents() {
  std::array<epoll_event, kEventsPerRoundMax> events;
  timespec timeout{};
  const timespec* wait = &timeout;
  if (ready_.empty() && round_tasks_.empty()) {
    const MonoTime next = timers_.Next();
    if (next == MonoTime::Never()) {
      wait = nullptr;
    } else if (const int64_t nanos = (next - ReadMonotonicClock()).nanos(); nanos > 0) {
      timeout.tv_sec = nanos / kNanosPerSecond;
      timeout.tv_nsec = nanos % kNanosPerSecond;
    }
  }
  ++counters_.epoll_waits;
  const int count = EpollWait(epoll_.get(), events.data(), wait);
  INVARIANT(count >= 0 || errno == EINTR);
  ReadClocks();
  for (int i = 0; i < count; ++i) {
    auto* source = static_cast<EventSource*>(events[static_cast<size_t>(i)].data.ptr);
    if (source == nullptr) continue;  // our own wake-up
    ++counters_.events;
    source->OnEvents(events[static_cast<size_t>(i)].events);
  }
}

MonoTime Reactor::Instant() const {
  return ReadMonotonicClock();
}

void Reactor::ReadClocks() {
  now_ = ReadMonotonicClock();
  wall_now_ = WallTime::FromUnixNanos(ReadClockNanos(CLOCK_REALTIME));
}

void Reactor::RunPosts() {
  std::vector<absl::AnyInvocable<void()>> posts;
  {
    const std::lock_guard<std::mutex> lock(posts_mutex_);
    posts.swap(posts_);
  }
  counters_.posts += posts.size();
  for (auto& post : posts) post();
}

void Reactor::FireTimers() {
  while (fiber::Fiber* fiber = timers_.PopDue(now_)) {
    ++counters_.timers_fired;
    fiber->scheduler().OnTimer(*fiber);
  }
}

void Reactor::RunReady(MonoTime began) {
  int32_t slices = 0;
  while (!ready_.empty()) {
    const bool ran_long = slices % kSlicesPerClockRead == kSlicesPerClockRead - 1 &&
                          ReadMonotonicClock() - began > options_.round_time_max;
    if (ran_long || slices >= options_.slices_per_round_max) {
      ++counters_.rounds_cut_short;
      break;
    }
    fiber::Fiber* fiber = ready_.front();
    ready_.pop_front();
    fiber->scheduler().Resume(*fiber);
    ++slices;
  }
  counters_.slices += static_cast<uint64_t>(slices);
}

void Reactor::RunRoundTasks() {
  // A task that is added by a task belongs to the next round.
  round_tasks_running_.swap(round_tasks_);
  for (env::RoundTask* task : round_tasks_running_) task->OnRoundEnd();
  round_tasks_running_.clear();
}

void Reactor::Kill() {
  ready_.clear();
  timers_.Clear();
  round_tasks_.clear();
  std::vector<absl::AnyInvocable<void()>> posts;
  {
    const std::lock_guard<std::mutex> lock(posts_mutex_);
    posts.swap(posts_);
  }
  posts.clear();
  scheduler_.KillAll();
  round_tasks_.clear();
}

}  // namespace odradek::real
