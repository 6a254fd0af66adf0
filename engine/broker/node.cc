#include "engine/broker/node.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/broker/connection.h"
#include "engine/broker/metrics_server.h"
#include "engine/storage/file_names.h"
#include "engine/storage/small_files.h"

namespace odradek::broker {

Node::Node(ShardEnvs envs, NodeOptions options) : envs_(std::move(envs)), options_(std::move(options)) {
  REQUIRES(!envs_.empty());
  REQUIRES(DirectoriesOf(options_).size() >= envs_.size());
}

Node::~Node() = default;

void Node::RequestStop() {
  if (stop_.is_set() && !shards_.empty()) {
    shard(ShardId(0)).HurryDrain();
    if (lifecycle_ != nullptr) lifecycle_->Hurry();
  }
  stop_.Set();
  if (lifecycle_ != nullptr) lifecycle_->GiveUp();
}

absl::Status Node::ChooseClusterId(fiber::Fiber& self) {
  if (!options_.cluster_id.empty()) return absl::OkStatus();
  for (const LogDirectory& directory : DirectoriesOf(options_)) {
    const std::string path = fmt::format("{}/{}", directory.path, storage::kMetaPropertiesName);
    const storage::SmallFile file = storage::ReadSmallFile(self, envs_[0]->disk, path);
    if (!file.ok()) continue;
    const absl::StatusOr<storage::MetaProperties> found = storage::ParseMetaProperties(path, file.content);
    // What is wrong with it is said when the directory is opened.
    options_.cluster_id = found.ok() ? found->cluster_id : std::string();
    if (!options_.cluster_id.empty()) return absl::OkStatus();
  }
  const bool is_alone =
      options_.config.quorum.voters.empty() && options_.config.role == config::Role::kBrokerAndController;
  if (!is_alone) {
    return absl::FailedPreconditionError("a new node of a cluster needs the cluster's id (--cluster-id)");
  }
  const uint64_t high = envs_[0]->entropy.Next64();
  const uint64_t low = envs_[0]->entropy.Next64();
  options_.cluster_id = Uuid::FromRandom(high, low).ToString();
  return absl::OkStatus();
}

absl::Status Node::LoadShards(fiber::Fiber& self) {
  if (absl::Status chosen = ChooseClusterId(self); !chosen.ok()) return chosen;
  for (env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    const absl::Status loaded = CallOn(self, envs_, ShardId(0), id, [this, env](fiber::Fiber& remote) {
      shards_.push_back(std::make_unique<Shard>(*env, options_));
      return shards_.back()->Load(remote);
    });
    if (!loaded.ok()) return loaded;
  }
  return absl::OkStatus();
}

raft::Endpoint Node::QuorumEndpointOf(const OpenListener& listener) {
  const config::Endpoint& advertised = listener.advertised;
  return {advertised.listener, advertised.host, static_cast<uint16_t>(advertised.port)};
}

ControllerStart Node::ControllerStartNow() const {
  ControllerStart start;
  for (const OpenListener& listener : listeners_) {
    if (listener.kind == ListenerKind::kBroker) start.advertised.push_back(listener.advertised);
    if (listener.kind == ListenerKind::kController) start.quorum_endpoints.push_back(QuorumEndpointOf(listener));
  }
  // Nobody else votes: it need not be reached.
  if (start.quorum_endpoints.empty()) {
    start.quorum_endpoints.push_back(QuorumEndpointOf(listeners_.front()));
    const std::string& reached_by = options_.config.controller_listener;
    if (!reached_by.empty()) start.quorum_endpoints.front().listener = reached_by;
  }
  start.metadata_dir = shards_.front()->directories().metadata().meta().directory_id;
  for (const std::unique_ptr<Shard>& one : shards_) {
    if (start.partition_folder.empty()) start.partition_folder = one->directories().SomePartitionFolder();
    for (const LogDirectories::Open& open : one->directories().open()) {
      if (open.takes_partitions()) start.log_dirs.push_back(open.logs->meta().directory_id);
    }
  }
  return start;
}

absl::Status Node::OpenController(fiber::Fiber& self, const ControllerStart& start) {
  absl::StatusOr<std::unique_ptr<Controller>> opened = Controller::Open(
      self, *envs_[0], metadata_directory(), options_, start,
      {.publish = [this](fiber::Fiber& fiber,
                         std::shared_ptr<const MetadataView> view) { return Publish(fiber, std::move(view)); },
       .find_lost = [this](fiber::Fiber& fiber) { return LostReplicas(fiber); }});
  if (!opened.ok()) return opened.status();
  controller_ = std::move(*opened);
  return absl::OkStatus();
}

Shard::Assignments Node::Publish(fiber::Fiber& self, std::shared_ptr<const MetadataView> view) {
  const fiber::MutexLock lock(self, publishing_);
  return AskShards(self, [&view](fiber::Fiber& remote, Shard& one) { return one.Apply(remote, view); });
}

Shard::Assignments Node::LostReplicas(fiber::Fiber& self) {
  return AskShards(self, [](fiber::Fiber&, const Shard& one) { return one.LostReplicas(); });
}

template <typename Ask>
Shard::Assignments Node::AskShards(fiber::Fiber& self, Ask ask) {
  Shard::Assignments all;
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    const Shard::Assignments some =
        CallOn(self, envs_, ShardId(0), id, [this, id, ask](fiber::Fiber& remote) { return ask(remote, shard(id)); });
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

absl::Status Node::OpenOne(fiber::Fiber& self, ListenerKind kind, const config::Endpoint& endpoint,
                           const std::vector<config::Endpoint>& advertised) {
  env::ListenResult listening = envs_[0]->network.Listen(self, {endpoint.host, endpoint.port});
  if (listening.error != env::NetError::kNone) {
    return base::Unavailable(fmt::format("listeners: cannot listen on {}://{}:{}: {}", endpoint.listener, endpoint.host,
                                         endpoint.port, env::ToString(listening.error)));
  }
  OpenListener& open = listeners_.emplace_back();
  open.kind = kind;
  open.endpoint = endpoint;
  open.advertised = endpoint;
  for (const config::Endpoint& told : advertised) {
    if (told.listener == endpoint.listener) open.advertised = told;
  }
  const env::Address& bound = listening.listener->address();
  if (open.advertised.host.empty()) {
    open.advertised.host = options_.host_name.empty() ? bound.host : options_.host_name;
  }
  if (open.advertised.port == 0) open.advertised.port = bound.port;
  open.socket = std::move(listening.listener);
  return absl::OkStatus();
}

absl::Status Node::OpenListeners(fiber::Fiber& self) {
  const config::BrokerConfig& config = options_.config;
  for (const config::Endpoint& endpoint : config.listeners) {
    const absl::Status opened = OpenOne(self, ListenerKind::kBroker, endpoint, config.advertised_listeners);
    if (!opened.ok()) return opened;
  }
  for (const config::Endpoint& endpoint : config.controller_listeners) {
    const absl::Status opened =
        OpenOne(self, ListenerKind::kController, endpoint, config.advertised_controller_listeners);
    if (!opened.ok()) return opened;
  }
  return absl::OkStatus();
}

void Node::Accept(fiber::Fiber& self, const OpenListener& listener) {
  constexpr Duration kPauseWithoutDescriptors = Duration::Millis(100);
  Shard& home = shard(ShardId(0));
  const config::BrokerConfig& config = options_.config;
  while (true) {
    while (home.connection_count() >= config.connections_max) {
      REACHED(home.env().context, "broker.connection.limit");
      home.WaitForConnectionToEnd(self);
    }
    env::ConnectionResult accepted = listener.socket->Accept(self);
    if (accepted.error == env::NetError::kClosed) return;
    if (accepted.error != env::NetError::kNone) {
      fiber::SleepFor(self, kPauseWithoutDescriptors);
      continue;
    }
    if (home.connection_count_of(accepted.connection->peer().host) >= config.connections_per_ip_max) {
      REACHED(home.env().context, "broker.connection.limit_per_ip");
      continue;  // the connection closes
    }
    AcceptedConnection client{std::move(accepted.connection), listener.endpoint.listener, listener.kind};
    home.env().scheduler.Spawn("connection", [this, &home, client = std::move(client)](fiber::Fiber& reader) mutable {
      ServeConnection(reader, *this, home, std::move(client));
    });
  }
}

BrokerEpoch Node::PreviousBrokerEpoch() const {
  constexpr BrokerEpoch kNone{-1};
  std::optional<BrokerEpoch> agreed;
  for (const std::unique_ptr<Shard>& one : shards_) {
    for (const LogDirectories::Open& open : one->directories().open()) {
      const BrokerEpoch epoch = open.logs->previous_broker_epoch();
      if (agreed.value_or(epoch) != epoch) return kNone;
      agreed = epoch;
    }
  }
  return agreed.value_or(kNone);
}

void Node::StartReplication(fiber::Fiber& self) {
  const auto deliver = [this](const IsrProposal& proposal, const replication::AlterPartitionAnswered& answer) {
    Shard& home = shard(proposal.shard);
    // A fiber each: one whose disk does not answer holds up no other.
    envs_[0]->shards.Post(proposal.shard, [&home, proposal, answer] {
      home.env().scheduler.Spawn(
          "isr change", [&home, proposal, answer](fiber::Fiber& fiber) { home.Deliver(fiber, proposal, answer); });
    });
  };
  isr_changes_ = std::make_shared<AlterPartitionManager>(*envs_[0], *controller_, deliver);
  envs_[0]->scheduler.Spawn("isr changes", [changes = isr_changes_](fiber::Fiber& fiber) { changes->Run(fiber); });
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    CallOn(self, envs_, ShardId(0), id, [this, id, env](fiber::Fiber&) {
      shard(id).StartReplication([changes = isr_changes_, env](IsrProposal proposal) {
        env->shards.Post(ShardId(0),
                         [changes, proposal = std::move(proposal)]() mutable { changes->Add(std::move(proposal)); });
      });
      return true;
    });
  }
}

absl::Status Node::StartBroker(fiber::Fiber& self, const ControllerStart& start) {
  if (options_.config.role == config::Role::kController) {
    // It registers nowhere, and answers from what is committed all the same.
    controller_->PublishFromNowOn(self);
    return absl::OkStatus();
  }
  lifecycle_ = std::make_unique<BrokerLifecycle>(*envs_[0], options_, *controller_, start, PreviousBrokerEpoch());
  if (stop_.is_set()) lifecycle_->GiveUp();
  if (absl::Status started = lifecycle_->Start(self); !started.ok()) return started;
  broker_runs_ = true;
  envs_[0]->scheduler.Spawn("broker lifecycle", [this](fiber::Fiber& fiber) { lifecycle_->Run(fiber); });
  return absl::OkStatus();
}

void Node::StartMaintenance(fiber::Fiber& self) {
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    CallOn(self, envs_, ShardId(0), id, [this, id](fiber::Fiber&) {
      shard(id).StartMaintenance();
      return true;
    });
  }
}

