// A node with a simulated disk that can be killed and booted again.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "sim/disk/sim_node_disk.h"
#include "sim/kernel/absent.h"
#include "sim/kernel/shard_env.h"

namespace odradek::sim {

class DiskWorld final : public NodeHost {
 public:
  struct Options {
    KernelOptions kernel = {};
    DiskOptions disk = {};
    ShardOptions shard = {};
  };
  DiskWorld() : DiskWorld(Options{}) {}
  explicit DiskWorld(const Options& options)
      : kernel(options.kernel),
        node(kernel.AddNode("n1")),
        node_disk(kernel, node, options.disk),
        context_(kernel, {}),
        shard_options_(options.shard) {
    Boot();
  }
  ~DiskWorld() {
    if (env_ != nullptr) Crash();
  }

  void Boot() {
    node_disk.Boot();
    const NodeShard::Identity identity{.node = node, .incarnation = ++incarnation_};
    env_ = std::make_unique<ShardEnv>(
        ShardEnv::Parts{kernel, context_, time_, *this, node_disk.disk(), network_, observer_}, identity,
        shard_options_);
    env_->shard().ConnectPeers({&env_->shard()});
  }
  void Crash() {
    Unwind();
    node_disk.ProcessCrash();
  }
  void LosePower() {
    Unwind();
    node_disk.PowerLoss();
  }

  env::Env& env() { return env_->env(); }
  env::Disk& disk() { return env().disk; }
  void Spawn(fiber::Body body) { env().scheduler.Spawn("test", std::move(body)); }
  // Until nothing is left to happen. False: the fiber did not end.
  bool Run(fiber::Body body) {
    bool has_ended = false;
    Spawn([&, body = std::move(body)](fiber::Fiber& self) mutable {
      body(self);
      has_ended = true;
    });
    kernel.Run({});
    return has_ended;
  }
  void RunFor(Duration duration) { kernel.Run({.until = kernel.Now() + duration}); }
  void OnFatal(NodeIndex, const std::string&) override { Crash(); }

  Kernel kernel;
  const NodeIndex node;
  SimNodeDisk node_disk;

 private:
  void Unwind() {
    node_disk.CutOff();
    env_->shard().CutOff();
    env_->shard().Kill();
    env_.reset();
  }

  RunContext context_;
  PerfectTime time_;
  NoNetwork network_;
  NoObserver observer_;
  const ShardOptions shard_options_;
  std::unique_ptr<ShardEnv> env_;
  uint64_t incarnation_ = 0;
};

inline std::unique_ptr<env::File> OpenFile(fiber::Fiber& self, env::Disk& disk, std::string_view path) {
  env::OpenResult opened = disk.Open(self, path, env::OpenMode::kCreate);
  EXPECT_EQ(opened.error, env::DiskError::kNone);
  return std::move(opened.file);
}
inline env::IoResult WriteText(fiber::Fiber& self, env::File& file, std::string_view text, int64_t offset) {
  const Bytes part = AsBytes(text);
  return file.WriteAt(self, {&part, 1}, offset);
}
inline std::string ReadText(fiber::Fiber& self, env::File& file, int64_t offset, size_t size_bytes) {
  std::string text(size_bytes, '?');
  const env::IoResult read = file.ReadAt(self, std::as_writable_bytes(std::span(text)), offset);
  EXPECT_TRUE(read.ok());
  text.resize(static_cast<size_t>(read.size_bytes));
  return text;
}

}  // namespace odradek::sim
