#include "engine/real/node.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "engine/base/check.h"
#include "engine/real/disk.h"
#include "engine/real/logging_observer.h"
#include "engine/real/network.h"
#include "engine/real/services.h"

namespace odradek::real {
struct RealNode::Shard {
  Shard(RealNode& node, std::unique_ptr<Reactor> its_reactor, RealShards its_shards, env::Observer* its_observer)
      : reactor(std::move(its_reactor)),
        disk({*reactor, node.io_helpers_}, node.options_.disk_root),
        network(*reactor, node.resolvers_),
        process(node.log_),
        offload(*reactor, node.cpu_helpers_),
        shards(std::move(its_shards)),
        observer(node.log_),
        env{reactor->scheduler(),
            *reactor,
            disk,
            network,
            entropy,
            process,
            offload,
            *reactor,
            shards,
            node.log_,
            its_observer != nullptr ? *its_observer : observer,
            context} {}

  std::unique_ptr<Reactor> reactor;
  RealDisk disk;
  RealNetwork network;
  RealEntropy entropy;
  RealProcess process;
  RealOffload offload;
  RealShards shards;
  LoggingObserver observer;
  base::NullContext context;
  env::Env env;
};

struct RealNode::SignalSource final : EventSource {
  SignalSource(Reactor& its_reactor, const sigset_t& its_signals, absl::AnyInvocable<void(int)> its_callback)
      : reactor(its_reactor),
        signals(its_signals),
        fd(signalfd(-1, &its_signals, SFD_CLOEXEC | SFD_NONBLOCK)),
        callback(std::move(its_callback)) {
    INVARIANT(fd.valid());
    INVARIANT(pthread_sigmask(SIG_BLOCK, &signals, &mask_before) == 0);
    INVARIANT(reactor.Watch(fd.get(), *this, EPOLLIN) == 0);
  }
  ~SignalSource() { pthread_sigmask(SIG_SETMASK, &mask_before, nullptr); }

  void OnEvents(uint32_t) override {
    signalfd_siginfo info;
    while (read(fd.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      // Not from here: event sources only take notes.
      reactor.Post([this, number = static_cast<int>(info.ssi_signo)] { callback(number); });
    }
  }

  Reactor& reactor;
  const sigset_t signals;
  sigset_t mask_before{};
  UniqueFd fd;
  absl::AnyInvocable<void(int)> callback;
};

RealNode::RealNode(Options options)
    : options_(std::move(options)),
      log_(options_.log),
      io_helpers_({.threads_max = options_.io_threads_max, .at_end = HelperPool::AtEnd::kWait}),
      cpu_helpers_({.threads_max = options_.cpu_threads_max, .at_end = HelperPool::AtEnd::kWait}),
      // A name service that hangs must not hold up the end of the process.
      resolvers_({.threads_max = 2, .at_end = HelperPool::AtEnd::kAbandon}) {
  REQUIRES(options_.shard_count > 0);
  REQUIRES(options_.observers.empty() || options_.observers.size() == static_cast<size_t>(options_.shard_count));
  std::vector<std::unique_ptr<Reactor>> owned;
  std::vector<Reactor*> reactors;
  for (int32_t i = 0; i < options_.shard_count; ++i) {
    owned.push_back(std::make_unique<Reactor>(options_.reactor));
    reactors.push_back(owned.back().get());
  }
  for (int32_t i = 0; i < options_.shard_count; ++i) {
    const auto at = static_cast<size_t>(i);
    env::Observer* observer = options_.observers.empty() ? nullptr : options_.observers[at];
    shards_.push_back(std::make_unique<Shard>(*this, std::move(owned[at]), RealShards(ShardId(i), reactors), observer));
  }
}

RealNode::~RealNode() {
  Kill();
}

RealNode::Shard& RealNode::At(ShardId shard) const {
  REQUIRES(shard.value() >= 0 && shard.value() < shard_count());
  return *shards_[static_cast<size_t>(shard.value())];
}

env::Env& RealNode::env(ShardId shard) {
  return At(shard).env;
}

void RealNode::Run() {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < shards_.size(); ++i) {
    threads.emplace_back([&shard = *shards_[i]] { shard.reactor->Run(); });
  }
  shards_.front()->reactor->Run();
  for (std::thread& thread : threads) thread.join();
}

void RealNode::Stop() {
  for (const auto& shard : shards_) shard->reactor->Stop();
}

void RealNode::WatchSignals(const std::vector<int>& signal_numbers, absl::AnyInvocable<void(int)> callback) {
  REQUIRES(signals_ == nullptr);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signal_numbers) INVARIANT(sigaddset(&set, number) == 0);
  signals_ = std::make_unique<SignalSource>(*shards_.front()->reactor, set, std::move(callback));
}

void RealNode::Kill() {
  for (const auto& shard : shards_) shard->reactor->Kill();
}

const CountingObserver& RealNode::counts(ShardId shard) const {
  return At(shard).observer.counts();
}

const Counters& RealNode::counters(ShardId shard) const {
  return At(shard).reactor->counters();
}

}  // namespace odradek::real