void Node::SpawnAccept(fiber::TaskGroup& tasks, ListenerKind kind) {
  for (const OpenListener& listener : listeners_) {
    if (listener.kind != kind) continue;
    tasks.Spawn("accept", [this, &listener](fiber::Fiber& fiber) { Accept(fiber, listener); });
  }
}

absl::Status Node::Run(fiber::Fiber& self) {
  REQUIRES(envs_[0]->shards.self() == ShardId(0));
  // The ports first: a second node on them must not touch the data.
  if (const absl::Status open = OpenListeners(self); !open.ok()) return open;
  if (const absl::Status loaded = LoadShards(self); !loaded.ok()) return loaded;
  const ControllerStart start = ControllerStartNow();
  if (const absl::Status opened = OpenController(self, start); !opened.ok()) return opened;
  // These end by themselves when what they wait on is closed; nothing is cut off in the middle of a write.
  fiber::TaskGroup tasks(self);
  controller_->JoinQuorum(start);
  StartReplication(self);
  // Before the quorum has a leader, it must be possible to elect one.
  SpawnAccept(tasks, ListenerKind::kController);
  absl::Status ended = StartBroker(self, start);
  if (ended.ok() && !stop_.is_set()) ended = Serve(self, tasks);
  LeaveCluster(self);
  CloseListeners(self);
  tasks.Join(self);
  isr_changes_->Stop(self);
  // What was asked for in the middle of the start is no error of it.
  if (!ended.ok() && !stop_.is_set()) {
    controller_->Stop(self);
    return ended;
  }
  return Stop(self);
}

