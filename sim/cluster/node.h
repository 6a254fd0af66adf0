// A machine of the simulated world: disk, clocks and a place in the network outlive the processes that it runs one
// after the other. Owned by the cluster. Nothing here suspends.
//
// Invariants:
//  1. A death goes: cut off shards, network and disk; unwind the fibers of all shards; destroy the instance; then
//     nothing of the process is left (fibers, timers, messages, connections, listeners, files, locks), which is
//     asserted.
//  2. Everything that ends a process is called outside of its fibers; from inside use Kernel::AfterEvent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/clock/node_clock.h"
#include "sim/cluster/program.h"
#include "sim/kernel/absent.h"
#include "sim/kernel/node_disk.h"
#include "sim/kernel/shard_env.h"
#include "sim/network/network.h"

namespace odradek::sim {

enum class LifeKind : uint8_t {
  kBooted,
  kCrashed,  // the process died, its machine did not
  kPowerLost,
  kFatal,   // the process ended itself by Process::Fatal
  kExited,  // the process ended by itself after RequestShutdown
  kPaused,
  kResumed,
  kWiped,
};
std::string_view ToString(LifeKind kind);

struct LifeEvent {
  MonoTime at;
  NodeIndex node = kNoNodeIndex;
  LifeKind kind = LifeKind::kBooted;
  std::string reason = {};  // of kFatal
};

// What a cluster tells: monitors, the history and the trace read it from here. Must not call the cluster back.
class ClusterObserver {
 public:
  virtual ~ClusterObserver() = default;
  virtual void OnLife(const LifeEvent&) {}
  // From the engine of a running process. Views are valid during the call.
  virtual void OnObservation(NodeIndex, ShardId, const env::Observation&) {}
};

struct NodeOptions {
  std::string name;
  // What selectors of fault plans call it: "broker", "client".
  std::string role = "broker";
  // By which others reach it, besides its own name.
  std::vector<std::string> host_names = {};
  int32_t shard_count = 1;
  ShardOptions shard = {};
  NodeClock::Options clock = {};
  // Makes the node's disk; none if empty.
  std::function<std::unique_ptr<NodeDisk>(Kernel&, NodeIndex)> disk = nullptr;
  // A supervisor starts the process again after a Fatal.
  std::optional<Duration> restart_after_fatal = std::nullopt;
};

class Node {
 public:
  enum class State : uint8_t { kOff, kRunning, kPaused };

  // What all nodes of a cluster share.
  struct World {
    Kernel& kernel;
    SimNetwork& network;
    RunContext& context;
    NodeHost& host;
    std::function<ClusterObserver*()> observer;
  };

  Node(const World& world, NodeOptions options, Program program);
  // REQUIRES: off.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const { return options_.name; }
  const std::string& role() const { return options_.role; }
  NodeIndex index() const { return index_; }
  State state() const { return state_; }
  bool is_up() const { return state_ != State::kOff; }
  // Counts boots.
  uint64_t incarnation() const { return incarnation_; }
  const NodeOptions& options() const { return options_; }
  NodeClock& clock() { return clock_; }
  // nullptr: the node has none.
  NodeDisk* disk() { return disk_.get(); }
  // nullptr while the node is off.
  ProgramInstance* instance() { return instance_.get(); }
  env::Env& env(ShardId shard);

  // REQUIRES: off.
  void Boot();
  // A later call replaces the earlier one; Boot and another death cancel it.
  void BootAfter(Duration delay);
  // REQUIRES: up.
  void Crash() { Die(LifeKind::kCrashed, {}); }
  // Of the machine, whether a process runs or not. A boot that is planned stays planned if none runs.
  void PowerLoss();
  struct Shutdown {
    // The process is killed if it is still there after this.
    Duration patience = {};
    // Then the machine stays off, or boots again.
    std::optional<Duration> restart_after = std::nullopt;
  };
  // Asks the process to end. REQUIRES: up.
  void ShutDown(const Shutdown& shutdown);
  // Stop-the-world, or the machine's suspension: the clock goes on. REQUIRES: running; paused.
  void Pause();
  void Resume();
  // An empty disk. REQUIRES: off.
  void Wipe();
  // The next boots run this instead.
  void SetProgram(Program program) { program_ = std::move(program); }

  void StepWall(Duration step);
  void SetDrift(Drift drift);

  // For the cluster.
  void OnFatal(const std::string& reason);

 private:
  class ShardObserver;

  void Die(LifeKind kind, const std::string& reason);
  void CheckNothingIsLeft();
  struct ShutdownWatch {
    MonoTime deadline;
    uint64_t incarnation = 0;
    std::optional<Duration> restart_after;
  };
  void PollShutdown(const ShutdownWatch& watch);
  void Tell(LifeKind kind, const std::string& reason);

  const World world_;
  const NodeOptions options_;
  Program program_;
  const NodeIndex index_;
  env::Network& network_;
  NodeClock clock_;
  NoDisk no_disk_;
  std::unique_ptr<NodeDisk> disk_;
  State state_ = State::kOff;
  bool power_was_lost_ = false;
  uint64_t incarnation_ = 0;
  ControlId boot_ = ControlId::kNone;
  std::vector<std::unique_ptr<ShardObserver>> observers_;
  std::vector<std::unique_ptr<ShardEnv>> envs_;
  std::unique_ptr<ProgramInstance> instance_;
};

}  // namespace odradek::sim
