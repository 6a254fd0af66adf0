// Everything outside that an engine object may reach: it knows nothing else of its world. One Env per shard of a node.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "engine/base/context.h"
#include "engine/base/time.h"
#include "engine/env/disk.h"
#include "engine/env/network.h"
#include "engine/env/observer.h"
#include "engine/fiber/fiber.h"

namespace odradek::env {

class Clock {
 public:
  virtual ~Clock() = default;
  // The instant of the current round (see Rounds).
  virtual MonoTime Now() const = 0;
  // The instant of this call, within the round: to measure with, never to decide by. Not before Now().
  virtual MonoTime Instant() const = 0;
  // What the node's wall clock shows; may jump.
  virtual WallTime WallNow() const = 0;
};

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t Next64() = 0;
};

class Process {
 public:
  virtual ~Process() = default;
  // The node cannot go on: it dies here, with its page cache intact. In the simulator a node's death, not the run's.
  [[noreturn]] virtual void Fatal(fiber::Fiber& self, std::string_view reason) = 0;
};

// CPU-heavy work off the shard.
class Offload {
 public:
  virtual ~Offload() = default;
  // Returns when `work` has run, perhaps on another thread: it must touch only what it owns and must not suspend.
  virtual void Run(fiber::Fiber& self, absl::AnyInvocable<void()> work) = 0;
};

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::string value;
};

// Structured log lines for people.
class Log {
 public:
  virtual ~Log() = default;
  // `component` is the folder ("storage"), `message` a literal; what varies goes into the fields.
  virtual void Write(LogLevel level, std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields) = 0;
};

class RoundTask {
 public:
  virtual ~RoundTask() = default;
  // Must not suspend.
  virtual void OnRoundEnd() = 0;
};

// A round is a batch of ready events that the loop handles before it looks outside again. The simulator draws how many
// events make a round.
class Rounds {
 public:
  virtual ~Rounds() = default;
  // Calls task.OnRoundEnd() once at the end of the current round. REQUIRES: not pending already, alive until then.
  virtual void AtRoundEnd(RoundTask& task) = 0;
};

// The other shards of this node.
class Shards {
 public:
  virtual ~Shards() = default;
  virtual ShardId self() const = 0;
  virtual int32_t count() const = 0;
  // Runs `message` on the shard's loop, outside of any fiber; FIFO for each ordered pair of shards.
  virtual void Post(ShardId to, absl::AnyInvocable<void()> message) = 0;
};

struct Env {
  fiber::Scheduler& scheduler;
  Clock& clock;
  Disk& disk;
  Network& network;
  Entropy& entropy;
  Process& process;
  Offload& offload;
  Rounds& rounds;
  Shards& shards;
  Log& log;
  Observer& observer;
  base::Context& context;
};

}  // namespace odradek::env
