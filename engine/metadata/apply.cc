#include <fmt/format.h>

#include <algorithm>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/metadata/image.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

std::vector<NodeId> NodeIdsOrNone(const std::optional<std::vector<int32_t>>& ids) {
  return ids ? ToNodeIds(*ids) : std::vector<NodeId>();
}

// Directories as a record gives them, or "migrating" for every replica where an older version gives none.
std::vector<Uuid> DirectoriesOf(const std::vector<Uuid>& given, size_t replica_count) {
  return given.empty() ? std::vector<Uuid>(replica_count, kMigratingDirectory) : given;
}

absl::Status Refused(std::string_view record_name, std::string_view why) {
  return base::DataLoss(fmt::format("{}: {}", record_name, why));
}

}  // namespace

// Folds one record into one image.
class RecordApplier {
 public:
  explicit RecordApplier(Image& image) : image_(image) {}

  absl::Status operator()(const protocol::RegisterBrokerRecord& r);
  absl::Status operator()(const protocol::UnregisterBrokerRecord& r);
  absl::Status operator()(const protocol::FenceBrokerRecord& r);
  absl::Status operator()(const protocol::UnfenceBrokerRecord& r);
  absl::Status operator()(const protocol::BrokerRegistrationChangeRecord& r);
  absl::Status operator()(const protocol::TopicRecord& r);
  absl::Status operator()(const protocol::RemoveTopicRecord& r);
  absl::Status operator()(const protocol::PartitionRecord& r);
  absl::Status operator()(const protocol::PartitionChangeRecord& r);
  absl::Status operator()(const protocol::ClearElrRecord& r);
  absl::Status operator()(const protocol::ConfigRecord& r);
  absl::Status operator()(const protocol::FeatureLevelRecord& r);
  absl::Status operator()(const protocol::ProducerIdsRecord& r);
  absl::Status operator()(const protocol::ClientQuotaRecord& r);

  // Transactions are Fold's; the others change nothing that is kept.
  absl::Status operator()(const protocol::NoOpRecord&) { return absl::OkStatus(); }
  absl::Status operator()(const protocol::ZkMigrationStateRecord&) { return absl::OkStatus(); }
  absl::Status operator()(const protocol::BeginTransactionRecord&) { return absl::OkStatus(); }
  absl::Status operator()(const protocol::EndTransactionRecord&) { return absl::OkStatus(); }
  absl::Status operator()(const protocol::AbortTransactionRecord&) { return absl::OkStatus(); }

  // Kept as they are.
  absl::Status operator()(const protocol::AccessControlEntryRecord& r) { return Keep(r, r.id.ToString()); }
  absl::Status operator()(const protocol::DelegationTokenRecord& r) { return Keep(r, r.token_id); }
  absl::Status operator()(const protocol::UserScramCredentialRecord& r) { return Keep(r, ScramKey(r)); }
  absl::Status operator()(const protocol::RegisterControllerRecord& r) {
    return Keep(r, Image::ControllerKey(r.controller_id));
  }
  absl::Status operator()(const protocol::RemoveAccessControlEntryRecord& r) {
    return Drop(protocol::AccessControlEntryRecord::kRecordKey, r.id.ToString());
  }
  absl::Status operator()(const protocol::RemoveDelegationTokenRecord& r) {
    return Drop(protocol::DelegationTokenRecord::kRecordKey, r.token_id);
  }
  absl::Status operator()(const protocol::RemoveUserScramCredentialRecord& r) {
    return Drop(protocol::UserScramCredentialRecord::kRecordKey, ScramKey(r));
  }

