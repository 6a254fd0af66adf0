#include "engine/metadata/controller.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/minimum_isr.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;

Record LevelRecord(std::string_view name, int16_t level) {
  protocol::FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

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
    return Failure{ErrorCode::kStaleBrokerEpoch, fmt::format("Broker {} is not registered", broker.value())};
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

}  // namespace odradek::metadata
