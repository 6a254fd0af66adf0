#include "engine/broker/controller.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/config/def.h"
#include "engine/metadata/elections.h"
#include "engine/raft/raft.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

// How long a leader that stops waits for the others to know it.
constexpr Duration kHandOverMax = Duration::Seconds(1);

metadata::ControllerOptions MachineOptions(const NodeOptions& options) {
  metadata::ControllerOptions out;
  out.node_id = options.config.node_id;
  out.cluster_id = options.cluster_id;
  out.default_partition_count = options.config.num_partitions;
  out.default_replication_factor = options.config.default_replication_factor;
  out.topic_deletion = options.config.delete_topics ? metadata::ControllerOptions::TopicDeletion::kAllowed
                                                    : metadata::ControllerOptions::TopicDeletion::kDisabled;
  out.static_properties = options.static_properties;
  out.producer_id_block_size = options.producer_id_block_size;
  // Without it the last member of an ISR may be one that has lost what it had (KIP-966). A node alone has no others.
  const bool is_alone = options.config.quorum.voters.size() <= 1 && options.config.role != config::Role::kController;
  if (!is_alone) out.bootstrap_features[std::string(metadata::kElrFeature)] = 1;
  return out;
}

void LogChange(env::Env& env, const protocol::ConfigRecord& change) {
  const bool is_topic = static_cast<metadata::ResourceType>(change.resource_type) == metadata::ResourceType::kTopic;
  const config::ConfigDef* const def =
      is_topic ? config::FindTopicDef(change.name) : config::FindBrokerDef(change.name);
  const bool is_secret = def == nullptr || def->type == config::Type::kPassword;
  const std::string_view name = change.resource_name.empty() ? "every" : std::string_view(change.resource_name);
  env.log.Write(env::LogLevel::kInfo, "broker", "configuration changed",
                {{"of", fmt::format("{} {}", is_topic ? "topic" : "broker", name)},
                 {"name", change.name},
                 {"value", !change.value ? "(removed)"
                           : is_secret   ? "(hidden)"
                                         : *change.value}});
}

}  // namespace

Controller::Controller(env::Env& env, const NodeOptions& options, std::unique_ptr<QuorumLog> log, BrokerHooks broker)
    : env_(env),
      options_(options),
      log_(std::move(log)),
      broker_(std::move(broker)),
      heartbeats_(options.config.session_timeout),
      last_snapshot_(env.clock.Now()),
      oldest_snapshot_(env.clock.Now()) {}

absl::StatusOr<std::unique_ptr<Controller>> Controller::Open(fiber::Fiber& self, env::Env& env,
                                                             storage::LogManager& logs, const NodeOptions& options,
                                                             const ControllerStart& start, BrokerHooks broker) {
  absl::StatusOr<std::unique_ptr<QuorumLog>> log = QuorumLog::Open(
      self, env, logs, options, {start.metadata_dir, start.partition_folder, StaticVoters(options, start)});
  if (!log.ok()) return log.status();
  return std::unique_ptr<Controller>(new Controller(env, options, std::move(*log), std::move(broker)));
}

raft::VoterSet Controller::StaticVoters(const NodeOptions& options, const ControllerStart& start) {
  const std::vector<config::QuorumVoter>& named = options.config.quorum.voters;
  // Directory ids are not known, and any will do (KIP-595).
  if (named.empty()) return raft::VoterSet({{{options.config.node_id, Uuid()}, start.quorum_endpoints, {}}});
  const std::string& listener = start.quorum_endpoints.front().listener;
  std::vector<raft::Voter> voters;
  for (const config::QuorumVoter& voter : named) {
    const auto port = static_cast<uint16_t>(voter.address.port);
    voters.push_back({{voter.id, Uuid()}, {{listener, voter.address.host, port}}, {}});
  }
  return raft::VoterSet(std::move(voters));
}

