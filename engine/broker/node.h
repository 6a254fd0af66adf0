// A node: combined broker and controller, with a quorum of one. Lives on shard 0; its shards live on theirs.
//
// Life: Run starts it (log directories, metadata log, partitions, listener), serves until RequestStop, and shuts down:
// no new connections, open requests answered, everything flushed and closed, the clean-shutdown marker last.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/broker/alter_partition_manager.h"
#include "engine/broker/broker_lifecycle.h"
#include "engine/broker/controller.h"
#include "engine/broker/options.h"
#include "engine/broker/shard.h"
#include "engine/broker/shard_call.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"

namespace odradek::broker {

class Node {
 public:
  struct OpenListener {
    ListenerKind kind = ListenerKind::kBroker;
    config::Endpoint endpoint;    // as configured
    config::Endpoint advertised;  // what clients are told
    std::unique_ptr<env::Listener> socket;
  };

  // `envs`: one per shard, in order; they and everything in them outlive the node.
  Node(ShardEnvs envs, NodeOptions options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // On shard 0. Returns when the node has ended: an error says why it could not start or not end cleanly.
  absl::Status Run(fiber::Fiber& self);
  // The second time, whoever still waits for an answer is cut off; what is written is kept all the same.
  void RequestStop();

  bool is_stopping() const { return stop_.is_set(); }
  // Nothing that comes in from now on is answered.
  bool is_draining() const { return draining_; }
  // The listener is open and the partitions are led.
  bool is_serving() const { return serving_.is_set(); }
  void WaitUntilServing(fiber::Fiber& self) { serving_.Wait(self); }
  // Where clients connect on the first listener, with the port that was chosen if 0 was asked for.
  // REQUIRES: is_serving().
  const env::Address& address() const { return listeners_.front().socket->address(); }

  // Those of clients first.
  const std::vector<OpenListener>& listeners() const { return listeners_; }

  const NodeOptions& options() const { return options_; }
  const ShardEnvs& shard_envs() const { return envs_; }
  Shard& shard(ShardId id) { return *shards_[static_cast<size_t>(id.value())]; }
  int32_t shard_count() const { return static_cast<int32_t>(shards_.size()); }
  Controller& controller() { return *controller_; }
  // Whether controller() may be asked for its quorum.
  bool has_quorum() const { return controller_ != nullptr && controller_->has_quorum(); }
  const std::string& cluster_id() const { return options_.cluster_id; }

 private:
  // That of the first directory that says one; a new node founds a cluster, unless others are to be in it.
  absl::Status ChooseClusterId(fiber::Fiber& self);
  absl::Status LoadShards(fiber::Fiber& self);
  storage::LogManager& metadata_directory() { return shard(ShardId(0)).directories().metadata(); }
  static raft::Endpoint QuorumEndpointOf(const OpenListener& listener);
  ControllerStart ControllerStartNow() const;
  absl::Status OpenController(fiber::Fiber& self, const ControllerStart& start);
  // Hands the view to every shard, in order, and waits until all have applied it.
  Shard::Assignments Publish(fiber::Fiber& self, std::shared_ptr<const MetadataView> view);
  Shard::Assignments LostReplicas(fiber::Fiber& self);
  template <typename Ask>
  Shard::Assignments AskShards(fiber::Fiber& self, Ask ask);
  absl::Status OpenListeners(fiber::Fiber& self);
  absl::Status OpenOne(fiber::Fiber& self, ListenerKind kind, const config::Endpoint& endpoint,
                       const std::vector<config::Endpoint>& advertised);
  void Accept(fiber::Fiber& self, const OpenListener& listener);
  // With which epoch the process before stopped in an orderly way, in all directories; −1: it did not, or had none.
  BrokerEpoch PreviousBrokerEpoch() const;
  // From now on the controller hears what leaders propose about their ISRs.
  void StartReplication(fiber::Fiber& self);
  // Registers this node's broker, if it is one.
  absl::Status StartBroker(fiber::Fiber& self, const ControllerStart& start);
  void StartMaintenance(fiber::Fiber& self);
  void SpawnAccept(fiber::TaskGroup& tasks, ListenerKind kind);
  // Leaderships go to others while clients are still served.
  void LeaveCluster(fiber::Fiber& self);
  // From the moment on at which clients are served.
  absl::Status Serve(fiber::Fiber& self, fiber::TaskGroup& tasks);
  void CloseListeners(fiber::Fiber& self);
  absl::Status Stop(fiber::Fiber& self);

  const ShardEnvs envs_;
  NodeOptions options_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Controller> controller_;
  std::shared_ptr<AlterPartitionManager> isr_changes_;
  std::unique_ptr<BrokerLifecycle> lifecycle_;
  bool broker_runs_ = false;
  bool draining_ = false;
  std::vector<OpenListener> listeners_;
  fiber::Event stop_;
  fiber::Event serving_;
  fiber::Mutex publishing_;
};

}  // namespace odradek::broker
