#include "engine/broker/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/broker/log_config.h"

namespace odradek::broker {
namespace {

bool IsChosen(const Uuid& directory) {
  return directory != metadata::kUnassignedDirectory && directory != metadata::kMigratingDirectory;
}

Uuid DirectoryOfReplica(const metadata::PartitionState& partition, NodeId node) {
  const auto at = std::find(partition.replicas.begin(), partition.replicas.end(), node);
  if (at == partition.replicas.end()) return metadata::kUnassignedDirectory;
  return partition.directories[static_cast<size_t>(at - partition.replicas.begin())];
}

replication::Registration RegistrationOf(const metadata::PartitionState& partition) {
  return {.replicas = partition.replicas,
          .adding_replicas = partition.adding_replicas,
          .removing_replicas = partition.removing_replicas,
          .isr = partition.isr,
          .leader = partition.leader,
          .leader_epoch = partition.leader_epoch,
          .partition_epoch = partition.partition_epoch,
          .recovery = static_cast<replication::LeaderRecoveryState>(partition.recovery)};
}

}  // namespace

Shard::Shard(env::Env& env, const NodeOptions& options)
    : env_(env),
      options_(options),
      directories_(env, options),
      replication_(env, options),
      fetch_sessions_({.slots_max = options.config.fetch_sessions_max}),
      memory_(options.config.memory_bytes),
      flusher_(env.rounds),
      queued_requests_(options.config.requests_in_flight_max),
      disk_watch_(env, directories_, {.patience = options.config.log_dir_hang_timeout}) {}

Shard::~Shard() {
  INVARIANT(connections_.empty());
}

absl::Status Shard::Load(fiber::Fiber& self) {
  env_.scheduler.Spawn("disk watch", [this](fiber::Fiber& watcher) {
    disk_watch_.Run(watcher, disk_watch_end_);
    disk_watch_ended_.Set();
  });
  const DiskWatch::MustFinish must_finish(disk_watch_, self.Now());
  return directories_.Load(self);
}

absl::Status Shard::CloseCleanly(fiber::Fiber& self, BrokerEpoch broker_epoch) {
  REQUIRES(connections_.empty());
  absl::Status closed;
  {
    const DiskWatch::MustFinish must_finish(disk_watch_, self.Now());
    closed = CloseDirectories(self, broker_epoch);
  }
  disk_watch_end_.Set();
  disk_watch_ended_.Wait(self);
  return closed;
}

absl::Status Shard::CloseDirectories(fiber::Fiber& self, BrokerEpoch broker_epoch) {
  stop_.Set();
  for (const std::shared_ptr<Partition>& partition : Partitions()) partition->replica().Resign(self);
  replication_.Stop(self);
  if (cleaner_ != nullptr) {
    cleaner_->Stop();
    cleaner_ended_.Wait(self);
  }
  if (maintenance_count_ > 0) maintenance_ended_.Wait(self);
  partitions_.clear();
  return directories_.CloseCleanly(self, broker_epoch);
}

void Shard::Complain(std::string_view message, const TopicPartition& name, std::string why) {
  env_.log.Write(env::LogLevel::kError, "broker", message, {{"partition", ToString(name)}, {"why", std::move(why)}});
}

Shard::Assignments Shard::Apply(fiber::Fiber& self, std::shared_ptr<const MetadataView> view) {
  const fiber::MutexLock lock(self, applying_);
  const DiskWatch::MustFinish must_finish(disk_watch_, self.Now());
  view_ = std::move(view);
  const std::vector<HostedPartition> hosted = HostedHere();
  std::set<TopicPartition> known;
  for (const HostedPartition& one : hosted) known.insert(one.name);
  DropUnknown(self, known);
  const ShardReplication::Brokers brokers = replication_.SetView(view_->image);
  for (const HostedPartition& one : hosted) {
    const absl::Status applied = ApplyOne(self, one, brokers);
    if (applied.ok()) {
      missing_.erase(one.name);
      continue;
    }
    const auto [at, is_new] = missing_.insert_or_assign(one.name, one.topic_id);
    if (is_new) Complain("partition is offline", one.name, std::string(base::SV(applied.message())));
  }
  ConfigureCleaner();
  is_first_view_ = false;
  return Misplaced(hosted);
}

Shard::Assignments Shard::Misplaced(const std::vector<HostedPartition>& hosted) const {
  Assignments misplaced;
  for (const HostedPartition& one : hosted) {
    const storage::LogManager* const holder = directories_.Holder(one.name);
    const auto partition = partitions_.find(one.name);
    if (holder == nullptr || (partition != partitions_.end() && IsLost(*partition->second))) continue;
    if (holder->meta().directory_id == one.directory) continue;
    misplaced.push_back({one.topic_id, one.name.partition, holder->meta().directory_id});
  }
  return misplaced;
}

// Until the next start.
bool Shard::IsLost(const Partition& partition) {
  return partition.log().is_offline();
}

Shard::Assignments Shard::LostReplicas() const {
  Assignments lost;
  for (const auto& [name, partition] : partitions_) {
    if (!IsLost(*partition)) continue;
    const metadata::TopicState* const topic = view_->image.FindTopicById(partition->topic_id());
    if (topic == nullptr || !topic->partitions.contains(name.partition)) continue;
    const metadata::PartitionState& state = topic->partitions.at(name.partition);
    if (DirectoryOfReplica(state, options_.config.node_id) == metadata::kLostDirectory) continue;
    REACHED(env_.context, "broker.partition.replica_lost");
    lost.push_back({partition->topic_id(), name.partition, metadata::kLostDirectory});
  }
  return lost;
}

ShardId Shard::ShardOf(const env::PartitionName& name) const {
  const uint64_t draw =
      base::KeyedDraw(0, base::HashName(name.topic), static_cast<uint64_t>(name.partition.value()), 0);
  const uint64_t shard = base::BoundedDraw(draw, static_cast<uint64_t>(env_.shards.count()));
  return ShardId(static_cast<int32_t>(shard));
}

std::vector<HostedPartition> Shard::HostedHere() const {
  const NodeId node = options_.config.node_id;
  const metadata::Image& image = view_->image;
  std::vector<HostedPartition> hosted;
  for (const auto& [topic_name, topic] : image.topics()) {
    // One for all partitions of the topic: to work it out costs more than all else here.
    std::optional<PartitionConfig> config;
    for (const auto& [index, partition] : topic->partitions) {
      const bool is_replica = std::ranges::find(partition.replicas, node) != partition.replicas.end();
      if (!is_replica || ShardOf({topic_name, index}) != id()) continue;
      if (!config) {
        config = PartitionConfigOf(options_, metadata::TopicLayers(image, NodeViewOf(options_), topic_name));
      }
      hosted.push_back(
          {{topic_name, index}, topic->id, RegistrationOf(partition), DirectoryOfReplica(partition, node), *config});
    }
  }
  return hosted;
}

Placement Shard::Place(const TopicName& topic, PartitionIndex partition) const {
  Placement place;
  place.partition = partition;
  const metadata::Image& image = view_->image;
  const bool by_id = topic.naming == Naming::kById;
  place.topic = by_id ? image.ShareTopicById(topic.id) : image.ShareTopic(topic.name);
  if (place.topic == nullptr) {
    place.error = by_id ? protocol::ErrorCode::kUnknownTopicId : protocol::ErrorCode::kUnknownTopicOrPartition;
    return place;
  }
  const auto at = place.topic->partitions.find(partition);
  if (at == place.topic->partitions.end()) {
    place.error = protocol::ErrorCode::kUnknownTopicOrPartition;
  } else if (at->second.leader != options_.config.node_id) {
    const std::vector<NodeId>& replicas = at->second.replicas;
    const bool is_replica = std::ranges::find(replicas, options_.config.node_id) != replicas.end();
    // What a replica that does not lead may answer is for the replica to say.
    if (!is_replica) place.error = protocol::ErrorCode::kNotLeaderOrFollower;
    if (IsInLostDirectory(at->second)) place.error = protocol::ErrorCode::kKafkaStorageError;
  }
  place.shard = ShardOf(place.name());
  return place;
}

// This node has a replica in a log directory that it did not register, since it is not online (KIP-858).
bool Shard::IsInLostDirectory(const metadata::PartitionState& partition) const {
  const NodeId node = options_.config.node_id;
  const Uuid directory = DirectoryOfReplica(partition, node);
  const metadata::BrokerState* const broker = view_->image.FindBroker(node);
  if (!IsChosen(directory) || broker == nullptr) return false;
  return std::ranges::find(broker->log_dirs, directory) == broker->log_dirs.end();
}

storage::LogManager* Shard::DirectoryFor(const HostedPartition& hosted) const {
  if (storage::LogManager* const holder = directories_.Holder(hosted.name); holder != nullptr) return holder;
  // Its disk had failed. Where every directory is there and none has it, its folder was never made, or is gone.
  const bool is_lost = hosted.directory == metadata::kLostDirectory;
  if (is_lost) return directories_.offline().empty() ? directories_.ForNewPartition() : nullptr;
  if (IsChosen(hosted.directory)) return directories_.ById(hosted.directory);
  // Whoever made it may have died before it told where: in a directory that is offline now, perhaps.
  const auto missing = missing_.find(hosted.name);
  const bool was_missing = missing != missing_.end() && missing->second == hosted.topic_id;
  const bool may_be_offline = !directories_.offline().empty() && (is_first_view_ || was_missing);
  return may_be_offline ? nullptr : directories_.ForNewPartition();
}

absl::Status Shard::SetOtherTopicsAside(fiber::Fiber& self, const HostedPartition& hosted) {
  for (const LogDirectories::Open& one : directories_.open()) {
    const std::optional<TopicId> on_disk = one.logs->TopicIdOf(hosted.name);
    if (!on_disk || *on_disk == hosted.topic_id || MUTATION(env_.context, RP40)) continue;
    // A topic that was deleted behind the node's back, or a damaged partition.metadata: nobody can tell.
    REACHED(env_.context, "broker.partition.stale_topic_id");
    if (absl::Status aside = one.logs->MarkStray(self, hosted.name); !aside.ok()) return aside;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Partition>> Shard::Bring(fiber::Fiber& self, const HostedPartition& hosted) {
  if (absl::Status aside = SetOtherTopicsAside(self, hosted); !aside.ok()) return aside;
  storage::LogManager* const directory = DirectoryFor(hosted);
  if (directory == nullptr) {
    REACHED(env_.context, "broker.partition.directory_offline");
    return base::Unavailable(fmt::format("its log directory {} is not online", hosted.directory.ToString()));
  }
  absl::StatusOr<std::shared_ptr<storage::Log>> log =
      directory->Create(self, hosted.name, hosted.topic_id, hosted.config.log);
  if (!log.ok()) {
    directories_.NoteFailure(*directory);
    return log.status();
  }
  const replication::LimitsChanged limits = LimitsOf(hosted.config);
  const replication::Options replica_options{.self = options_.config.node_id,
                                             .own_end = limits.own_end,
                                             .replica_lag_time_max = limits.replica_lag_time_max,
                                             .replica_fetch_backoff = limits.replica_fetch_backoff,
                                             .min_insync_replicas = limits.min_insync_replicas};
  std::shared_ptr<PartitionReplica> replica =
      PartitionReplica::Start(env_, replication_, std::move(*log), hosted.topic_id, replica_options);
  if (replica == nullptr) return base::Unavailable("its leader epochs contradict its offsets");
  return std::make_shared<Partition>(env_, std::move(replica));
}

replication::LimitsChanged Shard::LimitsOf(const PartitionConfig& config) const {
  return {
      .replica_lag_time_max = replication_.config().lag_time_max,
      .replica_fetch_backoff = replication_.config().fetch_backoff,
      .min_insync_replicas = config.min_insync_replicas,
      .own_end = config.log.flushes_every_append() ? replication::OwnEnd::kFlushed : replication::OwnEnd::kAppended};
}

absl::Status Shard::ApplyOne(fiber::Fiber& self, const HostedPartition& hosted, ShardReplication::Brokers brokers) {
  auto at = partitions_.find(hosted.name);
  if (at != partitions_.end() && at->second->topic_id() != hosted.topic_id) {
    // Deleted and created again between two images.
    DropPartition(self, hosted.name);
    at = partitions_.end();
  }
  if (at == partitions_.end()) {
    absl::StatusOr<std::shared_ptr<Partition>> brought = Bring(self, hosted);
    if (!brought.ok()) return brought.status();
    at = partitions_.emplace(hosted.name, std::move(*brought)).first;
  }
  const std::shared_ptr<Partition> partition = at->second;
  partition->SetConfig(hosted.config);
  PartitionReplica& replica = partition->replica();
  replica.SetLimits(self, LimitsOf(hosted.config));
  replica.TakeIn(self, hosted.registration);
  if (brokers == ShardReplication::Brokers::kChanged) replica.BrokersChanged(self);
  return absl::OkStatus();
}

void Shard::Deliver(fiber::Fiber& self, const IsrProposal& proposal,
                    const replication::AlterPartitionAnswered& answer) {
  const std::shared_ptr<Partition> partition = Find(proposal.name);
  if (partition == nullptr || partition->topic_id() != proposal.topic_id) return;
  partition->replica().AlterPartitionAnswered(self, proposal.change.leader_epoch, answer);
}

void Shard::ResignReplicated(fiber::Fiber& self) {
  for (const std::shared_ptr<Partition>& partition : Partitions()) {
    if (partition->replica().depends_on_others()) partition->replica().Resign(self);
  }
}

void Shard::DropUnknown(fiber::Fiber& self, const std::set<TopicPartition>& known) {
  std::erase_if(missing_, [&](const auto& one) { return !known.contains(one.first); });
  std::vector<TopicPartition> gone;
  for (const auto& [name, partition] : partitions_) {
    if (!known.contains(name)) gone.push_back(name);
  }
  for (const TopicPartition& name : gone) DropPartition(self, name);
  for (const LogDirectories::Open& one : directories_.open()) SetStraysAside(self, *one.logs, known);
}

void Shard::DropPartition(fiber::Fiber& self, const TopicPartition& name) {
  const std::shared_ptr<Partition> partition = partitions_.at(name);
  const bool is_deleted = view_->image.FindTopicById(partition->topic_id()) == nullptr;
  partitions_.erase(name);
  env_.observer.On(env::ReplicaDropped{partition->name()});
  partition->Retire(
      self, is_deleted ? protocol::ErrorCode::kUnknownTopicOrPartition : protocol::ErrorCode::kNotLeaderOrFollower);
  storage::LogManager* const holder = directories_.Holder(name);
  if (holder == nullptr) return;
  if (const absl::Status status = holder->Delete(self, name); !status.ok()) {
    Complain("log cannot be deleted", name, status.ToString());
  }
}

void Shard::SetStraysAside(fiber::Fiber& self, storage::LogManager& logs, const std::set<TopicPartition>& known) {
  for (const std::shared_ptr<storage::Log>& log : logs.Logs()) {
    const TopicPartition name = log->name();
    if (known.contains(name) || name.topic == kMetadataTopic) continue;
    // The topic was deleted while the node was down, or the folder is somebody else's: kept aside, never destroyed.
    REACHED(env_.context, "broker.partition.stray");
    env_.observer.On(env::ReplicaDropped{{name.topic, name.partition}});
    if (const absl::Status status = logs.MarkStray(self, name); !status.ok()) {
      Complain("stray log cannot be set aside", name, status.ToString());
    }
  }
}

protocol::ErrorCode Shard::ErrorOfMissing(const env::PartitionName& name) const {
  return missing_.contains(name) ? protocol::ErrorCode::kKafkaStorageError : protocol::ErrorCode::kNotLeaderOrFollower;
}

std::shared_ptr<Partition> Shard::Find(const env::PartitionName& name) const {
  const auto at = partitions_.find(name);
  return at == partitions_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<Partition>> Shard::Partitions() const {
  std::vector<std::shared_ptr<Partition>> all;
  for (const auto& [name, partition] : partitions_) all.push_back(partition);
  return all;
}

struct Shard::Chore {
  Duration every;
  absl::AnyInvocable<void(fiber::Fiber&)> run;
  MonoTime due = {};
};

void Shard::RunChores(fiber::Fiber& self, std::vector<Chore> chores) {
  for (Chore& chore : chores) chore.due = self.Now() + chore.every;
  while (!stop_.is_set()) {
    Chore& next =
        *std::min_element(chores.begin(), chores.end(), [](const Chore& a, const Chore& b) { return a.due < b.due; });
    if (stop_.WaitUntil(self, next.due) == fiber::Wake::kSignalled) break;
    next.run(self);
    next.due = self.Now() + next.every;
  }
  if (--maintenance_count_ == 0) maintenance_ended_.Set();
}

std::vector<Shard::Chore> Shard::ChoresOf(storage::LogManager& logs) const {
  constexpr Duration kDeletedFilesEvery = Duration::Seconds(1);
  constexpr Duration kProducerExpiryEvery = Duration::Seconds(600);
  const config::BrokerConfig& config = options_.config;
  std::vector<Chore> chores;
  const auto add = [&](Duration every, auto task) {
    chores.push_back({every, [&logs, task](fiber::Fiber& self) { task(self, logs); }});
  };
  using Logs = storage::LogManager;
  add(config.flush_check_interval, [](fiber::Fiber& f, Logs& l) { l.FlushDue(f); });
  add(config.recovery_point_checkpoint_interval, [](fiber::Fiber& f, Logs& l) { l.CheckpointRecoveryPoints(f); });
  add(config.log_start_offset_checkpoint_interval, [](fiber::Fiber& f, Logs& l) { l.CheckpointLogStarts(f); });
  add(config.high_watermark_checkpoint_interval, [](fiber::Fiber& f, Logs& l) { l.CheckpointHighWatermarks(f); });
  add(config.retention_check_interval, [](fiber::Fiber& f, Logs& l) { l.ApplyRetention(f); });
  add(kDeletedFilesEvery, [](fiber::Fiber& f, Logs& l) { l.RemoveDeletedFiles(f); });
  add(kProducerExpiryEvery, [](fiber::Fiber&, Logs& l) { l.ExpireProducers(); });
  return chores;
}

void Shard::SpawnChores(std::vector<Chore> chores) {
  ++maintenance_count_;
  env_.scheduler.Spawn("maintenance", [this, chores = std::move(chores)](fiber::Fiber& self) mutable {
    RunChores(self, std::move(chores));
  });
}

void Shard::StartMaintenance() {
  // One fiber each: a directory whose disk hangs holds up no other.
  for (const LogDirectories::Open& one : directories_.open()) SpawnChores(ChoresOf(*one.logs));
  const std::optional<Duration>& idle_max = options_.config.connection_idle_max;
  if (idle_max) {
    std::vector<Chore> chores;
    chores.push_back({*idle_max / 4, [this](fiber::Fiber&) { CloseIdleConnections(); }});
    SpawnChores(std::move(chores));
  }
  if (options_.config.cleaner_runs) StartCleaner();
}

storage::CleanerOptions Shard::OptionsOf(const config::CleanerConfig& config) const {
  storage::CleanerOptions cleaner;
  cleaner.map.memory_bytes = config.map_bytes / env_.shards.count();
  cleaner.map.load_percent = config.map_load_percent;
  cleaner.bytes_per_second_max = config.bytes_per_second_max;
  cleaner.chunk_bytes = config.buffer_bytes / 2;
  cleaner.backoff = std::max(config.backoff, Duration::Millis(1));
  return cleaner;
}

void Shard::ConfigureCleaner() {
  const auto config = config::ResolveCleanerConfig(metadata::BrokerLayers(view_->image, NodeViewOf(options_)));
  if (!config.ok()) {
    env_.log.Write(env::LogLevel::kError, "broker", "the cleaner keeps its settings",
                   {{"why", std::string(base::SV(config.status().message()))}});
    return;
  }
  if (*config == cleaner_config_) return;
  cleaner_config_ = *config;
  if (cleaner_ != nullptr) cleaner_->Configure(OptionsOf(cleaner_config_));
}

void Shard::StartCleaner() {
  std::vector<storage::LogManager*> logs;
  for (const LogDirectories::Open& one : directories_.open()) {
    if (one.takes_partitions()) logs.push_back(one.logs.get());
  }
  cleaner_ = std::make_unique<storage::Cleaner>(env_, OptionsOf(cleaner_config_), std::move(logs));
  env_.scheduler.Spawn("cleaner", [this](fiber::Fiber& self) {
    cleaner_->Run(self);
    cleaner_ended_.Set();
  });
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
      const bool is_over = drain_hurries_ || self.Now() >= deadline;
      if (state->open_request_count() == 0 || is_over) state->CloseSocket();
    }
  }
}

}  // namespace odradek::broker
