#include "engine/broker/shard.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/broker/log_config.h"

namespace odradek::broker {
namespace {

constexpr std::string_view kMetadataTopic = "__cluster_metadata";

storage::LogManagerOptions LogOptions(const NodeOptions& options, ShardId shard) {
  storage::LogManagerOptions out;
  out.directory = options.log_directories[static_cast<size_t>(shard.value())];
  out.cluster_id = options.cluster_id;
  out.node_id = options.config.node_id;
  out.open_files_max = options.open_files_max;
  out.default_config = PartitionConfigOf(options, {.static_broker = &options.static_properties}).log;
  return out;
}

}  // namespace

Shard::Shard(env::Env& env, const NodeOptions& options)
    : env_(env),
      options_(options),
      fetch_sessions_({.slots_max = options.config.fetch_sessions_max}),
      memory_(options.config.memory_bytes),
      flusher_(env.rounds),
      queued_requests_(options.config.requests_in_flight_max) {
  REQUIRES(options.log_directories.size() == static_cast<size_t>(env.shards.count()));
}

Shard::~Shard() {
  INVARIANT(connections_.empty());
}

absl::Status Shard::Load(fiber::Fiber& self) {
  absl::StatusOr<std::unique_ptr<storage::LogManager>> opened =
      storage::LogManager::Open(self, env_, LogOptions(options_, id()));
  if (!opened.ok()) return opened.status();
  logs_ = std::move(*opened);
  return logs_->LoadAll(self);
}

absl::Status Shard::CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch) {
  REQUIRES(connections_.empty());
  stop_.Set();
  if (maintenance_started_) maintenance_ended_.Wait(self);
  partitions_.clear();
  return logs_->CloseCleanly(self, broker_epoch);
}

void Shard::Complain(std::string_view message, const TopicPartition& name, std::string why) {
  env_.log.Write(env::LogLevel::kError, "broker", message, {{"partition", ToString(name)}, {"why", std::move(why)}});
}

void Shard::Apply(fiber::Fiber& self, std::shared_ptr<const MetadataView> view) {
  const fiber::MutexLock lock(self, applying_);
  view_ = std::move(view);
  const std::vector<LedPartition> led = LedHere();
  std::set<TopicPartition> known;
  for (const LedPartition& one : led) known.insert(one.name);
  DropUnknown(self, known);
  for (const LedPartition& one : led) ApplyOne(self, one);
}

ShardId Shard::ShardOf(const TopicPartition& name) const {
  const uint64_t draw =
      base::KeyedDraw(0, base::HashName(name.topic), static_cast<uint64_t>(name.partition.value()), 0);
  const uint64_t shard = base::BoundedDraw(draw, static_cast<uint64_t>(env_.shards.count()));
  return ShardId(static_cast<int32_t>(shard));
}

std::vector<LedPartition> Shard::LedHere() const {
  const NodeId node = options_.config.node_id;
  const metadata::Image& image = view_->image;
  std::vector<LedPartition> led;
  for (const auto& [topic_name, topic] : image.topics()) {
    const config::Layers layers = metadata::TopicLayers(image, NodeViewOf(options_), topic_name);
    for (const auto& [index, partition] : topic->partitions) {
      const TopicPartition name{topic_name, index};
      if (partition.leader != node || ShardOf(name) != id()) continue;
      led.push_back({name, topic->id, partition.leader_epoch, PartitionConfigOf(options_, layers)});
    }
  }
  return led;
}

Placement Shard::Place(const TopicName& topic, PartitionIndex partition) const {
  Placement place;
  place.name.partition = partition;
  const metadata::Image& image = view_->image;
  const bool by_id = topic.naming == Naming::kById;
  const metadata::TopicState* state = by_id ? image.FindTopicById(topic.id) : image.FindTopic(topic.name);
  if (state == nullptr) {
    place.name.topic = topic.name;
    place.error = by_id ? protocol::ErrorCode::kUnknownTopicId : protocol::ErrorCode::kUnknownTopicOrPartition;
    return place;
  }
  place.name.topic = state->name;
  const auto at = state->partitions.find(partition);
  if (at == state->partitions.end()) {
    place.error = protocol::ErrorCode::kUnknownTopicOrPartition;
  } else if (at->second.leader != options_.config.node_id) {
    place.error = protocol::ErrorCode::kNotLeaderOrFollower;
  }
  place.shard = ShardOf(place.name);
  return place;
}

void Shard::ApplyOne(fiber::Fiber& self, const LedPartition& led) {
  auto at = partitions_.find(led.name);
  if (at != partitions_.end() && at->second->topic_id() != led.topic_id) {
    // Deleted and created again between two images.
    at->second->Retire();
    partitions_.erase(at);
    at = partitions_.end();
    if (const absl::Status status = logs_->Delete(self, led.name); !status.ok()) {
      return Complain("log of the old topic cannot be deleted", led.name, status.ToString());
    }
  }
  if (at == partitions_.end()) {
    const std::optional<TopicId> on_disk = logs_->TopicIdOf(led.name);
    if (on_disk && *on_disk != led.topic_id) {
      REACHED(env_.context, "broker.partition.stale_topic_id");
      if (const absl::Status status = logs_->Delete(self, led.name); !status.ok()) {
        return Complain("log of another topic id cannot be deleted", led.name, status.ToString());
      }
    }
    absl::StatusOr<std::shared_ptr<storage::Log>> log = logs_->Create(self, led.name, led.topic_id, led.config.log);
    if (!log.ok()) return Complain("log cannot be created", led.name, log.status().ToString());
    at = partitions_.emplace(led.name, std::make_shared<Partition>(env_, std::move(*log), led.topic_id)).first;
  }
  const std::shared_ptr<Partition> partition = at->second;
  partition->SetConfig(led.config);
  if (partition->Lead(self, led.leader_epoch) != storage::LogError::kNone) {
    Complain("leadership cannot begin", led.name, std::string(partition->log().offline_reason()));
  }
}

