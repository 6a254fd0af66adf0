// A world for tests of networked code that needs no simulator: a fifo loop, virtual time that moves when nothing is
// ready, rounds that end when nothing is ready, and byte streams inside the process. Everything is deterministic.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "sim/kernel/absent.h"

namespace odradek::net::testing {

class FakeLoop final : public fiber::Executor, public env::Clock, public env::Rounds {
 public:
  MonoTime Now() const override { return now_; }
  MonoTime Instant() const override { return now_; }
  WallTime WallNow() const override { return WallTime::FromUnixMillis(1700000000000) + (now_ - MonoTime()); }
  void MakeReady(fiber::Fiber& fiber) override { ready_.push_back(&fiber); }
  fiber::TimerHandle ArmTimer(MonoTime at, fiber::Fiber& fiber) override {
    const auto handle = static_cast<fiber::TimerHandle>(++last_timer_);
    timers_.emplace(std::pair(at, handle), &fiber);
    due_.emplace(handle, at);
    return handle;
  }
  void DisarmTimer(fiber::TimerHandle handle) override {
    timers_.erase({due_.at(handle), handle});
    due_.erase(handle);
  }
  void AtRoundEnd(env::RoundTask& task) override { round_tasks_.push_back(&task); }

  // Until `limit`, or until nothing can happen any more.
  void RunUntil(fiber::Scheduler& scheduler, MonoTime limit) {
    while (true) {
      if (!ready_.empty()) {
        fiber::Fiber* fiber = ready_.front();
        ready_.pop_front();
        scheduler.Resume(*fiber);
      } else if (!round_tasks_.empty()) {
        for (env::RoundTask* task : std::exchange(round_tasks_, {})) task->OnRoundEnd();
      } else if (!timers_.empty() && timers_.begin()->first.first <= limit) {
        FireFirstTimer(scheduler);
      } else {
        break;
      }
    }
    if (limit != MonoTime::Never()) now_ = std::max(now_, limit);
  }
  void Kill(fiber::Scheduler& scheduler) {
    ready_.clear();
    timers_.clear();
    due_.clear();
    round_tasks_.clear();
    scheduler.KillAll();
    round_tasks_.clear();
  }

 private:
  void FireFirstTimer(fiber::Scheduler& scheduler) {
    const auto first = timers_.begin();
    now_ = std::max(now_, first->first.first);
    fiber::Fiber* fiber = first->second;
    due_.erase(first->first.second);
    timers_.erase(first);
    scheduler.OnTimer(*fiber);
  }

  MonoTime now_ = MonoTime::FromNanos(1000000000);
  std::deque<fiber::Fiber*> ready_;
  std::vector<env::RoundTask*> round_tasks_;
  uint64_t last_timer_ = 0;
  std::map<std::pair<MonoTime, fiber::TimerHandle>, fiber::Fiber*> timers_;
  std::map<fiber::TimerHandle, MonoTime> due_;
};

// One direction of a stream.
struct Pipe {
  std::deque<std::byte> bytes;
  size_t capacity_bytes = size_t{1} << 20;
  size_t read_bytes_max = size_t{1} << 20;  // of one ReadSome
  bool ended = false;
  bool reset = false;
  bool reader_gone = false;
  fiber::WaitQueue changed;
};

class FakeConnection final : public env::Connection {
 public:
  FakeConnection(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, env::Address peer)
      : in_(std::move(in)), out_(std::move(out)), peer_(std::move(peer)) {}
  ~FakeConnection() override { Close(); }

  env::ReadResult ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) override {
    const std::shared_ptr<Pipe> in = in_;
    while (!closed_ && !in->reset && in->bytes.empty() && !in->ended) in->changed.Wait(self);
    if (closed_) return {0, env::NetError::kClosed};
    if (in->reset) return {0, env::NetError::kReset};
    if (in->bytes.empty()) return {0, env::NetError::kEnd};
    int64_t done_bytes = 0;
    for (const MutableBytes part : into) {
      for (size_t i = 0; i < part.size() && !in->bytes.empty() && done_bytes < static_cast<int64_t>(in->read_bytes_max);
           ++i) {
        part[i] = in->bytes.front();
        in->bytes.pop_front();
        ++done_bytes;
      }
    }
    in->changed.WakeAll();
    return {done_bytes, env::NetError::kNone};
  }

  env::NetError Send(fiber::Fiber& self, std::span<const env::Part> parts) override {
    const std::shared_ptr<Pipe> out = out_;
    ++send_count;
    for (const env::Part& part : parts) {
      const Bytes bytes = std::get<Bytes>(part);
      size_t sent_bytes = 0;
      while (sent_bytes < bytes.size()) {
        if (closed_) return env::NetError::kClosed;
        if (out->reset || out->reader_gone) return env::NetError::kReset;
        const size_t room_bytes = out->capacity_bytes - std::min(out->capacity_bytes, out->bytes.size());
        const size_t now_bytes = std::min(room_bytes, bytes.size() - sent_bytes);
        if (now_bytes == 0) {
          out->changed.Wait(self);
          continue;
        }
        const Bytes chunk = bytes.subspan(sent_bytes, now_bytes);
        out->bytes.insert(out->bytes.end(), chunk.begin(), chunk.end());
        sent_bytes += now_bytes;
        out->changed.WakeAll();
      }
    }
    return env::NetError::kNone;
  }