raft::Options Controller::QuorumOptions(const NodeOptions& options, const ControllerStart& start) {
  const config::QuorumConfig& config = options.config.quorum;
  raft::Options out;
  out.self = {options.config.node_id, start.metadata_dir};
  out.endpoints = start.quorum_endpoints;
  out.listener = start.quorum_endpoints.front().listener;
  out.static_voters = StaticVoters(options, start);
  out.timeouts.election = config.election_timeout;
  out.timeouts.election_jitter_max = config.election_timeout;
  out.timeouts.election_backoff_max = config.election_backoff_max;
  out.timeouts.fetch = config.fetch_timeout;
  out.timeouts.request = config.request_timeout;
  out.timeouts.retry_backoff = config.retry_backoff;
  out.timeouts.fetch_wait_max = std::min(out.timeouts.fetch_wait_max, config.fetch_timeout / 4);
  out.limits.fetch_bytes_max = config.fetch_bytes_max;
  out.limits.snapshot_fetch_bytes_max = config.snapshot_fetch_bytes_max;
  return out;
}

void Controller::JoinQuorum(const ControllerStart& start) {
  QuorumLog::Found found = log_->TakeFound();
  ReplaceState(std::move(found.at_snapshot));
  start_fold_ = std::move(found.at_end);
  deleted_before_ = std::move(found.deleted);
  raft::Options raft_options = QuorumOptions(options_, start);
  raft_options.draw_seed = env_.entropy.Next64();
  quorum_ = std::make_unique<Quorum>(
      env_, *log_,
      Quorum::Start{.options = raft_options,
                    .identity = {.cluster_id = options_.cluster_id, .listener = raft_options.listener},
                    .found = std::move(found)});
  link_ = std::make_unique<ControllerLink>(env_, *quorum_);
  running_ = 3;
  const auto spawn = [this](std::string_view name, auto run) {
    env_.scheduler.Spawn(name, [this, run](fiber::Fiber& self) {
      run(self);
      --running_;
      ended_.WakeAll();
    });
  };
  spawn("quorum", [this](fiber::Fiber& self) { quorum_->Run(self); });
  spawn("metadata applier", [this](fiber::Fiber& self) { RunApplier(self); });
  spawn("controller maintenance", [this](fiber::Fiber& self) { RunMaintenance(self); });
}

void Controller::Stop(fiber::Fiber& self) {
  quorum_->Stop(self, kHandOverMax);
  stopping_ = true;
  link_->Close();
  quorum_->changed().WakeAll();
  stop_.WakeAll();
  while (running_ > 0) ended_.Wait(self);
}

void Controller::Must(fiber::Fiber& self, const absl::Status& status) {
  if (!status.ok()) env_.process.Fatal(self, base::SV(status.message()));
}

// --- The node as a broker.

bool Controller::WaitUntilApplied(fiber::Fiber& self, Offset offset) {
  const MonoTime deadline = self.Now() + kAskPatience;
  while (applied_.offset <= offset) {
    if (stopping_ || applied_changed_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) break;
  }
  return applied_.offset > offset;
}

void Controller::PublishFromNowOn(fiber::Fiber& self) {
  publishes_ = true;
  quorum_->changed().WakeAll();
  while (!has_published_ && !stopping_) applied_changed_.Wait(self);
  TellKept(self);
}

// --- What is committed.

void Controller::ReplaceState(MetadataFold state) {
  machine_.emplace(MachineOptions(options_), std::move(state.fold), env_.context);
  applied_ = state.end;
  changed_since_published_ = true;
}

void Controller::RunApplier(fiber::Fiber& self) {
  while (!stopping_) {
    const Offset committed = MUTATION(env_.context, RF21) ? quorum_->machine().log().end() : quorum_->high_watermark();
    if (committed > applied_.offset) {
      ApplyTo(self, committed);
      continue;
    }
    if (publishes_ && changed_since_published_) {
      Publish(self);
      continue;
    }
    published_ = applied_.offset;
    applied_changed_.WakeAll();
    quorum_->changed().Wait(self);
  }
  // Who waits for more waits in vain.
  applied_changed_.WakeAll();
}

