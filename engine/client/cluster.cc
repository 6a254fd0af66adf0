#include "engine/client/cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::client {
namespace {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

constexpr int32_t kFirstBootstrap = -2;

}  // namespace

// The slot is open for others again, however the opening ended.
class Cluster::OpeningGuard {
 public:
  explicit OpeningGuard(Slot& slot) : slot_(slot) { slot_.opening = true; }
  ~OpeningGuard() {
    slot_.opening = false;
    slot_.changed.WakeAll();
  }
  OpeningGuard(const OpeningGuard&) = delete;
  OpeningGuard& operator=(const OpeningGuard&) = delete;

 private:
  Slot& slot_;
};

std::shared_ptr<Cluster> Cluster::Start(env::Env& env, CommonConfig config, AutoCreateTopics auto_create) {
  auto cluster = std::make_shared<Cluster>(env, std::move(config), auto_create);
  env.scheduler.Spawn("metadata", [cluster](fiber::Fiber& self) { cluster->RunMetadata(self); });
  return cluster;
}

Cluster::Cluster(env::Env& env, CommonConfig config, AutoCreateTopics auto_create)
    : env_(env), config_(std::move(config)), auto_create_(auto_create), last_success_(env.clock.Now()) {
  REQUIRES(!config_.bootstrap_servers.empty());
}

Cluster::~Cluster() = default;

void Cluster::Stop() {
  if (std::exchange(stopped_, true)) return;
  listener_ = nullptr;
  for (const auto& [key, slot] : slots_) {
    if (slot->connection != nullptr) slot->connection->Close();
    slot->changed.WakeAll();
  }
  wanted_.WakeAll();
  updated_.WakeAll();
}

void Cluster::Changed() {
  if (listener_) listener_();
}

Duration Cluster::RetryBackoff(int64_t failure_count) {
  return BackoffAfter(retry_backoff(), failure_count, env_.entropy.Next64());
}

void Cluster::AddTopic(std::string_view topic) {
  if (topics_.emplace(topic).second) RequestUpdate();
}

void Cluster::RemoveTopic(std::string_view topic) {
  if (const auto found = topics_.find(topic); found != topics_.end()) topics_.erase(found);
  metadata_.ForgetTopic(topic);
}

void Cluster::RequestUpdate() {
  update_wanted_ = true;
  wanted_.WakeAll();
}

bool Cluster::WaitForUpdate(fiber::Fiber& self, uint64_t version, MonoTime deadline) {
  while (metadata_version_ <= version && !stopped_) {
    if (updated_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) break;
  }
  return metadata_version_ > version && !stopped_;
}

const env::Address* Cluster::AddressOf(Key key) const {
  if (key.node > kFirstBootstrap) {
    const BrokerInfo* broker = metadata_.FindBroker(NodeId(key.node));
    return broker == nullptr ? nullptr : &broker->address;
  }
  const auto index = static_cast<size_t>(kFirstBootstrap - key.node);
  INVARIANT(index < config_.bootstrap_servers.size());
  return &config_.bootstrap_servers[index];
}

Cluster::Reached Cluster::Connect(fiber::Fiber& self, NodeId node, Purpose purpose, MonoTime deadline) {
  return ConnectTo(self, {node.value(), purpose}, deadline);
}

Cluster::Reached Cluster::ConnectTo(fiber::Fiber& self, Key key, MonoTime deadline) {
  std::unique_ptr<Slot>& made = slots_[key];
  if (made == nullptr) made = std::make_unique<Slot>();
  Slot& slot = *made;  // slots are never removed
  while (!stopped_) {
    const env::Address* known = AddressOf(key);
    if (known == nullptr) return {nullptr, NodeId(key.node), fmt::format("broker {} is not known", key.node)};
    const env::Address address = *known;
    const bool is_open = slot.connection != nullptr && slot.connection->is_open() && slot.address == address;
    if (is_open && !slot.connection->is_muted()) return {slot.connection, NodeId(key.node), ""};
    if (is_open && slot.connection->muted_until() >= deadline) {
      return {nullptr, NodeId(key.node), fmt::format("broker {} throttles this client", key.node)};
    }
    if (is_open || slot.opening || slot.next_attempt > self.Now()) {
      const MonoTime wait_until = slot.opening ? deadline : slot.next_attempt;
      const MonoTime until = is_open ? slot.connection->muted_until() : std::min(wait_until, deadline);
      const bool timed_out = slot.changed.WaitUntil(self, until) == fiber::Wake::kTimeout;
      if (timed_out && until == deadline) {
        const std::string_view why = slot.problem.empty() ? "no connection in time" : std::string_view(slot.problem);
        return {nullptr, NodeId(key.node), std::string(why)};
      }
      continue;
    }
    Reached reached = Open(self, slot, address);
    reached.node = NodeId(key.node);
    return reached;
  }
  return {nullptr, NodeId(key.node), "the client is closed"};
}