void Shard::DropUnknown(fiber::Fiber& self, const std::set<TopicPartition>& known) {
  std::vector<TopicPartition> gone;
  for (const auto& [name, partition] : partitions_) {
    if (!known.contains(name)) gone.push_back(name);
  }
  for (const TopicPartition& name : gone) {
    const std::shared_ptr<Partition> partition = partitions_.at(name);
    partition->Retire();
    partitions_.erase(name);
    if (const absl::Status status = logs_->Delete(self, name); !status.ok()) {
      Complain("log cannot be deleted", name, status.ToString());
    }
  }
  for (const std::shared_ptr<storage::Log>& log : logs_->Logs()) {
    const TopicPartition name = log->name();
    if (known.contains(name) || name.topic == kMetadataTopic) continue;
    // The topic was deleted while the node was down, or the folder is somebody else's: kept aside, never destroyed.
    REACHED(env_.context, "broker.partition.stray");
    if (const absl::Status status = logs_->MarkStray(self, name); !status.ok()) {
      Complain("stray log cannot be set aside", name, status.ToString());
    }
  }
}

std::shared_ptr<Partition> Shard::Find(const TopicPartition& name) const {
  const auto at = partitions_.find(name);
  return at == partitions_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<Partition>> Shard::Partitions() const {
  std::vector<std::shared_ptr<Partition>> all;
  for (const auto& [name, partition] : partitions_) all.push_back(partition);
  return all;
}

void Shard::RunMaintenance(fiber::Fiber& self) {
  constexpr Duration kDeletedFilesEvery = Duration::Seconds(1);
  constexpr Duration kProducerExpiryEvery = Duration::Seconds(600);
  struct Task {
    Duration every;
    void (*run)(fiber::Fiber&, Shard&);
    MonoTime due;
  };
  const config::BrokerConfig& config = options_.config;
  const Duration idle_every = config.connection_idle_max ? *config.connection_idle_max / 4 : Duration::kMax;
  std::array tasks = {
      Task{config.flush_check_interval, [](fiber::Fiber& f, Shard& s) { s.logs_->FlushDue(f); }, {}},
      Task{config.recovery_point_checkpoint_interval,
           [](fiber::Fiber& f, Shard& s) { s.logs_->CheckpointRecoveryPoints(f); },
           {}},
      Task{config.log_start_offset_checkpoint_interval,
           [](fiber::Fiber& f, Shard& s) { s.logs_->CheckpointLogStarts(f); },
           {}},
      Task{config.high_watermark_checkpoint_interval,
           [](fiber::Fiber& f, Shard& s) { s.logs_->CheckpointHighWatermarks(f); },
           {}},
      Task{config.retention_check_interval, [](fiber::Fiber& f, Shard& s) { s.logs_->ApplyRetention(f); }, {}},
      Task{kDeletedFilesEvery, [](fiber::Fiber& f, Shard& s) { s.logs_->RemoveDeletedFiles(f); }, {}},
      Task{kProducerExpiryEvery, [](fiber::Fiber&, Shard& s) { s.logs_->ExpireProducers(); }, {}},
      Task{idle_every, [](fiber::Fiber&, Shard& s) { s.CloseIdleConnections(); }, {}},
  };
  for (Task& task : tasks) task.due = self.Now() + task.every;
  while (!stop_.is_set()) {
    Task& next =
        *std::min_element(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.due < b.due; });
    if (stop_.WaitUntil(self, next.due) == fiber::Wake::kSignalled) break;
    next.run(self, *this);
    next.due = self.Now() + next.every;
  }
  maintenance_ended_.Set();
}

void Shard::StartMaintenance() {
  maintenance_started_ = true;
  env_.scheduler.Spawn("maintenance", [this](fiber::Fiber& self) { RunMaintenance(self); });
}

Shard::ConnectionEntry::ConnectionEntry(Shard& shard, ConnectionState& state) : shard_(shard), state_(state) {
  shard_.connections_.push_back(&state);
}

Shard::ConnectionEntry::~ConnectionEntry() {
  std::erase(shard_.connections_, &state_);
  shard_.connection_ended_.WakeAll();
}

int32_t Shard::connection_count_of(std::string_view host) const {
  return static_cast<int32_t>(std::count_if(connections_.begin(), connections_.end(),
                                            [&](const ConnectionState* state) { return state->peer().host == host; }));
}

void Shard::CloseIdleConnections() {
  const MonoTime now = env_.clock.Now();
  for (ConnectionState* state : connections_) {
    if (state->open_request_count() > 0 || now - state->last_active() < *options_.config.connection_idle_max) continue;
    REACHED(env_.context, "broker.connection.idle_closed");
    state->CloseSocket();
  }
}

void Shard::DrainConnections(fiber::Fiber& self, MonoTime deadline) {
  constexpr Duration kPoll = Duration::Millis(5);
  for (ConnectionState* state : connections_) state->End();
  while (!connections_.empty()) {
    // Answers leave at the end of the round in which they are ready.
    fiber::SleepFor(self, kPoll);
    for (ConnectionState* state : connections_) {
      if (state->open_request_count() == 0 || self.Now() >= deadline) state->CloseSocket();
    }
  }
}

}  // namespace odradek::broker