void Controller::ApplyTo(fiber::Fiber& self, Offset end) {
  const raft::LogFacts& facts = quorum_->machine().log();
  if (facts.start() > applied_.offset) {
    // The leader's snapshot replaced the log.
    const std::optional<raft::SnapshotId> newest = facts.latest_snapshot();
    INVARIANT(newest.has_value());
    if (MUTATION(env_.context, RF26)) {
      applied_.offset = newest->offset;
      return;
    }
    absl::StatusOr<MetadataFold> loaded = log_->LoadSnapshot(self, *newest);
    Must(self, loaded.status());
    start_fold_.reset();
    return ReplaceState(*std::move(loaded));
  }
  if (start_fold_) {
    const Offset known = start_fold_->end.offset;
    if (known <= end && known <= quorum_->kept_since_start()) {
      ReplaceState(*std::move(start_fold_));
      start_fold_.reset();
      for (const auto& deleted : std::exchange(deleted_before_, {})) {
        if (machine_->image().FindTopic(deleted.name) != nullptr) continue;
        env_.observer.On(env::TopicDeleted{deleted.name, deleted.id});
      }
      return;
    }
    start_fold_.reset();
  }
  Must(self, log_->Replay(self, end, applied_, [this](const metadata::Record& record) { return Apply(record); }));
  TellCreated();
}

absl::Status Controller::Apply(const metadata::Record& record) {
  const auto* removed = std::get_if<protocol::RemoveTopicRecord>(&record);
  const metadata::TopicState* topic = removed == nullptr ? nullptr : machine_->image().FindTopicById(removed->topic_id);
  if (topic != nullptr) env_.observer.On(env::TopicDeleted{topic->name, removed->topic_id});
  absl::Status applied = machine_->Replay(record);
  if (!applied.ok()) return applied;
  if (!std::holds_alternative<protocol::NoOpRecord>(record)) changed_since_published_ = true;
  if (const auto* changed = std::get_if<protocol::ConfigRecord>(&record)) LogChange(env_, *changed);
  if (const auto* created = std::get_if<protocol::TopicRecord>(&record)) created_.push_back(*created);
  return applied;
}

void Controller::TellCreated() {
  for (const protocol::TopicRecord& created : std::exchange(created_, {})) {
    const metadata::TopicState* topic = machine_->image().FindTopicById(created.topic_id);
    if (topic == nullptr) continue;
    env_.observer.On(env::TopicCreated{created.name, created.topic_id, static_cast<int32_t>(topic->partitions.size())});
  }
}

void Controller::Publish(fiber::Fiber& self) {
  auto view = std::make_shared<MetadataView>();
  view->image = machine_->state().visible();
  view->offset = applied_.offset - 1;
  changed_since_published_ = false;
  kept_elsewhere_ = broker_.publish(self, std::move(view));
  has_published_ = true;
}

// --- Decisions.

std::optional<Controller::Decider> Controller::active() const {
  const Quorum::Leadership& leadership = quorum_->leadership();
  bool knows_all = leadership.epoch_start && published_ > *leadership.epoch_start;
  if (MUTATION(env_.context, RF14)) knows_all = leadership.epoch_start.has_value();
  if (MUTATION(env_.context, CT11)) {
    knows_all = leadership.epoch_start && quorum_->high_watermark() > *leadership.epoch_start;
  }
  return knows_all ? std::optional(leadership.epoch) : std::nullopt;
}

std::optional<Controller::Decider> Controller::Activate(fiber::Fiber& self) {
  REQUIRES(deciding_.is_locked());
  const std::optional<Decider> decider = active();
  if (!decider || activated_ == decider) return decider;
  REACHED(env_.context, "broker.controller.activated");
  if (!Commit(self, *decider, machine_->Activate())) return std::nullopt;
  activated_ = decider;
  heartbeats_.Begin(machine_->image(), self.Now());
  last_balance_ = last_unclean_elections_ = self.Now();
  return decider;
}

bool Controller::Commit(fiber::Fiber& self, Decider decider, std::vector<metadata::Record> records) {
  REQUIRES(deciding_.is_locked());
  if (records.empty()) return true;
  metadata::BatchesOptions options;
  options.leader_epoch = decider;
  options.timestamp = env_.clock.WallNow().timestamp();
  options.level = machine_->image().metadata_version().value_or(metadata::kMetadataVersionMax);
  Quorum::Batches batches;
  for (const ByteBuffer& batch : metadata::EncodeBatches(records, options)) {
    const record::HeaderResult header = record::ParseHeader(batch);
    INVARIANT(header.ok());
    batches.record_counts.push_back(header.header.record_count);
    AppendBytes(batches.bytes, batch);
  }
  const std::optional<Quorum::Appended> appended = quorum_->Propose(self, decider, std::move(batches));
  if (!appended) return false;
  if (MUTATION(env_.context, CT01)) return true;
  while (published_ < appended->end) {
    const Quorum::Leadership& leadership = quorum_->leadership();
    if (stopping_ || leadership.epoch != decider || !leadership.epoch_start) {
      REACHED(env_.context, "broker.controller.deposed_while_deciding");
      return false;
    }
    applied_changed_.Wait(self);
  }
  return true;
}

