// The env of one shard of a simulated node, complete: a NodeShard with entropy, process, offload, log and context
// around the disk, network and observer that are given to it. Owned by whoever runs the node, from boot to death.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/env/env.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/run_context.h"
#include "sim/kernel/shard.h"

namespace odradek::sim {

// Keyed draws of one node; a dead node draws nothing.
class ShardEntropy final : public env::Entropy {
 public:
  ShardEntropy(Kernel& kernel, const NodeShard& shard);
  uint64_t Next64() override;

 private:
  DrawStream& draws_;
  const NodeShard& shard_;
};

// Whoever can end a node.
class NodeHost {
 public:
  // A fiber of the node called Process::Fatal and will never go on. Called outside of any fiber, after the slice.
  virtual void OnFatal(NodeIndex node, const std::string& reason) = 0;

 protected:
  ~NodeHost() = default;
};

class ShardProcess final : public env::Process {
 public:
  ShardProcess(Kernel& kernel, NodeHost& host, const NodeShard& shard) : kernel_(kernel), host_(host), shard_(shard) {}
  [[noreturn]] void Fatal(fiber::Fiber& self, std::string_view reason) override;

 private:
  Kernel& kernel_;
  NodeHost& host_;
  const NodeShard& shard_;
  fiber::WaitQueue nobody_wakes_;
};

// Runs the work in the simulator's thread, before or after the virtual time that it is charged.
class ShardOffload final : public env::Offload {
 public:
  ShardOffload(Kernel& kernel, const NodeShard& shard);
  void Run(fiber::Fiber& self, absl::AnyInvocable<void()> work) override;

 private:
  DrawStream& draws_;
};

// Into the trace and the history.
class ShardLog final : public env::Log {
 public:
  explicit ShardLog(Kernel& kernel) : kernel_(kernel) {}
  void Write(env::LogLevel level, std::string_view component, std::string_view message,
             std::initializer_list<env::LogField> fields) override;

 private:
  Kernel& kernel_;
};

class ShardEnv {
 public:
  // What the env is put together from; all of it outlives the env.
  struct Parts {
    Kernel& kernel;
    RunContext& context;
    const NodeTime& time;
    NodeHost& host;
    env::Disk& disk;
    env::Network& network;
    env::Observer& observer;
  };
  ShardEnv(const Parts& parts, const NodeShard::Identity& identity, const ShardOptions& options);
  ShardEnv(const ShardEnv&) = delete;
  ShardEnv& operator=(const ShardEnv&) = delete;

  env::Env& env() { return env_; }
  NodeShard& shard() { return shard_; }

 private:
  NodeShard shard_;
  NodeContext context_;
  ShardEntropy entropy_;
  ShardProcess process_;
  ShardOffload offload_;
  ShardLog log_;
  env::Env env_;
};

}  // namespace odradek::sim