 private:
  // nullptr: not registered, or with another epoch.
  BrokerState* FindBroker(int32_t id, int64_t epoch) {
    const auto at = image_.brokers_.find(NodeId(id));
    return at == image_.brokers_.end() || at->second.epoch != BrokerEpoch(epoch) ? nullptr : &at->second;
  }
  template <typename R>
  static std::string ScramKey(const R& r) {
    return fmt::format("{}/{}", r.mechanism, r.name);
  }
  template <typename R>
  absl::Status Keep(const R& r, const std::string& identity) {
    image_.passive_.insert_or_assign({R::kRecordKey, identity}, Record(r));
    return absl::OkStatus();
  }
  absl::Status Drop(int16_t key, const std::string& identity) {
    image_.passive_.erase({key, identity});
    return absl::OkStatus();
  }
  Image& image_;
};

absl::Status RecordApplier::operator()(const protocol::RegisterBrokerRecord& r) {
  BrokerState broker;
  broker.id = NodeId(r.broker_id);
  broker.epoch = BrokerEpoch(r.broker_epoch);
  broker.incarnation_id = r.incarnation_id;
  for (const auto& e : r.end_points) broker.listeners.push_back({e.name, e.host, e.port, e.security_protocol});
  for (const auto& f : r.features) broker.features[f.name] = {f.min_supported_version, f.max_supported_version};
  broker.rack = r.rack;
  broker.fenced = r.fenced;
  broker.in_controlled_shutdown = r.in_controlled_shutdown;
  broker.log_dirs = r.log_dirs;
  if (r.cordoned_log_dirs) broker.cordoned_log_dirs = *r.cordoned_log_dirs;
  image_.brokers_.insert_or_assign(broker.id, std::move(broker));
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::UnregisterBrokerRecord& r) {
  if (FindBroker(r.broker_id, r.broker_epoch) == nullptr) {
    return Refused(r.kName, fmt::format("no broker {} with epoch {}", r.broker_id, r.broker_epoch));
  }
  image_.brokers_.erase(NodeId(r.broker_id));
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::FenceBrokerRecord& r) {
  BrokerState* const broker = FindBroker(r.id, r.epoch);
  if (broker == nullptr) return Refused(r.kName, fmt::format("no broker {} with epoch {}", r.id, r.epoch));
  broker->fenced = true;
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::UnfenceBrokerRecord& r) {
  BrokerState* const broker = FindBroker(r.id, r.epoch);
  if (broker == nullptr) return Refused(r.kName, fmt::format("no broker {} with epoch {}", r.id, r.epoch));
  broker->fenced = false;
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::BrokerRegistrationChangeRecord& r) {
  BrokerState* const broker = FindBroker(r.broker_id, r.broker_epoch);
  if (broker == nullptr) {
    return Refused(r.kName, fmt::format("no broker {} with epoch {}", r.broker_id, r.broker_epoch));
  }
  if (r.fenced < -1 || r.fenced > 1) return Refused(r.kName, fmt::format("fenced is {}", r.fenced));
  if (r.in_controlled_shutdown < 0 || r.in_controlled_shutdown > 1) {
    return Refused(r.kName, fmt::format("in_controlled_shutdown is {}", r.in_controlled_shutdown));
  }
  if (r.fenced != 0) broker->fenced = r.fenced > 0;
  if (r.in_controlled_shutdown != 0) broker->in_controlled_shutdown = true;
  if (!r.log_dirs.empty()) broker->log_dirs = r.log_dirs;
  if (r.cordoned_log_dirs) broker->cordoned_log_dirs = *r.cordoned_log_dirs;
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::TopicRecord& r) {
  if (image_.FindTopic(r.name) != nullptr) return Refused(r.kName, fmt::format("there is a topic {} already", r.name));
  if (image_.FindTopicById(r.topic_id) != nullptr) {
    return Refused(r.kName, fmt::format("there is a topic with the id {} already", r.topic_id.ToString()));
  }
  image_.topics_.Add(r.name, r.topic_id);
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::RemoveTopicRecord& r) {
  const TopicState* const topic = image_.FindTopicById(r.topic_id);
  if (topic == nullptr) return Refused(r.kName, fmt::format("no topic with the id {}", r.topic_id.ToString()));
  image_.configs_.erase(ConfigResource{ResourceType::kTopic, topic->name});
  image_.topics_.Remove(r.topic_id);
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::PartitionRecord& r) {
  if (image_.FindTopicById(r.topic_id) == nullptr) {
    return Refused(r.kName, fmt::format("no topic with the id {}", r.topic_id.ToString()));
  }
  if (r.partition_id < 0) return Refused(r.kName, fmt::format("partition {}", r.partition_id));
  if (!r.directories.empty() && r.directories.size() != r.replicas.size()) {
    return Refused(r.kName, fmt::format("{} directories of {} replicas", r.directories.size(), r.replicas.size()));
  }
  PartitionState partition;
  partition.replicas = ToNodeIds(r.replicas);
  partition.isr = ToNodeIds(r.isr);
  partition.removing_replicas = ToNodeIds(r.removing_replicas);
  partition.adding_replicas = ToNodeIds(r.adding_replicas);
  partition.eligible_leader_replicas = NodeIdsOrNone(r.eligible_leader_replicas);
  partition.last_known_elr = NodeIdsOrNone(r.last_known_elr);
  partition.directories = DirectoriesOf(r.directories, r.replicas.size());
  partition.leader = NodeId(r.leader);
  partition.recovery = r.leader_recovery_state == 0 ? LeaderRecovery::kRecovered : LeaderRecovery::kRecovering;
  partition.leader_epoch = LeaderEpoch(r.leader_epoch);
  partition.partition_epoch = PartitionEpoch(r.partition_epoch);
  image_.topics_.Edit(r.topic_id).partitions.insert_or_assign(PartitionIndex(r.partition_id), std::move(partition));
  return absl::OkStatus();
}

