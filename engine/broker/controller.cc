#include "engine/broker/controller.h"

#include <fmt/format.h>

#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/config/def.h"

namespace odradek::broker {
namespace {

// SecurityProtocol.PLAINTEXT of Kafka.
constexpr int16_t kPlaintext = 0;

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
  return out;
}

absl::Status ToStatus(const metadata::MaybeFailure& failure, std::string_view what) {
  if (!failure) return absl::OkStatus();
  return base::FailedPrecondition(
      fmt::format("{}: {} ({})", what, failure->message, protocol::ErrorName(failure->code)));
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

Controller::Controller(env::Env& env, const NodeOptions& options, std::unique_ptr<MetadataLog> log, PublishView publish)
    : env_(env),
      options_(options),
      log_(std::move(log)),
      publish_(std::move(publish)),
      machine_(MachineOptions(options), log_->TakeFold(), env.context) {}

absl::StatusOr<std::unique_ptr<Controller>> Controller::Open(fiber::Fiber& self, env::Env& env,
                                                             storage::LogManager& logs, const NodeOptions& options,
                                                             const ControllerStart& start, PublishView publish) {
  absl::StatusOr<std::unique_ptr<MetadataLog>> log =
      MetadataLog::Open(self, env, logs, options, {options.config.node_id, start.metadata_dir, start.partition_folder});
  if (!log.ok()) return log.status();
  std::unique_ptr<Controller> controller(new Controller(env, options, std::move(*log), std::move(publish)));
  if (const absl::Status begun = controller->Begin(self, start); !begun.ok()) return begun;
  return controller;
}

absl::Status Controller::Begin(fiber::Fiber& self, const ControllerStart& start) {
  const fiber::MutexLock lock(self, deciding_);
  Commit(self, machine_.Activate());
  metadata::BrokerRegistration registration;
  registration.id = options_.config.node_id;
  registration.cluster_id = options_.cluster_id;
  const uint64_t high = env_.entropy.Next64();
  const uint64_t low = env_.entropy.Next64();
  registration.incarnation_id = Uuid::FromRandom(high, low);
  for (const config::Endpoint& endpoint : start.advertised) {
    registration.listeners.push_back(
        {endpoint.listener, endpoint.host, static_cast<uint16_t>(endpoint.port), kPlaintext});
  }
  registration.features[std::string(metadata::kMetadataVersionFeature)] = {metadata::kMetadataVersionMin.value(),
                                                                           metadata::kMetadataVersionMax.value()};
  // A log that Kafka began has finalized features that this version does not act on: their records are kept, and a
  // broker that did not claim them could not register.
  for (const auto& [name, level] : machine_.image().features())
    registration.features.try_emplace(name, metadata::LevelRange{0, level});
  if (!options_.config.rack.empty()) registration.rack = options_.config.rack;
  registration.log_dirs = start.log_dirs;
  // The lock of the data directory proves that no other process of this id runs.
  auto registered = machine_.RegisterBroker(registration, log_->last_offset() + 1, metadata::Session::kExpired);
  if (absl::Status status = ToStatus(registered.response.failure, "broker registration"); !status.ok()) return status;
  broker_epoch_ = registered.response.epoch;
  Commit(self, std::move(registered.records));
  auto unfenced = machine_.UnfenceBroker(options_.config.node_id, broker_epoch_);
  if (absl::Status status = ToStatus(unfenced.response, "broker unfencing"); !status.ok()) return status;
  Commit(self, std::move(unfenced.records));
  Publish(self);
  return absl::OkStatus();
}

void Controller::Commit(fiber::Fiber& self, std::vector<metadata::Record> records) {
  if (records.empty()) return;
  const metadata::MetadataVersion level = machine_.image().metadata_version().value_or(metadata::kMetadataVersionMax);
  if (log_->Append(self, records, level) == kNoOffset) {
    env_.process.Fatal(self, "the metadata log cannot be written");
  }
  for (const metadata::Record& record : records) {
    if (const auto* removed = std::get_if<protocol::RemoveTopicRecord>(&record)) {
      const metadata::TopicState* topic = machine_.image().FindTopicById(removed->topic_id);
      INVARIANT(topic != nullptr);
      env_.observer.On(env::TopicDeleted{topic->name, removed->topic_id});
    }
    const absl::Status replayed = machine_.Replay(record);
    INVARIANT(replayed.ok());
  }
  for (const metadata::Record& record : records) {
    if (const auto* changed = std::get_if<protocol::ConfigRecord>(&record)) LogChange(env_, *changed);
    const auto* made = std::get_if<protocol::TopicRecord>(&record);
    const metadata::TopicState* topic = made == nullptr ? nullptr : machine_.image().FindTopicById(made->topic_id);
    if (topic == nullptr) continue;
    env_.observer.On(env::TopicCreated{made->name, made->topic_id, static_cast<int32_t>(topic->partitions.size())});
  }
}

std::shared_ptr<const MetadataView> Controller::MakeView() const {
  auto view = std::make_shared<MetadataView>();
  view->image = machine_.state().visible();
  view->offset = log_->last_offset();
  return view;
}

void Controller::Publish(fiber::Fiber& self) {
  const std::vector<metadata::DirectoryAssignment> kept_elsewhere = publish_(self, MakeView());
  if (kept_elsewhere.empty()) return;
  auto assigned = machine_.AssignDirectories(options_.config.node_id, broker_epoch_, kept_elsewhere);
  INVARIANT(!assigned.response);
  if (assigned.records.empty()) return;
  REACHED(env_.context, "broker.metadata.directories_assigned");
  Commit(self, std::move(assigned.records));
  publish_(self, MakeView());
}

// Decides, makes it durable, publishes it, and returns the answer.
template <typename Decide>
auto Controller::DecideAndCommit(fiber::Fiber& self, Decide decide) {
  auto outcome = decide();
  if (!outcome.records.empty()) {
    Commit(self, std::move(outcome.records));
    Publish(self);
  }
  return std::move(outcome.response);
}

template <typename Request, typename Decide>
auto Controller::DecideInTime(fiber::Fiber& self, const Request& request, Decide decide) {
  using Response = decltype(decide().response);
  std::optional<Response> response;
  if (request.timeout_ms <= 0) return response;
  const fiber::MutexLock lock(self, deciding_, self.Now() + Duration::Millis(request.timeout_ms));
  if (!lock.owns()) {
    REACHED(env_.context, "broker.controller.request_timed_out");
    return response;
  }
  response = DecideAndCommit(self, decide);
  return response;
}

std::optional<protocol::CreateTopicsResponse> Controller::CreateTopics(fiber::Fiber& self,
                                                                       const protocol::CreateTopicsRequest& request) {
  return DecideInTime(self, request, [&] {
    base::Prng draws(env_.entropy.Next64());
    return machine_.CreateTopics(request, draws);
  });
}

std::optional<protocol::DeleteTopicsResponse> Controller::DeleteTopics(fiber::Fiber& self,
                                                                       const protocol::DeleteTopicsRequest& request,
                                                                       int16_t version) {
  return DecideInTime(self, request, [&] { return machine_.DeleteTopics(request, version); });
}

std::optional<protocol::CreatePartitionsResponse> Controller::CreatePartitions(
    fiber::Fiber& self, const protocol::CreatePartitionsRequest& request) {
  return DecideInTime(self, request, [&] {
    base::Prng draws(env_.entropy.Next64());
    return machine_.CreatePartitions(request, draws);
  });
}

protocol::IncrementalAlterConfigsResponse Controller::IncrementalAlterConfigs(
    fiber::Fiber& self, const protocol::IncrementalAlterConfigsRequest& request) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_.IncrementalAlterConfigs(request); });
}