void Controller::AssignKept(fiber::Fiber& self, Decider decider) {
  REQUIRES(deciding_.is_locked());
  const std::vector<metadata::DirectoryAssignment> kept = std::exchange(kept_elsewhere_, {});
  if (kept.empty()) return;
  auto assigned = machine_->AssignDirectories(options_.config.node_id, broker_epoch_, kept);
  if (assigned.response || assigned.records.empty()) return;
  REACHED(env_.context, "broker.metadata.directories_assigned");
  Commit(self, decider, std::move(assigned.records));
  kept_elsewhere_.clear();
}

void Controller::NoteLost(fiber::Fiber& self) {
  if (!has_published_) return;
  const BrokerHooks::Assignments lost = broker_.find_lost(self);
  kept_elsewhere_.insert(kept_elsewhere_.end(), lost.begin(), lost.end());
}

void Controller::TellKept(fiber::Fiber& self) {
  if (kept_elsewhere_.empty()) return;
  {
    const fiber::MutexLock lock(self, deciding_);
    if (const std::optional<Decider> decider = Activate(self)) return AssignKept(self, *decider);
  }
  protocol::AssignReplicasToDirsRequest request;
  request.broker_id = options_.config.node_id.value();
  request.broker_epoch = broker_epoch_.value();
  for (const metadata::DirectoryAssignment& kept : std::exchange(kept_elsewhere_, {})) {
    auto& directory = request.directories.emplace_back();
    directory.id = kept.directory;
    auto& topic = directory.topics.emplace_back();
    topic.topic_id = kept.topic;
    topic.partitions.emplace_back().partition_index = kept.partition.value();
  }
  // What is refused or lost is told again with the next view.
  link_->Ask<protocol::AssignReplicasToDirsResponse>(self, request, request.kMaxVersion, kAskPatience);
}

template <typename Decision>
auto Controller::DecideAndCommit(fiber::Fiber& self, Decision decide) {
  Decided<decltype(decide().response)> decided{.error = ErrorCode::kNotController};
  const std::optional<Decider> decider = Activate(self);
  if (!decider) return decided;
  auto outcome = decide();
  const bool decides_something = !outcome.records.empty();
  if (!Commit(self, *decider, std::move(outcome.records))) return decided;
  if (decides_something) AssignKept(self, *decider);
  decided.error = ErrorCode::kNone;
  decided.response = std::move(outcome.response);
  return decided;
}

template <typename Request, typename Decision>
auto Controller::DecideInTime(fiber::Fiber& self, const Request& request, Decision decide) {
  using Response = decltype(decide().response);
  if (request.timeout_ms <= 0) return Decided<Response>{.error = ErrorCode::kRequestTimedOut};
  const fiber::MutexLock lock(self, deciding_, self.Now() + Duration::Millis(request.timeout_ms));
  if (!lock.owns()) {
    REACHED(env_.context, "broker.controller.request_timed_out");
    return Decided<Response>{.error = ErrorCode::kRequestTimedOut};
  }
  return DecideAndCommit(self, decide);
}

Decided<protocol::CreateTopicsResponse> Controller::CreateTopics(fiber::Fiber& self,
                                                                 const protocol::CreateTopicsRequest& request) {
  return DecideInTime(self, request, [&] {
    base::Prng draws(env_.entropy.Next64());
    return machine_->CreateTopics(request, draws);
  });
}

Decided<protocol::DeleteTopicsResponse> Controller::DeleteTopics(fiber::Fiber& self,
                                                                 const protocol::DeleteTopicsRequest& request,
                                                                 int16_t version) {
  return DecideInTime(self, request, [&] { return machine_->DeleteTopics(request, version); });
}

Decided<protocol::CreatePartitionsResponse> Controller::CreatePartitions(
    fiber::Fiber& self, const protocol::CreatePartitionsRequest& request) {
  return DecideInTime(self, request, [&] {
    base::Prng draws(env_.entropy.Next64());
    return machine_->CreatePartitions(request, draws);
  });
}

