#include "engine/real/helper_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

// Signals are for the shards' threads: a helper starts with all of them blocked.
std::thread StartWithSignalsBlocked(absl::AnyInvocable<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  INVARIANT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  std::thread thread(std::move(body));
  INVARIANT(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  return thread;
}

}  // namespace

struct HelperPool::Task {
  enum class Stage : uint8_t { kQueued, kRunning, kDone };
  absl::AnyInvocable<void()> work;
  absl::AnyInvocable<void()> on_done;  // on the helper; empty: nobody waits
  Stage stage = Stage::kQueued;        // guarded by State::mutex
  // Only the shard's thread touches these.
  bool finished = false;
  fiber::WaitQueue* waiter = nullptr;
};

struct HelperPool::State {
  std::mutex mutex;
  std::condition_variable work_came;
  std::condition_variable task_done;
  std::deque<std::shared_ptr<Task>> queue;
  std::vector<std::thread> threads;
  int32_t idle_count = 0;
  bool ending = false;
};

HelperPool::HelperPool(Options options) : options_(options), state_(std::make_shared<State>()) {
  REQUIRES(options_.threads_max > 0);
}

HelperPool::~HelperPool() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->ending = true;
    state_->queue.clear();
    threads.swap(state_->threads);
  }
  state_->work_came.notify_all();
  for (std::thread& thread : threads) {
    if (options_.at_end == AtEnd::kWait) {
      thread.join();
    } else {
      thread.detach();
    }
  }
}

void HelperPool::Loop(const std::shared_ptr<State>& state) {
  std::unique_lock<std::mutex> lock(state->mutex);
  while (!state->ending) {
    if (state->queue.empty()) {
      ++state->idle_count;
      state->work_came.wait(lock);
      --state->idle_count;
      continue;
    }
    std::shared_ptr<Task> task = std::move(state->queue.front());
    state->queue.pop_front();
    task->stage = Task::Stage::kRunning;
    lock.unlock();
    task->work();
    lock.lock();
    task->stage = Task::Stage::kDone;
    // Under the lock: once the destructor has set `ending`, the reactor may be gone.
    if (task->on_done && !state->ending) task->on_done();
    state->task_done.notify_all();
  }
}

void HelperPool::Submit(std::shared_ptr<Task> task) {
  bool start = false;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->queue.push_back(std::move(task));
    start = state_->queue.size() > static_cast<size_t>(state_->idle_count) &&
            state_->threads.size() < static_cast<size_t>(options_.threads_max);
    if (start) {
      state_->threads.push_back(StartWithSignalsBlocked([state = state_] { Loop(state); }));
    }
  }
  if (!start) state_->work_came.notify_one();
}

void HelperPool::Reap(Task& task) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (task.stage == Task::Stage::kQueued) {
    std::erase_if(state_->queue, [&task](const std::shared_ptr<Task>& queued) { return queued.get() == &task; });
    task.stage = Task::Stage::kDone;
  }
  while (task.stage != Task::Stage::kDone) state_->task_done.wait(lock);
}

std::shared_ptr<HelperPool::Task> HelperPool::Start(Reactor& reactor, absl::AnyInvocable<void()> work,
                                                    fiber::WaitQueue& done) {
  auto task = std::make_shared<Task>();
  task->work = std::move(work);
  task->waiter = &done;
  task->on_done = [&reactor, weak = std::weak_ptr<Task>(task)]() {
    reactor.Post([task = weak.lock()] {
      task->finished = true;
      if (task->waiter != nullptr) task->waiter->WakeAll();
    });
  };
  ++reactor.counters().off_shard_calls;
  Submit(task);
  return task;
}

void HelperPool::Run(fiber::Fiber& self, Reactor& reactor, absl::AnyInvocable<void()> work) {
  LeaveIfKilled(self);
  fiber::WaitQueue done;
  const std::shared_ptr<Task> task = Start(reactor, std::move(work), done);
  // The work uses the caller's stack: when Killed passes here, it must have ended first.
  struct ReapOnExit {
    HelperPool& pool;
    Task& task;
    ~ReapOnExit() {
      task.waiter = nullptr;
      if (!task.finished) pool.Reap(task);
    }
  };
  const ReapOnExit reap{*this, *task};
  while (!task->finished) done.Wait(self);
}

fiber::Wake HelperPool::RunOwned(fiber::Fiber& self, Reactor& reactor, absl::AnyInvocable<void()> work,
                                 MonoTime deadline) {
  LeaveIfKilled(self);
  fiber::WaitQueue done;
  const std::shared_ptr<Task> task = Start(reactor, std::move(work), done);
  struct LeaveOnExit {
    Task& task;
    ~LeaveOnExit() { task.waiter = nullptr; }
  };
  const LeaveOnExit leave{*task};
  while (!task->finished) {
    if (done.WaitUntil(self, deadline) == fiber::Wake::kTimeout && !task->finished) return fiber::Wake::kTimeout;
  }
  return fiber::Wake::kSignalled;
}

void HelperPool::RunDetached(absl::AnyInvocable<void()> work) {
  auto task = std::make_shared<Task>();
  task->work = std::move(work);
  Submit(std::move(task));
}

}  // namespace odradek::real
