#include "engine/broker/shard_replication.h"

#include <string>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/broker/log_config.h"
#include "engine/config/broker_config.h"

namespace odradek::broker {

ShardReplication::ShardReplication(env::Env& env, const NodeOptions& options)
    : env_(env), options_(options), config_(options.config.replication) {}

ShardReplication::~ShardReplication() = default;

void ShardReplication::Start(SendProposal send_proposal) {
  REQUIRES(send_proposal_ == nullptr);
  send_proposal_ = std::move(send_proposal);
  SpawnCounted("replica timer", [this](fiber::Fiber& self) { RunTimer(self); });
}

void ShardReplication::Stop(fiber::Fiber& self) {
  stopping_ = true;
  for (const auto& [key, fetcher] : fetchers_) fetcher->Stop();
  timers_changed_.WakeAll();
  while (running_ > 0) ended_.Wait(self);
  followed_.clear();
}

void ShardReplication::SpawnCounted(std::string_view name, std::function<void(fiber::Fiber&)> run) {
  ++running_;
  env_.scheduler.Spawn(name, [this, run = std::move(run)](fiber::Fiber& self) {
    run(self);
    --running_;
    ended_.WakeAll();
  });
}

ShardReplication::Brokers ShardReplication::SetView(const metadata::Image& image) {
  const auto config = config::ResolveReplicationConfig(metadata::BrokerLayers(image, NodeViewOf(options_)));
  if (config.ok()) {
    if (*config != config_) SetConfig(*config);
  } else {
    env_.log.Write(env::LogLevel::kError, "broker", "replication keeps its settings",
                   {{"why", std::string(base::SV(config.status().message()))}});
  }
  replication::Brokers brokers;
  FetchSources sources;
  for (const auto& [id, broker] : image.brokers()) {
    brokers[id] = {.epoch = broker.epoch,
                   .fenced = broker.fenced,
                   .in_controlled_shutdown = broker.in_controlled_shutdown,
                   .rack = broker.rack.value_or(std::string())};
    for (const metadata::ListenerState& listener : broker.listeners) {
      if (listener.name != options_.config.inter_broker_listener) continue;
      sources[id] = {.address = {listener.host, listener.port}, .epoch = broker.epoch};
    }
  }
  const auto self = brokers.find(options_.config.node_id);
  broker_epoch_ = self == brokers.end() ? replication::kNoBrokerEpoch : self->second.epoch;
  if (sources != sources_) {
    sources_ = std::move(sources);
    for (const auto& [key, fetcher] : fetchers_) fetcher->SourcesChanged();
  }
  if (brokers == brokers_) return Brokers::kSame;
  brokers_ = std::move(brokers);
  return Brokers::kChanged;
}

void ShardReplication::SetConfig(const config::ReplicationConfig& config) {
  const bool moves = config.fetcher_count != config_.fetcher_count;
  for (const auto& [name, followed] : followed_) {
    if (moves) FetcherFor(KeyOf(followed.leader, name)).Remove(name);
  }
  config_ = config;
  for (const auto& [name, followed] : followed_) {
    if (moves) FetcherFor(KeyOf(followed.leader, name)).Add(followed.replica);
  }
}

ShardReplication::FetcherKey ShardReplication::KeyOf(NodeId leader, const TopicPartition& name) const {
  const uint64_t draw =
      base::KeyedDraw(1, base::HashName(name.topic), static_cast<uint64_t>(name.partition.value()), 0);
  return {leader, static_cast<int32_t>(base::BoundedDraw(draw, static_cast<uint64_t>(config_.fetcher_count)))};
}

ReplicaFetcher& ShardReplication::FetcherFor(const FetcherKey& key) {
  std::unique_ptr<ReplicaFetcher>& fetcher = fetchers_[key];
  if (fetcher != nullptr) return *fetcher;
  fetcher = std::make_unique<ReplicaFetcher>(
      env_, ReplicaFetcher::Place{.self = options_.config.node_id, .leader = key.first, .number = key.second},
      ReplicaFetcher::Shared{.config = config_, .sources = sources_, .own_epoch = broker_epoch_});
  SpawnCounted("replica fetcher", [fetcher = fetcher.get()](fiber::Fiber& self) { fetcher->Run(self); });
  return *fetcher;
}

void ShardReplication::Follow(std::shared_ptr<PartitionReplica> replica, NodeId leader) {
  const TopicPartition name = replica->name();
  const auto before = followed_.find(name);
  if (before != followed_.end()) {
    FetcherFor(KeyOf(before->second.leader, name)).Remove(name);
    followed_.erase(before);
  }
  if (leader == kNoNode || stopping_) return;
  FetcherFor(KeyOf(leader, name)).Add(replica);
  followed_[name] = {std::move(replica), leader};
}

void ShardReplication::WakeFetcher(NodeId leader, const TopicPartition& name) {
  const auto at = fetchers_.find(KeyOf(leader, name));
  if (at != fetchers_.end()) at->second->Wake();
}

void ShardReplication::Arm(PartitionReplica& replica, MonoTime at) {
  if (at >= replica.armed_for()) return;
  replica.set_armed_for(at);
  const bool is_first = timers_.empty() || at < timers_.begin()->first;
  timers_.emplace(at, replica.weak_from_this());
  if (is_first) timers_changed_.WakeAll();
}

void ShardReplication::RunTimer(fiber::Fiber& self) {
  while (!stopping_) {
    if (timers_.empty() || timers_.begin()->first > self.Now()) {
      timers_changed_.WaitUntil(self, timers_.empty() ? MonoTime::Never() : timers_.begin()->first);
      continue;
    }
    const MonoTime at = timers_.begin()->first;
    const std::shared_ptr<PartitionReplica> replica = timers_.begin()->second.lock();
    timers_.erase(timers_.begin());
    // It may have been armed for an earlier time since, and has had that.
    if (replica == nullptr || replica->armed_for() != at) continue;
    replica->set_armed_for(MonoTime::Never());
    replica->Tick(self);
  }
}

}  // namespace odradek::broker
