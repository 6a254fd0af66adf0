#include "engine/broker/node.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/broker/connection.h"
#include "engine/broker/metrics_server.h"

namespace odradek::broker {

Node::Node(ShardEnvs envs, NodeOptions options) : envs_(std::move(envs)), options_(std::move(options)) {
  REQUIRES(!envs_.empty());
  REQUIRES(options_.log_directories.size() == envs_.size());
}

Node::~Node() = default;

void Node::RequestStop() {
  stop_.Set();
}

void Node::ChooseClusterId(fiber::Fiber& self) {
  if (!options_.cluster_id.empty()) return;
  const std::string path = options_.log_directories.front() + "/meta.properties";
  if (envs_[0]->disk.Stat(self, path).error != env::DiskError::kNotFound) return;  // the directory says it
  const uint64_t high = envs_[0]->entropy.Next64();
  const uint64_t low = envs_[0]->entropy.Next64();
  options_.cluster_id = Uuid::FromRandom(high, low).ToString();
}

absl::Status Node::LoadShards(fiber::Fiber& self) {
  ChooseClusterId(self);
  for (env::Env* env : envs_) {
    // One after the other: the first directory decides the cluster id of new ones.
    const ShardId id = env->shards.self();
    if (options_.cluster_id.empty() && id != ShardId(0))
      options_.cluster_id = shard(ShardId(0)).logs().meta().cluster_id;
    const absl::Status loaded = CallOn(self, envs_, ShardId(0), id, [this, env](fiber::Fiber& remote) {
      shards_.push_back(std::make_unique<Shard>(*env, options_));
      return shards_.back()->Load(remote);
    });
    if (!loaded.ok()) return loaded;
  }
  options_.cluster_id = shard(ShardId(0)).logs().meta().cluster_id;
  return absl::OkStatus();
}

absl::Status Node::StartController(fiber::Fiber& self) {
  ControllerStart start{.advertised = advertised_};
  for (const std::unique_ptr<Shard>& one : shards_) start.log_dirs.push_back(one->logs().meta().directory_id);
  absl::StatusOr<std::unique_ptr<Controller>> opened = Controller::Open(
      self, *envs_[0], shard(ShardId(0)).logs(), options_, start,
      [this](fiber::Fiber& fiber, std::shared_ptr<const MetadataView> view) { Publish(fiber, std::move(view)); });
  if (!opened.ok()) return opened.status();
  controller_ = std::move(*opened);
  controller_->StartMaintenance();
  return absl::OkStatus();
}

void Node::Publish(fiber::Fiber& self, std::shared_ptr<const MetadataView> view) {
  const fiber::MutexLock lock(self, publishing_);
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    CallOn(self, envs_, ShardId(0), id, [this, id, view](fiber::Fiber& remote) {
      shard(id).Apply(remote, view);
      return true;
    });
  }
}

absl::StatusOr<std::unique_ptr<env::Listener>> Node::OpenListener(fiber::Fiber& self) {
  const config::Endpoint& endpoint = options_.config.listeners.front();
  env::ListenResult listening = envs_[0]->network.Listen(self, {endpoint.host, endpoint.port});
  if (listening.error != env::NetError::kNone) {
    return base::Unavailable(fmt::format("cannot listen on {}:{}: {}", endpoint.host.empty() ? "*" : endpoint.host,
                                         endpoint.port, env::ToString(listening.error)));
  }
  address_ = listening.listener->address();
  const config::Endpoint& told = options_.config.advertised_listeners.front();
  advertised_ = {told.host.empty() ? address_.host : told.host, told.port == 0 ? address_.port : told.port};
  return std::move(listening.listener);
}

void Node::Accept(fiber::Fiber& self, env::Listener& listener) {
  constexpr Duration kPauseWithoutDescriptors = Duration::Millis(100);
  Shard& home = shard(ShardId(0));
  const config::BrokerConfig& config = options_.config;
  while (true) {
    while (home.connection_count() >= config.connections_max) {
      REACHED(home.env().context, "broker.connection.limit");
      home.WaitForConnectionToEnd(self);
    }
    env::ConnectionResult accepted = listener.Accept(self);
    if (accepted.error == env::NetError::kClosed) return;
    if (accepted.error != env::NetError::kNone) {
      fiber::SleepFor(self, kPauseWithoutDescriptors);
      continue;
    }
    if (home.connection_count_of(accepted.connection->peer().host) >= config.connections_per_ip_max) {
      REACHED(home.env().context, "broker.connection.limit_per_ip");
      continue;  // the connection closes
    }
    home.env().scheduler.Spawn(
        "connection", [this, &home, connection = std::move(accepted.connection)](fiber::Fiber& reader) mutable {
          ServeConnection(reader, *this, home, std::move(connection));
        });
  }
}

absl::Status Node::Run(fiber::Fiber& self) {
  REQUIRES(envs_[0]->shards.self() == ShardId(0));
  // The port first: a second node on it must not touch the data.
  absl::StatusOr<std::unique_ptr<env::Listener>> listener = OpenListener(self);
  if (!listener.ok()) return listener.status();
  if (const absl::Status loaded = LoadShards(self); !loaded.ok()) return loaded;
  if (const absl::Status started = StartController(self); !started.ok()) return started;
  envs_[0]->observer.On(env::NodeStarted{options_.config.node_id, shard(ShardId(0)).logs().previous_shutdown()});

  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    CallOn(self, envs_, ShardId(0), id, [this, id](fiber::Fiber&) {
      shard(id).StartMaintenance();
      return true;
    });
  }
  // These end by themselves when what they wait on is closed; nothing is cut off in the middle of a write.
  fiber::TaskGroup tasks(self);
  MetricsServer metrics(*this);
  if (options_.config.metrics_listener) {
    const absl::Status open = metrics.Open(self, *options_.config.metrics_listener);
    if (!open.ok()) return open;
    tasks.Spawn("metrics", [&metrics](fiber::Fiber& fiber) { metrics.Serve(fiber); });
  }
  tasks.Spawn("accept", [this, &listener](fiber::Fiber& fiber) { Accept(fiber, **listener); });
  serving_.Set();
  envs_[0]->log.Write(env::LogLevel::kInfo, "broker", "node serves",
                      {{"node", std::to_string(options_.config.node_id.value())},
                       {"address", ToString(address_)},
                       {"cluster", options_.cluster_id}});
  stop_.Wait(self);
  (*listener)->Close();
  metrics.Close();
  shard(ShardId(0)).DrainConnections(self, self.Now() + options_.drain_max);
  tasks.Join(self);
  return Stop(self);
}

absl::Status Node::Stop(fiber::Fiber& self) {
  const BrokerEpoch epoch = controller_->broker_epoch();
  controller_->Stop(self);
  for (const env::Env* env : envs_) {
    const ShardId id = env->shards.self();
    const absl::Status closed = CallOn(self, envs_, ShardId(0), id, [this, id, epoch](fiber::Fiber& remote) {
      return shard(id).CloseCleanly(remote, epoch);
    });
    if (!closed.ok()) return closed;
  }
  envs_[0]->observer.On(env::NodeShutDown{options_.config.node_id});
  return absl::OkStatus();
}

}  // namespace odradek::broker
