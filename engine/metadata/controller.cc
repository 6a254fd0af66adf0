#include "engine/metadata/controller.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/elections.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

constexpr std::string_view kElrFeature = "eligible.leader.replicas.version";
constexpr std::string_view kMinInsyncReplicas = "min.insync.replicas";

Record LevelRecord(std::string_view name, int16_t level) {
  protocol::FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

// min.insync.replicas for the whole cluster, as the first controller's file has it.
Record ClusterMinimum(const config::PropertyMap& static_properties) {
  const config::ConfigDef* const def = config::FindBrokerDef(kMinInsyncReplicas);
  INVARIANT(def != nullptr);
  const auto value = config::ResolveBroker({.static_broker = &static_properties}, *def).value;
  INVARIANT(value.has_value());
  protocol::ConfigRecord record;
  record.resource_type = static_cast<int8_t>(ResourceType::kBroker);
  record.name = kMinInsyncReplicas;
  record.value = value->text;
  return record;
}

protocol::RegisterBrokerRecord ToRecord(const BrokerRegistration& request, MetadataVersion level) {
  protocol::RegisterBrokerRecord record;
  record.broker_id = request.id.value();
  record.incarnation_id = request.incarnation_id;
  for (const ListenerState& l : request.listeners) {
    record.end_points.push_back({l.name, l.host, l.port, l.security_protocol});
  }
  for (const auto& [name, range] : request.features) record.features.push_back({name, range.min, range.max});
  record.rack = request.rack;
  if (level >= kDirectoriesFrom) record.log_dirs = request.log_dirs;
  return record;
}

// A broker must be able to work at every level that is finalized.
MaybeFailure CheckFeatures(const Image& image, const BrokerRegistration& request) {
  for (const auto& [name, level] : image.features()) {
    const auto at = request.features.find(name);
    const LevelRange range = at == request.features.end() ? LevelRange{} : at->second;
    if (level >= range.min && level <= range.max) continue;
    return Failure{ErrorCode::kUnsupportedVersion,
                   fmt::format("Broker {} supports levels {} to {} of {}, but {} is finalized", request.id.value(),
                               range.min, range.max, name, level)};
  }
  return std::nullopt;
}

MaybeFailure CheckRegistration(const BrokerRegistration& request) {
  const auto failure = [](std::string message) { return Failure{ErrorCode::kInvalidRegistration, std::move(message)}; };
  if (request.id < NodeId(0)) return failure(fmt::format("Broker id {} is negative", request.id.value()));
  if (request.listeners.empty()) return failure("A broker needs a listener");
  if (request.incarnation_id.is_zero()) return failure("A broker needs an incarnation id");
  for (size_t i = 0; i < request.log_dirs.size(); ++i) {
    const Uuid& dir = request.log_dirs[i];
    if (dir.high == 0 && dir.low < 100) return failure(fmt::format("Directory id {} is reserved", dir.ToString()));
    for (size_t j = 0; j < i; ++j) {
      if (request.log_dirs[j] == dir) return failure(fmt::format("Directory id {} is there twice", dir.ToString()));
    }
  }
  return std::nullopt;
}

Record ChangeRecord(NodeId id, BrokerEpoch epoch, int8_t fenced) {
  protocol::BrokerRegistrationChangeRecord record;
  record.broker_id = id.value();
  record.broker_epoch = epoch.value();
  record.fenced = fenced;
  return record;
}

constexpr int8_t kFence = 1;
constexpr int8_t kUnfence = -1;

}  // namespace

Controller::Controller(ControllerOptions options, Fold state, base::Context& context)
    : options_(std::move(options)), state_(std::move(state)), context_(context) {
  REQUIRES(options_.producer_id_block_size >= 1);
  REQUIRES(options_.default_partition_count >= 1);
  REQUIRES(options_.default_replication_factor >= 1);
}

std::vector<Record> Controller::Activate() const {
  std::vector<Record> records;
  if (state_.in_transaction()) {
    protocol::AbortTransactionRecord abort;
    abort.reason = "controller failover";
    records.emplace_back(std::move(abort));
  }
  if (state_.visible().metadata_version()) return records;
  protocol::BeginTransactionRecord begin;
  begin.name = "Bootstrap records";
  records.emplace_back(std::move(begin));
  records.push_back(LevelRecord(kMetadataVersionFeature, kMetadataVersionMax.value()));
  for (const auto& [name, level] : options_.bootstrap_features) {
    if (level > 0 && name != kMetadataVersionFeature) records.push_back(LevelRecord(name, level));
  }
  // With eligible leader replicas the cluster-wide minimum must be in the log: elections depend on it (KIP-966).
  const auto elr = options_.bootstrap_features.find(std::string(kElrFeature));
  if (elr != options_.bootstrap_features.end() && elr->second > 0) {
    records.push_back(ClusterMinimum(options_.static_properties));
  }
  records.emplace_back(protocol::EndTransactionRecord());
  return records;
}