absl::Status Merge(const protocol::PartitionChangeRecord& r, PartitionState& into) {
  constexpr int32_t kLeaderStays = -2;
  PartitionState partition = into;
  if (r.replicas) partition.replicas = ToNodeIds(*r.replicas);
  if (r.isr) partition.isr = ToNodeIds(*r.isr);
  if (r.removing_replicas) partition.removing_replicas = ToNodeIds(*r.removing_replicas);
  if (r.adding_replicas) partition.adding_replicas = ToNodeIds(*r.adding_replicas);
  if (r.eligible_leader_replicas) partition.eligible_leader_replicas = ToNodeIds(*r.eligible_leader_replicas);
  if (r.last_known_elr) partition.last_known_elr = ToNodeIds(*r.last_known_elr);
  if (r.directories) {
    partition.directories = DirectoriesOf(*r.directories, partition.replicas.size());
  } else if (r.replicas) {
    partition.directories.assign(partition.replicas.size(), kMigratingDirectory);
  }
  if (partition.directories.size() != partition.replicas.size()) {
    return Refused(
        r.kName, fmt::format("{} directories of {} replicas", partition.directories.size(), partition.replicas.size()));
  }
  if (r.leader != kLeaderStays) {
    partition.leader = NodeId(r.leader);
    partition.leader_epoch = LeaderEpoch(partition.leader_epoch.value() + 1);
  }
  if (r.leader_recovery_state >= 0) {
    partition.recovery = r.leader_recovery_state == 0 ? LeaderRecovery::kRecovered : LeaderRecovery::kRecovering;
  }
  partition.partition_epoch = PartitionEpoch(partition.partition_epoch.value() + 1);
  into = std::move(partition);
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::PartitionChangeRecord& r) {
  const TopicState* const topic = image_.FindTopicById(r.topic_id);
  if (topic == nullptr || !topic->partitions.contains(PartitionIndex(r.partition_id))) {
    return Refused(r.kName, fmt::format("no partition {} of topic id {}", r.partition_id, r.topic_id.ToString()));
  }
  PartitionState partition = topic->partitions.at(PartitionIndex(r.partition_id));
  if (absl::Status merged = Merge(r, partition); !merged.ok()) return merged;
  image_.topics_.Edit(r.topic_id).partitions.insert_or_assign(PartitionIndex(r.partition_id), std::move(partition));
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::ClearElrRecord& r) {
  std::vector<TopicId> cleared;
  for (const auto& [name, topic] : image_.topics()) {
    if (r.topic_name.empty() || r.topic_name == name) cleared.push_back(topic->id);
  }
  if (cleared.empty() && !r.topic_name.empty()) return Refused(r.kName, fmt::format("no topic {}", r.topic_name));
  for (const TopicId& id : cleared) {
    for (auto& [index, partition] : image_.topics_.Edit(id).partitions) {
      partition.eligible_leader_replicas.clear();
      partition.last_known_elr.clear();
    }
  }
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::ConfigRecord& r) {
  const ConfigResource resource{static_cast<ResourceType>(r.resource_type), r.resource_name};
  if (r.value) {
    if (resource.type == ResourceType::kTopic && image_.FindTopic(r.resource_name) == nullptr) {
      return Refused(r.kName, fmt::format("no topic {}", r.resource_name));
    }
    image_.configs_[resource].insert_or_assign(r.name, *r.value);
    return absl::OkStatus();
  }
  const auto at = image_.configs_.find(resource);
  if (at == image_.configs_.end()) return absl::OkStatus();
  at->second.erase(r.name);
  if (at->second.empty()) image_.configs_.erase(at);
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::FeatureLevelRecord& r) {
  const MetadataVersion level(r.feature_level);
  if (r.name == kMetadataVersionFeature && (level < kMetadataVersionMin || level > kMetadataVersionMax)) {
    return Refused(r.kName, fmt::format("{} is {}: this version knows {} to {}", r.name, r.feature_level,
                                        kMetadataVersionMin.value(), kMetadataVersionMax.value()));
  }
  if (r.feature_level < 0) return Refused(r.kName, fmt::format("{} is {}", r.name, r.feature_level));
  if (r.feature_level == 0) {
    image_.features_.erase(r.name);
  } else {
    image_.features_.insert_or_assign(r.name, r.feature_level);
  }
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::ProducerIdsRecord& r) {
  if (ProducerId(r.next_producer_id) < image_.producer_ids_.next) {
    return Refused(
        r.kName, fmt::format("next producer id {} is below {}", r.next_producer_id, image_.producer_ids_.next.value()));
  }
  image_.producer_ids_ = {NodeId(r.broker_id), BrokerEpoch(r.broker_epoch), ProducerId(r.next_producer_id)};
  return absl::OkStatus();
}

