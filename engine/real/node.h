// A node on the operating system: 1..N shards, each a reactor with its own env, and what they share (helper threads,
// log). Owned by the program's main function.
//
// Life: construct; spawn the first fibers with env(shard).scheduler; Run until Stop; Kill (or the destructor) cuts I/O
// off and unwinds what is left. Construct and WatchSignals before any other thread starts. Files, connections and
// listeners of the node must be destroyed before the node is.
//
// Exit status of the process: 70 when the engine called Process::Fatal; a failed assertion aborts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/env/env.h"
#include "engine/real/counters.h"
#include "engine/real/counting_observer.h"
#include "engine/real/helper_pool.h"
#include "engine/real/log.h"
#include "engine/real/reactor.h"

namespace odradek::real {

// EX_SOFTWARE of sysexits.h: the node cannot go on; the reason is the last line of the log.
inline constexpr int kFatalExitStatus = 70;

class RealNode {
 public:
  struct Options {
    int32_t shard_count = 1;
    // Paths of env::Disk are below it; "": the working directory.
    std::string disk_root;
    LogOptions log;
    Reactor::Options reactor;
    // Syncs and cold reads wait for the device, not for the CPU.
    int32_t io_threads_max = 4;
    int32_t cpu_threads_max = 1;
    // One per shard, or none: then a LoggingObserver listens (counts()). They outlive the node.
    std::vector<env::Observer*> observers;
  };

  RealNode() : RealNode(Options{}) {}
  explicit RealNode(Options options);
  ~RealNode();
  RealNode(const RealNode&) = delete;
  RealNode& operator=(const RealNode&) = delete;

  env::Env& env(ShardId shard = ShardId(0));
  int32_t shard_count() const { return static_cast<int32_t>(shards_.size()); }

  // Runs shard 0 on this thread and the others on threads of their own until Stop.
  void Run();
  // From any thread and from a signal handler.
  void Stop();
  // The given signals no longer end the process: `callback` gets their numbers on the loop of shard 0.
  void WatchSignals(const std::vector<int>& signal_numbers, absl::AnyInvocable<void(int)> callback);
  // Unwinds every fiber of every shard. REQUIRES: Run has returned. Nothing runs afterwards.
  void Kill();

  const CountingObserver& counts(ShardId shard = ShardId(0)) const;
  const Counters& counters(ShardId shard = ShardId(0)) const;

 private:
  struct Shard;
  struct SignalSource;
  Shard& At(ShardId shard) const;

  const Options options_;
  RealLog log_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<SignalSource> signals_;
  // Destroyed first: helpers post to the shards' reactors.
  HelperPool io_helpers_;
  HelperPool cpu_helpers_;
  HelperPool resolvers_;
};

}  // namespace odradek::real
