// Brokers register, beat, are fenced, shut down and are unregistered (KIP-631, KIP-841, KIP-858, KIP-966, KIP-1066).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/controller.h"
#include "engine/metadata/elections.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

constexpr int8_t kFence = 1;
constexpr int8_t kUnfence = -1;
constexpr int8_t kShutDown = 1;

bool IsAmong(const std::vector<Uuid>& ids, const Uuid& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

MetadataVersion LevelOf(const Image& image) {
  return image.metadata_version().value_or(kMetadataVersionMax);
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

Failure BadRegistration(std::string message) {
  return {ErrorCode::kInvalidRegistration, std::move(message)};
}

MaybeFailure CheckDirectories(const Image& image, const BrokerRegistration& request) {
  if (LevelOf(image) >= kDirectoriesFrom && request.log_dirs.empty())
    return BadRegistration("A broker needs a log dir");
  for (size_t i = 0; i < request.log_dirs.size(); ++i) {
    const Uuid& dir = request.log_dirs[i];
    if (dir.high == 0 && dir.low < 100)
      return BadRegistration(fmt::format("Directory id {} is reserved", dir.ToString()));
    for (size_t j = 0; j < i; ++j) {
      if (request.log_dirs[j] == dir) {
        return BadRegistration(fmt::format("Directory id {} is there twice", dir.ToString()));
      }
    }
    for (const auto& [id, broker] : image.brokers()) {
      if (id == request.id || !IsAmong(broker.log_dirs, dir)) continue;
      return BadRegistration(fmt::format("Directory id {} is broker {}'s", dir.ToString(), id.value()));
    }
  }
  return std::nullopt;
}

MaybeFailure CheckRegistration(const Image& image, const BrokerRegistration& request) {
  if (request.id < NodeId(0)) return BadRegistration(fmt::format("Broker id {} is negative", request.id.value()));
  if (request.listeners.empty()) return BadRegistration("A broker needs a listener");
  if (request.incarnation_id.is_zero()) return BadRegistration("A broker needs an incarnation id");
  MaybeFailure failure = CheckDirectories(image, request);
  return failure ? failure : CheckFeatures(image, request);
}

// What is over with the earlier process of the broker: its leaderships and ISR memberships; without a proof that it
// stopped cleanly what it was eligible for; and what was in directories that the new one does not have.
BrokerChange Replacement(const Image& image, const BrokerRegistration& request, const BrokerState* existing) {
  BrokerChange change{BrokerChange::Kind::kLeaves, request.id, {}};
  const bool is_proven = existing != nullptr && request.previous_epoch == existing->epoch;
  if (!is_proven && IsElrEnabled(image)) change.kind = BrokerChange::Kind::kForgets;
  if (existing == nullptr) return change;
  for (const Uuid& dir : existing->log_dirs) {
    if (!IsAmong(request.log_dirs, dir)) change.lost_directories.push_back(dir);
  }
  return change;
}

protocol::BrokerRegistrationChangeRecord ChangeOf(const BrokerState& broker) {
  protocol::BrokerRegistrationChangeRecord record;
  record.broker_id = broker.id.value();
  record.broker_epoch = broker.epoch.value();
  return record;
}

Record FencingOf(const BrokerState& broker, int8_t fenced) {
  protocol::BrokerRegistrationChangeRecord record = ChangeOf(broker);
  record.fenced = fenced;
  return record;
}

// The directories that stay online. Without any a broker can do nothing.
std::vector<Uuid> OnlineAfter(const BrokerState& broker, const std::vector<Uuid>& offline) {
  std::vector<Uuid> online = broker.log_dirs;
  std::erase_if(online, [&](const Uuid& dir) { return IsAmong(offline, dir); });
  return online;
}

Control AfterShutdownHeartbeat(const Image& image, const BrokerState& broker, const Heartbeats& heartbeats) {
  if (HasLeaderships(image, broker.id)) return Control::kShuttingDown;
  // The brokers that go on know that others lead (SEMANTICS.md 34).
  const std::optional<Offset> lowest = heartbeats.LowestActiveOffset(image);
  const std::optional<Offset> wanted = heartbeats.ShutdownOffset({broker.id, broker.epoch});
  INVARIANT(wanted.has_value());
  return !lowest || *wanted <= *lowest ? Control::kShutDownNow : Control::kShuttingDown;
}

ControlChange Next(const Image& image, const BrokerState& broker, const protocol::BrokerHeartbeatRequest& request,
                   const Heartbeats& heartbeats) {
  const bool has_directory = broker.log_dirs.empty() || !OnlineAfter(broker, request.offline_log_dirs).empty();
  const bool is_caught_up = request.current_metadata_offset >= broker.epoch.value();
  if (broker.fenced) {
    if (request.want_shut_down) return {Control::kFenced, Control::kShutDownNow};
    // Its own registration is what it must have seen, not the end of the log, which it may never reach (KAFKA-13959).
    const bool may_return = !request.want_fence && is_caught_up && has_directory;
    return {Control::kFenced, may_return ? Control::kUnfenced : Control::kFenced};
  }
  if (heartbeats.ShutdownOffset({broker.id, broker.epoch})) {
    return {Control::kShuttingDown, AfterShutdownHeartbeat(image, broker, heartbeats)};
  }
  if (request.want_fence || !has_directory) {
    return {Control::kUnfenced, request.want_shut_down ? Control::kShutDownNow : Control::kFenced};
  }
  if (!request.want_shut_down) return {Control::kUnfenced, Control::kUnfenced};
  return {Control::kUnfenced, HasLeaderships(image, broker.id) ? Control::kShuttingDown : Control::kShutDownNow};
}

// The registration's new directories, if the heartbeat changes them.
std::optional<Record> DirectoriesAfter(const BrokerState& broker, const protocol::BrokerHeartbeatRequest& request,
                                       MetadataVersion level) {
  protocol::BrokerRegistrationChangeRecord record = ChangeOf(broker);
  const std::vector<Uuid> online = OnlineAfter(broker, request.offline_log_dirs);
  // The record has no form for "none": a broker without directories is fenced, and stops.
  if (level >= kDirectoriesFrom && !online.empty() && online != broker.log_dirs) record.log_dirs = online;
  if (level >= kCordonedFrom && request.cordoned_log_dirs && *request.cordoned_log_dirs != broker.cordoned_log_dirs) {
    record.cordoned_log_dirs = request.cordoned_log_dirs;
  }
  if (record.log_dirs.empty() && !record.cordoned_log_dirs) return std::nullopt;
  return record;
}

BrokerChange HeartbeatChange(const BrokerState& broker, const protocol::BrokerHeartbeatRequest& request,
                             const ControlChange& transition, MetadataVersion level) {
  BrokerChange change{BrokerChange::Kind::kNone, broker.id, {}};
  const bool moves = transition.from != transition.to;
  if (moves && transition.to == Control::kUnfenced) {
    change.kind = BrokerChange::Kind::kReturns;
  } else if (moves && transition.from != Control::kFenced) {
    change.kind = BrokerChange::Kind::kLeaves;
  }
  if (level < kDirectoriesFrom) return change;
  for (const Uuid& dir : broker.log_dirs) {
    if (IsAmong(request.offline_log_dirs, dir)) change.lost_directories.push_back(dir);
  }
  return change;
}

}  // namespace

BrokerRegistration ToRegistration(const protocol::BrokerRegistrationRequest& request) {
  BrokerRegistration out;
  out.id = NodeId(request.broker_id);
  out.cluster_id = request.cluster_id;
  out.incarnation_id = request.incarnation_id;
  for (const auto& l : request.listeners) out.listeners.push_back({l.name, l.host, l.port, l.security_protocol});
  for (const auto& f : request.features) out.features[f.name] = {f.min_supported_version, f.max_supported_version};
  out.rack = request.rack;
  out.log_dirs = request.log_dirs;
  out.previous_epoch = BrokerEpoch(request.previous_broker_epoch);
  return out;
}

protocol::BrokerHeartbeatResponse ToResponse(const HeartbeatResult& result) {
  protocol::BrokerHeartbeatResponse out;
  if (result.failure) {
    out.error_code = protocol::ToWire(result.failure->code);
    return out;
  }
  out.is_caught_up = result.is_caught_up;
  out.is_fenced = result.is_fenced();
  out.should_shut_down = result.should_shut_down();
  return out;
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
  failure = CheckRegistration(image(), request);
  if (failure) return outcome;
  const BrokerState* const existing = image().FindBroker(request.id);
  const bool is_same_process = existing != nullptr && existing->incarnation_id == request.incarnation_id;
  // One that is shutting down has left everything already, and its successor need not wait for its session to end.
  const bool is_held = existing != nullptr && session == Session::kLive && !existing->in_controlled_shutdown;
  if (is_held && !is_same_process) {
    failure = Failure{ErrorCode::kDuplicateBrokerRegistration,
                      fmt::format("Another broker is registered with id {} and alive", request.id.value())};
    return outcome;
  }
  protocol::RegisterBrokerRecord record = ToRecord(request, LevelOf(image()));
  record.broker_epoch = is_same_process ? existing->epoch.value() : next_offset.value();
  record.fenced = !is_same_process || existing->fenced;
  record.in_controlled_shutdown = is_same_process && existing->in_controlled_shutdown;
  // What the earlier process led and had in sync is over before the new one is known.
  if (!is_same_process) outcome.records = ChangesAfter(view(), Replacement(image(), request, existing));
  outcome.response.epoch = BrokerEpoch(record.broker_epoch);
  outcome.records.emplace_back(std::move(record));
  return outcome;
}

Outcome<HeartbeatResult> Controller::Heartbeat(const protocol::BrokerHeartbeatRequest& request,
                                               const Heartbeats& heartbeats) const {
  Outcome<HeartbeatResult> outcome;
  HeartbeatResult& result = outcome.response;
  result.failure = CheckEpoch(NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
  if (result.failure) return outcome;
  const BrokerState& broker = *image().FindBroker(NodeId(request.broker_id));
  const MetadataVersion level = LevelOf(image());
  const ControlChange transition = Next(image(), broker, request, heartbeats);
  const bool begins_shutdown = transition.from == Control::kUnfenced && transition.to == Control::kShuttingDown;
  if (begins_shutdown && !broker.in_controlled_shutdown) {
    protocol::BrokerRegistrationChangeRecord record = ChangeOf(broker);
    record.in_controlled_shutdown = kShutDown;
    outcome.records.emplace_back(std::move(record));
  }
  if (broker.fenced && transition.to == Control::kUnfenced) outcome.records.push_back(FencingOf(broker, kUnfence));
  const BrokerChange change = HeartbeatChange(broker, request, transition, level);
  if (change.kind != BrokerChange::Kind::kNone || !change.lost_directories.empty()) {
    std::vector<Record> changes = ChangesAfter(view(), change);
    std::move(changes.begin(), changes.end(), std::back_inserter(outcome.records));
  }
  result.control = transition;
  if (!broker.fenced && result.is_fenced()) outcome.records.push_back(FencingOf(broker, kFence));
  if (std::optional<Record> directories = DirectoriesAfter(broker, request, level)) {
    outcome.records.push_back(*std::move(directories));
  }
  result.is_caught_up = request.current_metadata_offset >= broker.epoch.value();
  return outcome;
}

Outcome<protocol::UnregisterBrokerResponse> Controller::UnregisterBroker(
    const protocol::UnregisterBrokerRequest& request) const {
  Outcome<protocol::UnregisterBrokerResponse> outcome;
  outcome.response.error_message = std::nullopt;
  const BrokerState* const broker = image().FindBroker(NodeId(request.broker_id));
  if (broker == nullptr) {
    outcome.response.error_code = protocol::ToWire(ErrorCode::kBrokerIdNotRegistered);
    outcome.response.error_message = fmt::format("Broker ID {} is not currently registered", request.broker_id);
    return outcome;
  }
  // Nobody expects its replicas back: it is eligible for nothing any more.
  const auto kind = IsElrEnabled(image()) ? BrokerChange::Kind::kForgets : BrokerChange::Kind::kLeaves;
  outcome.records = ChangesAfter(view(), BrokerChange{kind, broker->id, {}});
  protocol::UnregisterBrokerRecord record;
  record.broker_id = broker->id.value();
  record.broker_epoch = broker->epoch.value();
  outcome.records.emplace_back(record);
  return outcome;
}

Outcome<MaybeFailure> Controller::FenceBroker(NodeId broker, BrokerEpoch epoch) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response || image().FindBroker(broker)->fenced) return outcome;
  outcome.records = ChangesAfter(view(), BrokerChange{BrokerChange::Kind::kLeaves, broker, {}});
  outcome.records.push_back(FencingOf(*image().FindBroker(broker), kFence));
  return outcome;
}

Outcome<MaybeFailure> Controller::UnfenceBroker(NodeId broker, BrokerEpoch epoch) const {
  Outcome<MaybeFailure> outcome;
  outcome.response = CheckEpoch(broker, epoch);
  if (outcome.response || !image().FindBroker(broker)->fenced) return outcome;
  outcome.records = ChangesAfter(view(), BrokerChange{BrokerChange::Kind::kReturns, broker, {}});
  outcome.records.insert(outcome.records.begin(), FencingOf(*image().FindBroker(broker), kUnfence));
  return outcome;
}

}  // namespace odradek::metadata