  void ShutdownSend() override {
    out_->ended = true;
    out_->changed.WakeAll();
  }
  void Close() override {
    if (std::exchange(closed_, true)) return;
    out_->ended = true;
    in_->reader_gone = true;
    out_->changed.WakeAll();
    in_->changed.WakeAll();
  }
  // Breaks both directions, losing what is on the way.
  void Reset() {
    in_->reset = true;
    out_->reset = true;
    in_->changed.WakeAll();
    out_->changed.WakeAll();
  }
  const env::Address& peer() const override { return peer_; }
  Pipe& in() { return *in_; }
  Pipe& out() { return *out_; }

  int64_t send_count = 0;

 private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  env::Address peer_;
  bool closed_ = false;
};

struct ConnectionPair {
  std::unique_ptr<FakeConnection> client;
  std::unique_ptr<FakeConnection> server;
};

inline ConnectionPair MakePair(const env::Address& server_address) {
  auto up = std::make_shared<Pipe>();
  auto down = std::make_shared<Pipe>();
  return {std::make_unique<FakeConnection>(down, up, server_address),
          std::make_unique<FakeConnection>(up, down, env::Address{"client", 1})};
}

class FakeListener;

class FakeNetwork final : public env::Network {
 public:
  env::ListenResult Listen(fiber::Fiber& self, const env::Address& address) override;
  env::ConnectionResult Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) override;

  std::map<env::Address, FakeListener*> listeners;
  std::set<env::Address> silent;  // a connect there is never answered
  int64_t connect_count = 0;
};

class FakeListener final : public env::Listener {
 public:
  FakeListener(FakeNetwork& network, env::Address address) : network_(network), address_(std::move(address)) {
    network_.listeners[address_] = this;
  }
  ~FakeListener() override { Close(); }
  env::ConnectionResult Accept(fiber::Fiber& self) override {
    while (waiting.empty() && !closed_) changed.Wait(self);
    if (closed_) return {nullptr, env::NetError::kClosed};
    auto connection = std::move(waiting.front());
    waiting.pop_front();
    return {std::move(connection), env::NetError::kNone};
  }
  const env::Address& address() const override { return address_; }
  void Close() override {
    if (std::exchange(closed_, true)) return;
    network_.listeners.erase(address_);
    changed.WakeAll();
  }

  std::deque<std::unique_ptr<FakeConnection>> waiting;
  fiber::WaitQueue changed;

 private:
  FakeNetwork& network_;
  env::Address address_;
  bool closed_ = false;
};

inline env::ListenResult FakeNetwork::Listen(fiber::Fiber&, const env::Address& address) {
  if (listeners.contains(address)) return {nullptr, env::NetError::kAddressInUse};
  return {std::make_unique<FakeListener>(*this, address), env::NetError::kNone};
}

inline env::ConnectionResult FakeNetwork::Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) {
  ++connect_count;
  if (silent.contains(address)) {
    fiber::SleepUntil(self, deadline);
    return {nullptr, env::NetError::kTimedOut};
  }
  fiber::Yield(self);
  const auto found = listeners.find(address);
  if (found == listeners.end()) return {nullptr, env::NetError::kRefused};
  ConnectionPair pair = MakePair(address);
  found->second->waiting.push_back(std::move(pair.server));
  found->second->changed.WakeOne();
  return {std::move(pair.client), env::NetError::kNone};
}

class FakeEntropy final : public env::Entropy {
 public:
  uint64_t Next64() override { return prng_.Next(); }

 private:
  base::Prng prng_{7};
};

class FakeProcess final : public env::Process {
 public:
  [[noreturn]] void Fatal(fiber::Fiber&, std::string_view) override {
    INVARIANT(!"the code under test called Fatal");
    __builtin_unreachable();
  }
};

class FakeOffload final : public env::Offload {
 public:
  void Run(fiber::Fiber&, absl::AnyInvocable<void()> work) override { work(); }
};

class FakeLog final : public env::Log {
 public:
  void Write(env::LogLevel, std::string_view, std::string_view message, std::initializer_list<env::LogField>) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

class FakeShards final : public env::Shards {
 public:
  ShardId self() const override { return ShardId(0); }
  int32_t count() const override { return 1; }
  void Post(ShardId, absl::AnyInvocable<void()>) override { INVARIANT(!"one shard has nobody to post to"); }
};

class FakeObserver final : public env::Observer {
 public:
  void On(const env::Observation&) override {}
};

// Mutations that a test switches on; they act only in the `mutations` build.
class FakeContext final : public base::Context {
 public:
  void Reached(std::string_view name) override { reached.emplace(name); }
  bool Buggify(std::string_view) override { return false; }
  bool HasMutation(base::Mutation mutation) const override { return mutations.contains(mutation); }

  std::set<std::string> reached;
  std::set<base::Mutation> mutations;
};

struct FakeWorld {
  ~FakeWorld() { loop.Kill(scheduler); }

  void Run() { loop.RunUntil(scheduler, MonoTime::Never()); }
  void RunFor(Duration duration) { loop.RunUntil(scheduler, loop.Now() + duration); }

  fiber::StackPool stacks;
  FakeLoop loop;
  fiber::Scheduler scheduler{loop, stacks};
  sim::NoDisk disk;  // the code under test must not ask
  FakeNetwork network;
  FakeEntropy entropy;
  FakeProcess process;
  FakeOffload offload;
  FakeShards shards;
  FakeLog log;
  FakeObserver observer;
  FakeContext context;
  env::Env env{scheduler, loop, disk, network, entropy, process, offload, loop, shards, log, observer, context};
};

}  // namespace odradek::net::testing