Decided<protocol::IncrementalAlterConfigsResponse> Controller::IncrementalAlterConfigs(
    fiber::Fiber& self, const protocol::IncrementalAlterConfigsRequest& request) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_->IncrementalAlterConfigs(request); });
}

Decided<protocol::AlterConfigsResponse> Controller::AlterConfigs(fiber::Fiber& self,
                                                                 const protocol::AlterConfigsRequest& request) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_->AlterConfigs(request); });
}

AllocatedProducerId Controller::AllocateProducerId(fiber::Fiber& self) {
  // One block is asked for at a time.
  const fiber::MutexLock lock(self, allocating_);
  AllocatedProducerId allocated;
  if (next_producer_id_ == producer_ids_end_) {
    protocol::AllocateProducerIdsRequest request;
    request.broker_id = options_.config.node_id.value();
    request.broker_epoch = broker_epoch_.value();
    const auto answer = AskActive<protocol::AllocateProducerIdsResponse>(self, request);
    allocated.error = answer.error;
    if (allocated.error == ErrorCode::kNone) allocated.error = static_cast<ErrorCode>(answer.response.error_code);
    // Nobody leads now: the client asks again.
    if (allocated.error == ErrorCode::kNotController || allocated.error == ErrorCode::kNetworkException) {
      allocated.error = ErrorCode::kCoordinatorLoadInProgress;
    }
    if (allocated.error != ErrorCode::kNone) return allocated;
    next_producer_id_ = ProducerId(answer.response.producer_id_start);
    producer_ids_end_ = ProducerId(answer.response.producer_id_start + answer.response.producer_id_len);
    REACHED(env_.context, "broker.producer_ids.new_block");
  }
  allocated.id = next_producer_id_;
  next_producer_id_ = ProducerId(next_producer_id_.value() + 1);
  return allocated;
}

Decided<protocol::AllocateProducerIdsResponse> Controller::Decide(fiber::Fiber& self,
                                                                  const protocol::AllocateProducerIdsRequest& request,
                                                                  int16_t) {
  const fiber::MutexLock lock(self, deciding_);
  const auto decided = DecideAndCommit(self, [&] {
    return machine_->AllocateProducerIds(NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
  });
  Decided<protocol::AllocateProducerIdsResponse> out{.error = decided.error};
  if (!decided.response) return out;
  out.response.emplace();
  if (decided.response->failure) {
    out.response->error_code = protocol::ToWire(decided.response->failure->code);
    return out;
  }
  out.response->producer_id_start = decided.response->first.value();
  out.response->producer_id_len = static_cast<int32_t>(decided.response->count);
  return out;
}

Decided<protocol::BrokerRegistrationResponse> Controller::Decide(fiber::Fiber& self,
                                                                 const protocol::BrokerRegistrationRequest& request,
                                                                 int16_t) {
  const fiber::MutexLock lock(self, deciding_);
  Decided<protocol::BrokerRegistrationResponse> out{.error = ErrorCode::kNotController};
  if (!Activate(self)) return out;
  const NodeId id(request.broker_id);
  const metadata::BrokerState* const known = machine_->image().FindBroker(id);
  // This process holds the lock of the data directory: no other one of its id runs.
  const bool is_self = id == options_.config.node_id;
  const metadata::Session session =
      known == nullptr || is_self ? metadata::Session::kExpired : heartbeats_.SessionOf({id, known->epoch}, self.Now());
  const auto decided = DecideAndCommit(self, [&] {
    return machine_->RegisterBroker(metadata::ToRegistration(request), quorum_->machine().log().end(), session);
  });
  out.error = decided.error;
  if (!decided.response) return out;
  out.response.emplace();
  if (decided.response->failure) {
    out.response->error_code = protocol::ToWire(decided.response->failure->code);
    env_.log.Write(env::LogLevel::kWarning, "broker", "a broker may not register",
                   {{"broker", fmt::format("{}", request.broker_id)}, {"why", decided.response->failure->message}});
    if (is_self) last_registration_problem_ = decided.response->failure->message;
    return out;
  }
  heartbeats_.Registered({id, decided.response->epoch}, self.Now());
  out.response->broker_epoch = decided.response->epoch.value();
  return out;
}

Decided<protocol::BrokerHeartbeatResponse> Controller::Decide(fiber::Fiber& self,
                                                              const protocol::BrokerHeartbeatRequest& request,
                                                              int16_t) {
  const metadata::BrokerIdentity broker{NodeId(request.broker_id), BrokerEpoch(request.broker_epoch)};
  // Also if others keep the controller busy for longer than the session.
  if (activated_ && activated_ == active()) {
    heartbeats_.Received(broker, Offset(request.current_metadata_offset), self.Now());
  }
  const fiber::MutexLock lock(self, deciding_);
  Decided<protocol::BrokerHeartbeatResponse> out{.error = ErrorCode::kNotController};
  if (!Activate(self)) return out;
  heartbeats_.Received(broker, Offset(request.current_metadata_offset), self.Now());
  const auto decided = DecideAndCommit(self, [&] {
    protocol::BrokerHeartbeatRequest beat = request;
    const Offset end = quorum_->machine().log().end();
    if (MUTATION(env_.context, CT17) && Offset(beat.current_metadata_offset + 1) < end)
      beat.current_metadata_offset = -1;
    return machine_->Heartbeat(beat, heartbeats_);
  });
  out.error = decided.error;
  if (!decided.response) return out;
  if (!decided.response->failure) heartbeats_.Decided(broker, decided.response->control, applied_.offset - 1);
  out.response = metadata::ToResponse(*decided.response);
  return out;
}

Decided<protocol::AssignReplicasToDirsResponse> Controller::Decide(fiber::Fiber& self,
                                                                   const protocol::AssignReplicasToDirsRequest& request,
                                                                   int16_t) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_->AssignReplicasToDirs(request); });
}