Cluster::Reached Cluster::Open(fiber::Fiber& self, Slot& slot, const env::Address& address) {
  INVARIANT(!slot.opening);
  if (slot.connection != nullptr) slot.connection->Close();
  slot.connection = nullptr;
  slot.address = address;
  const OpeningGuard guard(slot);
  net::ClientConnection::OpenResult opened =
      net::ClientConnection::Open(self, env_, address,
                                  {.client_id = config_.client_id,
                                   .setup_timeout = config_.connection_setup_timeout,
                                   .request_timeout = config_.request_timeout});
  if (opened.connection != nullptr && stopped_) {
    opened.connection->Close();
    return {nullptr, kNoNode, "the client is closed"};
  }
  if (opened.connection == nullptr) {
    ++slot.failure_count;
    const uint64_t random = env_.entropy.Next64();
    slot.next_attempt = self.Now() + BackoffAfter({config_.reconnect_backoff, config_.reconnect_backoff_max},
                                                  slot.failure_count, random);
    // A broker that cannot be reached may have moved.
    RequestUpdate();
    slot.problem = opened.what;
    return {nullptr, kNoNode, std::move(opened.what)};
  }
  slot.failure_count = 0;
  slot.problem.clear();
  slot.connection = opened.connection;
  return {std::move(opened.connection), kNoNode, ""};
}

ConnectionPtr Cluster::FindOpen(NodeId node, Purpose purpose) const {
  const auto slot = slots_.find({node.value(), purpose});
  if (slot == slots_.end() || slot->second->connection == nullptr) return nullptr;
  const ConnectionPtr& connection = slot->second->connection;
  return connection->is_open() && !connection->is_muted() ? connection : nullptr;
}

bool Cluster::is_unreachable(NodeId node, Purpose purpose) const {
  const auto slot = slots_.find({node.value(), purpose});
  return slot != slots_.end() && slot->second->failure_count > 0 && slot->second->next_attempt > env_.clock.Now();
}

std::string_view Cluster::connect_problem(NodeId node, Purpose purpose) const {
  const auto slot = slots_.find({node.value(), purpose});
  return slot == slots_.end() ? std::string_view() : slot->second->problem;
}

ConnectionPtr Cluster::TryConnect(NodeId node, Purpose purpose, MonoTime& wake_at) {
  const Key key{node.value(), purpose};
  const env::Address* address = AddressOf(key);
  if (stopped_ || address == nullptr) return nullptr;
  std::unique_ptr<Slot>& slot = slots_[key];
  if (slot == nullptr) slot = std::make_unique<Slot>();
  if (slot->connection != nullptr && slot->connection->is_open() && slot->address == *address) {
    if (!slot->connection->is_muted()) return slot->connection;
    wake_at = std::min(wake_at, slot->connection->muted_until());
    return nullptr;
  }
  if (std::exchange(slot->has_connector, true)) return nullptr;
  env_.scheduler.Spawn("connector", [me = shared_from_this(), key](fiber::Fiber& self) {
    me->ConnectTo(self, key, MonoTime::Never());
    me->slots_.at(key)->has_connector = false;
    me->Changed();
  });
  return nullptr;
}

std::vector<Cluster::Key> Cluster::Candidates() {
  std::vector<Key> connected;
  std::vector<Key> others;
  for (const auto& [id, broker] : metadata_.brokers()) {
    const Key key{id.value(), Purpose::kRequests};
    (FindOpen(id, Purpose::kRequests) != nullptr ? connected : others).push_back(key);
  }
  if (metadata_.brokers().empty() || rebootstrap_) {
    connected.clear();
    others.clear();
    for (size_t i = 0; i < config_.bootstrap_servers.size(); ++i) {
      others.push_back({kFirstBootstrap - static_cast<int32_t>(i), Purpose::kRequests});
    }
  }
  for (std::vector<Key>* keys : {&connected, &others}) {
    for (size_t i = keys->size(); i > 1; --i) {
      const uint64_t random = env_.entropy.Next64();
      std::swap((*keys)[i - 1], (*keys)[base::BoundedDraw(random, i)]);
    }
  }
  connected.insert(connected.end(), others.begin(), others.end());
  return connected;
}