protocol::AlterConfigsResponse Controller::AlterConfigs(fiber::Fiber& self,
                                                        const protocol::AlterConfigsRequest& request) {
  const fiber::MutexLock lock(self, deciding_);
  return DecideAndCommit(self, [&] { return machine_.AlterConfigs(request); });
}

AllocatedProducerId Controller::AllocateProducerId(fiber::Fiber& self) {
  const fiber::MutexLock lock(self, deciding_);
  AllocatedProducerId allocated;
  if (next_producer_id_ == producer_ids_end_) {
    auto outcome = machine_.AllocateProducerIds(options_.config.node_id, broker_epoch_);
    if (outcome.response.failure) {
      allocated.error = outcome.response.failure->code;
      return allocated;
    }
    Commit(self, std::move(outcome.records));
    next_producer_id_ = outcome.response.first;
    producer_ids_end_ = ProducerId(next_producer_id_.value() + outcome.response.count);
    REACHED(env_.context, "broker.producer_ids.new_block");
  }
  allocated.id = next_producer_id_;
  next_producer_id_ = ProducerId(next_producer_id_.value() + 1);
  return allocated;
}

void Controller::StartMaintenance() {
  maintenance_started_ = true;
  env_.scheduler.Spawn("controller maintenance", [this](fiber::Fiber& self) { RunMaintenance(self); });
}

void Controller::Stop(fiber::Fiber& self) {
  stop_.Set();
  if (maintenance_started_) maintenance_ended_.Wait(self);
}

void Controller::RunMaintenance(fiber::Fiber& self) {
  constexpr Duration kSnapshotCheck = Duration::Seconds(1);
  const Duration no_op_every = options_.config.no_op_interval.value_or(Duration::kMax);
  MonoTime no_op_due = self.Now() + no_op_every;
  while (stop_.WaitUntil(self, std::min(no_op_due, self.Now() + kSnapshotCheck)) == fiber::Wake::kTimeout) {
    const fiber::MutexLock lock(self, deciding_);
    if (self.Now() >= no_op_due) {
      Commit(self, {protocol::NoOpRecord{}});
      no_op_due = self.Now() + no_op_every;
    }
    if (!log_->IsSnapshotDue()) continue;
    const absl::Status written = log_->WriteSnapshot(self, machine_.image());
    if (!written.ok()) {
      env_.log.Write(env::LogLevel::kError, "broker", "metadata snapshot cannot be written",
                     {{"why", written.ToString()}});
    }
  }
  maintenance_ended_.Set();
}

}  // namespace odradek::broker
