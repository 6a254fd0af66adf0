// The small services of a shard's env: entropy, the node's own end, work off the shard, messages between shards. Owned
// by the node.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/env/env.h"
#include "engine/real/helper_pool.h"
#include "engine/real/log.h"
#include "engine/real/reactor.h"

namespace odradek::real {

// getrandom, in batches.
class RealEntropy final : public env::Entropy {
 public:
  uint64_t Next64() override;

 private:
  // Up to 256 bytes getrandom neither fails nor returns less once the kernel's pool is initialised.
  std::array<uint64_t, 32> draws_{};
  size_t next_ = draws_.size();
};

// Logs the reason and leaves with kFatalExitStatus, without destructors and exit handlers.
class RealProcess final : public env::Process {
 public:
  explicit RealProcess(RealLog& log) : log_(log) {}
  [[noreturn]] void Fatal(fiber::Fiber& self, std::string_view reason) override;

 private:
  RealLog& log_;
};

class RealOffload final : public env::Offload {
 public:
  RealOffload(Reactor& reactor, HelperPool& helpers) : reactor_(reactor), helpers_(helpers) {}
  void Run(fiber::Fiber& self, absl::AnyInvocable<void()> work) override;

 private:
  Reactor& reactor_;
  HelperPool& helpers_;
};

class RealShards final : public env::Shards {
 public:
  // `reactors`: of all shards, in their order.
  RealShards(ShardId self, std::vector<Reactor*> reactors) : self_(self), reactors_(std::move(reactors)) {}
  ShardId self() const override { return self_; }
  int32_t count() const override { return static_cast<int32_t>(reactors_.size()); }
  void Post(ShardId to, absl::AnyInvocable<void()> message) override;

 private:
  const ShardId self_;
  const std::vector<Reactor*> reactors_;
};

}  // namespace odradek::real