Decided<protocol::AlterPartitionResponse> Controller::Decide(fiber::Fiber& self,
                                                             const protocol::AlterPartitionRequest& request,
                                                             int16_t version) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_->AlterPartition(request, version); });
}

Decided<protocol::ElectLeadersResponse> Controller::Decide(fiber::Fiber& self,
                                                           const protocol::ElectLeadersRequest& request,
                                                           int16_t version) {
  return DecideInTime(self, request, [&] { return machine_->ElectLeaders(request, version); });
}

Decided<protocol::AlterPartitionReassignmentsResponse> Controller::Decide(
    fiber::Fiber& self, const protocol::AlterPartitionReassignmentsRequest& request, int16_t) {
  return DecideInTime(self, request, [&] { return machine_->AlterPartitionReassignments(request); });
}

Decided<protocol::ListPartitionReassignmentsResponse> Controller::Decide(
    fiber::Fiber& self, const protocol::ListPartitionReassignmentsRequest& request, int16_t) {
  using Listed = metadata::Outcome<protocol::ListPartitionReassignmentsResponse>;
  return DecideInTime(self, request, [&] { return Listed{{}, machine_->ListPartitionReassignments(request)}; });
}

Decided<protocol::UnregisterBrokerResponse> Controller::Decide(fiber::Fiber& self,
                                                               const protocol::UnregisterBrokerRequest& request,
                                                               int16_t) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_->UnregisterBroker(request); });
}

// --- Elections that nobody asks for.

// What others ask for comes in between the pieces.
template <typename Decision>
void Controller::DecideInPieces(fiber::Fiber& self, Decision decide) {
  for (auto progress = metadata::Progress::kMore; progress == metadata::Progress::kMore && !stopping_;) {
    const fiber::MutexLock lock(self, deciding_);
    progress = DecideAndCommit(self, decide).response.value_or(metadata::Progress::kDone);
  }
}

void Controller::HoldElections(fiber::Fiber& self) {
  const std::optional<Duration> balance_every = options_.config.leader_balance_interval;
  if (balance_every && self.Now() - last_balance_ >= *balance_every) {
    last_balance_ = self.Now();
    DecideInPieces(self, [this] {
      auto outcome = machine_->BalanceLeaders();
      if (!outcome.records.empty()) REACHED(env_.context, "broker.controller.balanced_leaders");
      return outcome;
    });
  }
  if (self.Now() - last_unclean_elections_ < options_.config.unclean_election_interval) return;
  last_unclean_elections_ = self.Now();
  DecideInPieces(self, [this] { return machine_->ElectUncleanLeaders(); });
}

}  // namespace odradek::broker
