// Mutex, semaphore, event and channel for the fibers of one scheduler, all on WaitQueue. Waiters are served in the
// order in which they came. None of these synchronises threads.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/fiber/fiber.h"

namespace odradek::fiber {

// Mutual exclusion across suspensions. Handed to the waiters in the order in which they called Lock(), whatever order
// the scheduler runs them in; nobody overtakes.
// One that is free is three words: there are several in every partition.
class Mutex {
 public:
  Mutex() = default;
  // REQUIRES: nobody waits.
  ~Mutex() { INVARIANT(first_ == nullptr); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock(Fiber& self) { LockUntil(self, MonoTime::Never()); }
  // kTimeout: it is not locked by the caller.
  Wake LockUntil(Fiber& self, MonoTime deadline) {
    if (!locked_) {
      locked_ = true;
      return Wake::kSignalled;
    }
    Waiter waiter(*this);
    while (!waiter.owns) {
      // Handed over in the same moment as the time ran out: the caller has it.
      if (waiter.turn.WaitUntil(self, deadline) == Wake::kTimeout && !waiter.owns) return Wake::kTimeout;
    }
    waiter.took = true;
    return Wake::kSignalled;
  }
  // REQUIRES: locked.
  void Unlock() {
    REQUIRES(locked_);
    if (first_ == nullptr) {
      locked_ = false;
      return;
    }
    Waiter& next = *first_;
    Leave(next);
    next.owns = true;
    next.turn.WakeOne();
  }
  bool is_locked() const { return locked_; }

 private:
  // On the stack of the fiber that waits. One that is killed or gives up leaves the line, or passes on what it was just
  // given.
  struct Waiter {
    explicit Waiter(Mutex& m) : mutex(m), before(m.last_) {
      (before != nullptr ? before->behind : mutex.first_) = this;
      mutex.last_ = this;
    }
    ~Waiter() {
      if (took) return;
      if (owns) {
        mutex.Unlock();
      } else {
        mutex.Leave(*this);
      }
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Mutex& mutex;
    Waiter* before;
    Waiter* behind = nullptr;
    bool owns = false;
    bool took = false;
    WaitQueue turn;
  };

  void Leave(Waiter& waiter) {
    (waiter.before != nullptr ? waiter.before->behind : first_) = waiter.behind;
    (waiter.behind != nullptr ? waiter.behind->before : last_) = waiter.before;
  }

  bool locked_ = false;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

class MutexLock {
 public:
  MutexLock(Fiber& self, Mutex& mutex) : mutex_(mutex) { mutex_.Lock(self); }
  MutexLock(Fiber& self, Mutex& mutex, MonoTime deadline)
      : mutex_(mutex), owns_(mutex_.LockUntil(self, deadline) == Wake::kSignalled) {}
  ~MutexLock() {
    if (owns_) mutex_.Unlock();
  }
  // False: the deadline passed first.
  bool owns() const { return owns_; }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
  const bool owns_ = true;
};

// Counts units of a budget: memory, requests in flight.
class Semaphore {
 public:
  explicit Semaphore(int64_t units) : units_(units) {}
  // Waits until `units` are there or a taker before it has gone. A taker that asks for more than all waits for ever.
  void Acquire(Fiber& self, int64_t units) {
    while (units_ < units) changed_.Wait(self);
    units_ -= units;
  }
  bool TryAcquire(int64_t units) {
    if (units_ < units) return false;
    units_ -= units;
    return true;
  }
  // kTimeout: nothing was taken.
  Wake AcquireUntil(Fiber& self, int64_t units, MonoTime deadline) {
    while (units_ < units) {
      if (changed_.WaitUntil(self, deadline) == Wake::kTimeout) return Wake::kTimeout;
    }
    units_ -= units;
    return Wake::kSignalled;
  }
  void Release(int64_t units) {
    units_ += units;
    changed_.WakeAll();
  }
  int64_t available() const { return units_; }

 private:
  int64_t units_;
  WaitQueue changed_;
};

// Happens once and stays.
class Event {
 public:
  void Set() {
    set_ = true;
    waiters_.WakeAll();
  }
  bool is_set() const { return set_; }
  Wake WaitUntil(Fiber& self, MonoTime deadline) {
    while (!set_) {
      if (waiters_.WaitUntil(self, deadline) == Wake::kTimeout) return set_ ? Wake::kSignalled : Wake::kTimeout;
    }
    return Wake::kSignalled;
  }
  void Wait(Fiber& self) { WaitUntil(self, MonoTime::Never()); }

 private:
  bool set_ = false;
  WaitQueue waiters_;
};

// Values in order from any number of senders to any number of receivers. Capacity in values.
template <typename T>
class Channel {
 public:
  explicit Channel(size_t capacity) : capacity_(capacity) { REQUIRES(capacity > 0); }

  // Waits while the channel is full. False: it is closed and the value was dropped.
  bool Send(Fiber& self, T value) {
    while (!closed_ && values_.size() >= capacity_) not_full_.Wait(self);
    return TrySend(std::move(value));
  }
  // False: full or closed.
  bool TrySend(T value) {
    if (closed_ || values_.size() >= capacity_) return false;
    values_.push_back(std::move(value));
    not_empty_.WakeOne();
    return true;
  }
  // nullopt: closed and empty.
  std::optional<T> Receive(Fiber& self) { return ReceiveUntil(self, MonoTime::Never()); }
  // nullopt: closed and empty, or the deadline passed.
  std::optional<T> ReceiveUntil(Fiber& self, MonoTime deadline) {
    while (values_.empty()) {
      if (closed_) return std::nullopt;
      if (not_empty_.WaitUntil(self, deadline) == Wake::kTimeout && values_.empty()) return std::nullopt;
    }
    T value = std::move(values_.front());
    values_.pop_front();
    not_full_.WakeOne();
    // A second value may have come while this receiver was on its way: pass the wake-up on.
    if (!values_.empty()) not_empty_.WakeOne();
    return value;
  }
  // Receivers still get what is queued.
  void Close() {
    closed_ = true;
    not_empty_.WakeAll();
    not_full_.WakeAll();
  }
  bool is_closed() const { return closed_; }
  size_t size() const { return values_.size(); }

 private:
  const size_t capacity_;
  bool closed_ = false;
  std::deque<T> values_;
  WaitQueue not_empty_;
  WaitQueue not_full_;
};

}  // namespace odradek::fiber