MaybeFailure Controller::CheckEpoch(NodeId broker, BrokerEpoch epoch) const {
  const BrokerState* const state = image().FindBroker(broker);
  if (state == nullptr) {
    return Failure{ErrorCode::kBrokerIdNotRegistered, fmt::format("Broker {} is not registered", broker.value())};
  }
  if (state->epoch == epoch) return std::nullopt;
  return Failure{ErrorCode::kStaleBrokerEpoch,
                 fmt::format("Broker {} has epoch {}, not {}", broker.value(), state->epoch.value(), epoch.value())};
}

Outcome<ProducerIdBlock> Controller::AllocateProducerIds(NodeId broker, BrokerEpoch epoch) const {
  Outcome<ProducerIdBlock> outcome;
  outcome.response.failure = CheckEpoch(broker, epoch);
  if (outcome.response.failure) return outcome;
  const ProducerIdState& state = image().producer_ids();
  ProducerId first = state.next;
  // As if a restarted process had forgotten which blocks it gave away: it has a new epoch.
  if (MUTATION(context_, ID20) && state.broker_epoch != epoch) first = ProducerId(0);
  const int64_t count = options_.producer_id_block_size;
  if (first.value() > std::numeric_limits<int64_t>::max() - count) {
    outcome.response.failure = Failure{ErrorCode::kUnknownServerError, "All producer ids have been given away"};
    return outcome;
  }
  protocol::ProducerIdsRecord record;
  record.broker_id = broker.value();
  record.broker_epoch = epoch.value();
  record.next_producer_id = std::max(first.value() + count, state.next.value());
  outcome.records.emplace_back(record);
  outcome.response.first = first;
  outcome.response.count = count;
  return outcome;
}

Outcome<RegistrationResult> Controller::RegisterBroker(const BrokerRegistration& request, Offset next_offset,
                                                       Session session) const {
  REQUIRES(next_offset >= Offset(0));
  Outcome<RegistrationResult> outcome;
  MaybeFailure& failure = outcome.response.failure;
  if (request.cluster_id != options_.cluster_id) {
    failure = Failure{ErrorCode::kInconsistentClusterId,
                      fmt::format("Broker {} is of cluster {}, this is cluster {}", request.id.value(),
                                  request.cluster_id, options_.cluster_id)};
    return outcome;
  }
  failure = CheckRegistration(request);
  if (!failure) failure = CheckFeatures(image(), request);
  if (failure) return outcome;
  const BrokerState* const existing = image().FindBroker(request.id);
  const bool is_same_process = existing != nullptr && existing->incarnation_id == request.incarnation_id;
  if (existing != nullptr && !is_same_process && session == Session::kLive) {
    failure = Failure{ErrorCode::kDuplicateBrokerRegistration,
                      fmt::format("Another broker is registered with id {} and alive", request.id.value())};
    return outcome;
  }
  protocol::RegisterBrokerRecord record = ToRecord(request, image().metadata_version().value_or(kMetadataVersionMax));
  record.broker_epoch = is_same_process ? existing->epoch.value() : next_offset.value();
  record.fenced = !is_same_process || existing->fenced;
  record.in_controlled_shutdown = is_same_process && existing->in_controlled_shutdown;
  // What the earlier process led and had in sync is over before the new one is known.
  if (existing != nullptr && !is_same_process) {
    outcome.records = ElectAfter(image(), node_view(), Departure{request.id});
  }
  outcome.response.epoch = BrokerEpoch(record.broker_epoch);
  outcome.records.emplace_back(std::move(record));
  return outcome;
}

Outcome<MaybeFailure> Controller::FenceBroker(NodeId broker, BrokerEpoch epoch) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response || image().FindBroker(broker)->fenced) return outcome;
  outcome.records = ElectAfter(image(), node_view(), Departure{broker});
  outcome.records.push_back(ChangeRecord(broker, epoch, kFence));
  return outcome;
}

Outcome<MaybeFailure> Controller::UnfenceBroker(NodeId broker, BrokerEpoch epoch) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response || !image().FindBroker(broker)->fenced) return outcome;
  outcome.records = ElectAfter(image(), node_view(), Arrival{broker});
  outcome.records.insert(outcome.records.begin(), ChangeRecord(broker, epoch, kUnfence));
  return outcome;
}

}  // namespace odradek::metadata
