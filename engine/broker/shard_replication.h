// What the replicas of one shard share: the brokers as the newest view has them, the fetchers that follow their
// leaders, one timer, and the way of their proposals to the controller. Owned by the shard.
//
//  1. A replica is followed by one fetcher at most: that of its leader and its number.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/broker/alter_partition_manager.h"
#include "engine/broker/options.h"
#include "engine/broker/partition_replica.h"
#include "engine/broker/replica_fetcher.h"
#include "engine/env/env.h"
#include "engine/metadata/image.h"
#include "engine/replication/types.h"

namespace odradek::broker {

class ShardReplication {
 public:
  using SendProposal = std::function<void(IsrProposal)>;

  // The options outlive this.
  ShardReplication(env::Env& env, const NodeOptions& options);
  ~ShardReplication();
  ShardReplication(const ShardReplication&) = delete;
  ShardReplication& operator=(const ShardReplication&) = delete;

  void Start(SendProposal send_proposal);
  // No replica is told anything any more by a timer or a leader. REQUIRES: no step begins meanwhile.
  void Stop(fiber::Fiber& self);

  // Whether the brokers are others than before.
  enum class Brokers : uint8_t { kSame, kChanged };
  Brokers SetView(const metadata::Image& image);
  const config::ReplicationConfig& config() const { return config_; }
  const replication::Brokers& brokers() const { return brokers_; }
  // Of this node, as it is registered.
  BrokerEpoch broker_epoch() const { return broker_epoch_; }

  void Propose(IsrProposal proposal) { send_proposal_(std::move(proposal)); }
  // From now on the replica fetches from this leader; kNoNode: from nobody.
  void Follow(std::shared_ptr<PartitionReplica> replica, NodeId leader);
  void WakeFetcher(NodeId leader, const TopicPartition& name);
  // Ticks the replica at this time, or before.
  void Arm(PartitionReplica& replica, MonoTime at);

 private:
  struct Followed {
    std::shared_ptr<PartitionReplica> replica;
    NodeId leader;
  };
  using FetcherKey = std::pair<NodeId, int32_t>;

  FetcherKey KeyOf(NodeId leader, const TopicPartition& name) const;
  ReplicaFetcher& FetcherFor(const FetcherKey& key);
  void SetConfig(const config::ReplicationConfig& config);
  void SpawnCounted(std::string_view name, std::function<void(fiber::Fiber&)> run);
  void RunTimer(fiber::Fiber& self);

  env::Env& env_;
  const NodeOptions& options_;
  config::ReplicationConfig config_;
  replication::Brokers brokers_;
  BrokerEpoch broker_epoch_ = replication::kNoBrokerEpoch;
  FetchSources sources_;
  SendProposal send_proposal_;
  std::map<TopicPartition, Followed> followed_;
  std::map<FetcherKey, std::unique_ptr<ReplicaFetcher>> fetchers_;
  std::multimap<MonoTime, std::weak_ptr<PartitionReplica>> timers_;
  fiber::WaitQueue timers_changed_;
  bool stopping_ = false;
  int32_t running_ = 0;  // fibers of this
  fiber::WaitQueue ended_;
};

}  // namespace odradek::broker