absl::Status RecordApplier::operator()(const protocol::ClientQuotaRecord& r) {
  QuotaEntity entity;
  for (const auto& e : r.entity) entity.insert_or_assign(e.entity_type, e.entity_name);
  if (!r.remove) {
    image_.client_quotas_[entity].insert_or_assign(r.key, r.value);
    return absl::OkStatus();
  }
  const auto at = image_.client_quotas_.find(entity);
  if (at == image_.client_quotas_.end()) return absl::OkStatus();
  at->second.erase(r.key);
  if (at->second.empty()) image_.client_quotas_.erase(at);
  return absl::OkStatus();
}

absl::Status Image::Apply(const Record& record) {
  return std::visit(RecordApplier(*this), record);
}

absl::Status Fold::Apply(const Record& record) {
  if (std::holds_alternative<protocol::BeginTransactionRecord>(record)) {
    if (in_transaction()) return Refused(RecordName(record), "a transaction is open already");
    before_transaction_ = image_;
    return absl::OkStatus();
  }
  const bool ends = std::holds_alternative<protocol::EndTransactionRecord>(record);
  const bool aborts = std::holds_alternative<protocol::AbortTransactionRecord>(record);
  if (!ends && !aborts) return image_.Apply(record);
  if (!in_transaction()) return Refused(RecordName(record), "no transaction is open");
  if (aborts) image_ = *std::move(before_transaction_);
  before_transaction_.reset();
  return absl::OkStatus();
}

}  // namespace odradek::metadata