Cluster::Reached Cluster::ConnectAny(fiber::Fiber& self, MonoTime deadline) {
  Reached last{nullptr, kNoNode, "no broker is known"};
  for (const Key key : Candidates()) {
    last = ConnectTo(self, key, deadline);
    if (last.connection != nullptr || stopped_ || self.Now() >= deadline) return last;
  }
  return last;
}

bool Cluster::IsMissingSomething() const {
  return std::ranges::any_of(topics_, [this](const std::string& name) {
    const TopicInfo* topic = metadata_.FindTopic(name);
    if (topic == nullptr || topic->error != ErrorCode::kNone) return true;
    return std::ranges::any_of(topic->partitions, [](const PartitionInfo& p) { return p.leader.value() < 0; });
  });
}

void Cluster::RunMetadata(fiber::Fiber& self) {
  int64_t attempts_in_a_row = 0;
  while (!stopped_) {
    if (!update_wanted_) {
      wanted_.WaitUntil(self, last_success_ + config_.metadata_max_age);
      if (stopped_) break;
      if (!update_wanted_ && self.Now() < last_success_ + config_.metadata_max_age) continue;
    }
    update_wanted_ = false;
    const bool ok = UpdateOnce(self);
    if (stopped_) break;
    if (!ok) {
      update_wanted_ = true;
      rebootstrap_ = rebootstrap_ || (config_.metadata_recovery == MetadataRecovery::kRebootstrap &&
                                      self.Now() - last_success_ >= config_.rebootstrap_trigger);
    }
    // A topic without a leader is asked for again while somebody wants it, but not in a hurry.
    attempts_in_a_row = ok && !IsMissingSomething() ? 1 : attempts_in_a_row + 1;
    CloseIdle();
    fiber::SleepFor(self, RetryBackoff(attempts_in_a_row));
  }
}

bool Cluster::UpdateOnce(fiber::Fiber& self) {
  for (const Key key : Candidates()) {
    const Reached broker = ConnectTo(self, key, self.Now() + config_.connection_setup_timeout);
    if (stopped_) return false;
    if (broker.connection == nullptr) {
      metadata_problem_ = broker.what;
      continue;
    }
    if (UpdateFrom(self, broker)) return true;
    if (stopped_) return false;
  }
  return false;
}

bool Cluster::UpdateFrom(fiber::Fiber& self, const Reached& broker) {
  const int16_t version = broker.connection->PickVersion<MetadataRequest>();
  MetadataRequest request;
  const std::vector<std::string> asked(topics_.begin(), topics_.end());
  for (const std::string& name : asked) {
    request.topics->emplace_back();
    request.topics->back().name = name;
  }
  request.allow_auto_topic_creation = version < 4 || auto_create_ == AutoCreateTopics::kOn;
  const auto result = broker.connection->Call<MetadataRequest, MetadataResponse>(self, request, version);
  if (stopped_) return false;
  if (!result.ok()) {
    metadata_problem_ = result.what;
    return false;
  }
  const auto error = static_cast<ErrorCode>(result.response.error_code);
  if (error != ErrorCode::kNone) {
    metadata_problem_ = protocol::ErrorName(error);
    rebootstrap_ = rebootstrap_ || (error == ErrorCode::kRebootstrapRequired &&
                                    config_.metadata_recovery == MetadataRecovery::kRebootstrap);
    return false;
  }
  TakeOver(result.response, asked);
  return true;
}

void Cluster::TakeOver(const MetadataResponse& response, const std::vector<std::string>& asked) {
  metadata_.Apply(response, asked);
  // Topics may have been dropped while the request was under way.
  for (const std::string& name : asked) {
    if (!topics_.contains(name)) metadata_.ForgetTopic(name);
  }
  metadata_problem_.clear();
  rebootstrap_ = false;
  last_success_ = env_.clock.Now();
  ++metadata_version_;
  updated_.WakeAll();
  Changed();
}

void Cluster::CloseIdle() {
  for (const auto& [key, slot] : slots_) {
    const ConnectionPtr& connection = slot->connection;
    if (connection == nullptr || connection->in_flight_count() > 0) continue;
    const bool is_stray_bootstrap = key.node <= kFirstBootstrap && !metadata_.brokers().empty();
    const bool is_idle = env_.clock.Now() - connection->last_used() > config_.connections_max_idle;
    if (is_idle || is_stray_bootstrap) connection->Close();
  }
}

}  // namespace odradek::client
