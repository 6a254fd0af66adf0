// A node without a program, and without disk and network unless they are given: for tests of the kernel and of what
// runs on a shard.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/kernel/absent.h"
#include "sim/kernel/shard_env.h"

namespace odradek::sim {

class TestNode final : public NodeHost {
 public:
  struct Options {
    int32_t shard_count = 1;
    ShardOptions shard = {};
    RunContextOptions context = {};
    std::string name = "n1";
    // The caller's; none if nullptr.
    env::Disk* disk = nullptr;
    std::function<env::Network&(NodeIndex)> network = nullptr;
  };
  explicit TestNode(Kernel& kernel) : TestNode(kernel, Options{}) {}
  TestNode(Kernel& kernel, const Options& options) : context_(kernel, options.context) {
    const NodeIndex node = kernel.AddNode(options.name);
    env::Disk& disk = options.disk == nullptr ? static_cast<env::Disk&>(disk_) : *options.disk;
    env::Network& network = options.network == nullptr ? network_ : options.network(node);
    std::vector<NodeShard*> shards;
    for (int32_t i = 0; i < options.shard_count; ++i) {
      const NodeShard::Identity identity{.node = node, .shard = ShardId(i), .shard_count = options.shard_count};
      const ShardEnv::Parts parts{kernel, context_, time_, *this, disk, network, observer_};
      envs_.push_back(std::make_unique<ShardEnv>(parts, identity, options.shard));
      shards.push_back(&envs_.back()->shard());
    }
    for (NodeShard* shard : shards) shard->ConnectPeers(shards);
  }
  ~TestNode() { Kill(); }

  env::Env& env(size_t shard = 0) { return envs_[shard]->env(); }
  NodeShard& shard(size_t shard = 0) { return envs_[shard]->shard(); }
  RunContext& context() { return context_; }
  void Spawn(std::string_view name, fiber::Body body) { env().scheduler.Spawn(name, std::move(body)); }
  NodeIndex node() { return shard().identity().node; }
  void CutOff() {
    for (auto& env : envs_) env->shard().CutOff();
  }
  void Kill() {
    for (auto& env : envs_) env->shard().CutOff();
    for (auto& env : envs_) env->shard().Kill();
  }
  void OnFatal(NodeIndex, const std::string& reason) override {
    fatal_reason = reason;
    Kill();
  }

  std::string fatal_reason;

 private:
  RunContext context_;
  PerfectTime time_;
  NoDisk disk_;
  NoNetwork network_;
  NoObserver observer_;
  std::vector<std::unique_ptr<ShardEnv>> envs_;
};

}  // namespace odradek::sim