void Node::LeaveCluster(fiber::Fiber& self) {
  if (!std::exchange(broker_runs_, false)) return;
  lifecycle_->Stop(self, options_.drain_max);
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    CallOn(self, envs_, ShardId(0), id, [this, id](fiber::Fiber& remote) {
      shard(id).ResignReplicated(remote);
      return true;
    });
  }
}

absl::Status Node::Serve(fiber::Fiber& self, fiber::TaskGroup& tasks) {
  envs_[0]->observer.On(env::NodeStarted{options_.config.node_id, metadata_directory().previous_shutdown()});
  StartMaintenance(self);
  MetricsServer metrics(*this);
  if (options_.config.metrics_listener) {
    const absl::Status open = metrics.Open(self, *options_.config.metrics_listener);
    if (!open.ok()) return open;
    tasks.Spawn("metrics", [&metrics](fiber::Fiber& fiber) { metrics.Serve(fiber); });
  }
  SpawnAccept(tasks, ListenerKind::kBroker);
  serving_.Set();
  envs_[0]->log.Write(env::LogLevel::kInfo, "broker", "node serves",
                      {{"node", std::to_string(options_.config.node_id.value())},
                       {"address", ToString(address())},
                       {"data", fmt::format("{}", fmt::join(options_.log_directories, ","))},
                       {"cluster", options_.cluster_id}});
  stop_.Wait(self);
  envs_[0]->log.Write(env::LogLevel::kInfo, "broker", "node stops", {});
  LeaveCluster(self);
  CloseListeners(self);
  metrics.Close();
  // The metrics server is this function's.
  tasks.Join(self);
  return absl::OkStatus();
}

// And ends what came in by them.
void Node::CloseListeners(fiber::Fiber& self) {
  draining_ = true;
  for (const OpenListener& listener : listeners_) listener.socket->Close();
  shard(ShardId(0)).DrainConnections(self, self.Now() + options_.drain_max);
}

absl::Status Node::Stop(fiber::Fiber& self) {
  // A process that was never registered has changed nothing: what proved the stop before it proves it still.
  const bool was_registered = lifecycle_ != nullptr && lifecycle_->epoch() >= BrokerEpoch(0);
  const BrokerEpoch epoch = was_registered ? lifecycle_->epoch() : PreviousBrokerEpoch();
  controller_->Stop(self);
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    const absl::Status closed = CallOn(self, envs_, ShardId(0), id, [this, id, epoch](fiber::Fiber& remote) {
      return shard(id).CloseCleanly(remote, epoch);
    });
    if (!closed.ok()) return closed;
  }
  envs_[0]->observer.On(env::NodeShutDown{options_.config.node_id});
  envs_[0]->log.Write(env::LogLevel::kInfo, "broker", "node has stopped", {});
  return absl::OkStatus();
}

}  // namespace odradek::broker
