#include "engine/metadata/image.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

// Null where empty: the smaller form of the same.
std::optional<std::vector<int32_t>> ToNumbersOrNull(const std::vector<NodeId>& ids) {
  return ids.empty() ? std::nullopt : std::optional(ToNumbers(ids));
}

protocol::RegisterBrokerRecord ToRecord(const BrokerState& broker, MetadataVersion level) {
  protocol::RegisterBrokerRecord r;
  r.broker_id = broker.id.value();
  r.incarnation_id = broker.incarnation_id;
  r.broker_epoch = broker.epoch.value();
  for (const ListenerState& l : broker.listeners) r.end_points.push_back({l.name, l.host, l.port, l.security_protocol});
  for (const auto& [name, range] : broker.features) r.features.push_back({name, range.min, range.max});
  r.rack = broker.rack;
  r.fenced = broker.fenced;
  r.in_controlled_shutdown = broker.in_controlled_shutdown;
  if (level >= kDirectoriesFrom) r.log_dirs = broker.log_dirs;
  if (level >= kCordonedFrom && !broker.cordoned_log_dirs.empty()) r.cordoned_log_dirs = broker.cordoned_log_dirs;
  return r;
}

struct PartitionAt {
  const TopicState& topic;
  PartitionIndex index;
};

protocol::PartitionRecord ToRecord(PartitionAt at, const PartitionState& partition, MetadataVersion level) {
  protocol::PartitionRecord r;
  r.partition_id = at.index.value();
  r.topic_id = at.topic.id;
  r.replicas = ToNumbers(partition.replicas);
  r.isr = ToNumbers(partition.isr);
  r.removing_replicas = ToNumbers(partition.removing_replicas);
  r.adding_replicas = ToNumbers(partition.adding_replicas);
  r.leader = partition.leader.value();
  r.leader_recovery_state = static_cast<int8_t>(partition.recovery);
  r.leader_epoch = partition.leader_epoch.value();
  r.partition_epoch = partition.partition_epoch.value();
  const auto is_migrating = [](const Uuid& directory) { return directory == kMigratingDirectory; };
  if (level >= kDirectoriesFrom &&
      !std::all_of(partition.directories.begin(), partition.directories.end(), is_migrating)) {
    r.directories = partition.directories;
  }
  if (level < kElrFrom) return r;
  r.eligible_leader_replicas = ToNumbersOrNull(partition.eligible_leader_replicas);
  r.last_known_elr = ToNumbersOrNull(partition.last_known_elr);
  return r;
}

}  // namespace

const PartitionState* Image::FindPartition(std::string_view topic, PartitionIndex partition) const {
  const TopicState* const found = FindTopic(topic);
  if (found == nullptr) return nullptr;
  const auto at = found->partitions.find(partition);
  return at == found->partitions.end() ? nullptr : &at->second;
}

const BrokerState* Image::FindBroker(NodeId id) const {
  const auto at = brokers_.find(id);
  return at == brokers_.end() ? nullptr : &at->second;
}

const config::PropertyMap* Image::FindConfigs(const ConfigResource& resource) const {
  const auto at = configs_.find(resource);
  return at == configs_.end() ? nullptr : &at->second;
}

std::string Image::ControllerKey(int32_t id) {
  return fmt::format("{:08x}", static_cast<uint32_t>(id));
}

const protocol::RegisterControllerRecord* Image::FindController(NodeId id) const {
  const auto at = passive_.find({protocol::RegisterControllerRecord::kRecordKey, ControllerKey(id.value())});
  return at == passive_.end() ? nullptr : std::get_if<protocol::RegisterControllerRecord>(&at->second);
}

std::optional<MetadataVersion> Image::metadata_version() const {
  const auto at = features_.find(std::string(kMetadataVersionFeature));
  return at == features_.end() ? std::nullopt : std::optional(MetadataVersion(at->second));
}

std::vector<Record> Image::ToRecords(MetadataVersion level) const {
  std::vector<Record> out;
  const auto add_feature = [&out](const std::string& name, int16_t level) {
    protocol::FeatureLevelRecord r;
    r.name = name;
    r.feature_level = level;
    out.emplace_back(std::move(r));
  };
  // The level first: it says how everything else is to be read.
  if (metadata_version()) add_feature(std::string(kMetadataVersionFeature), metadata_version()->value());
  for (const auto& [name, level] : features_) {
    if (name != kMetadataVersionFeature) add_feature(name, level);
  }
  for (const auto& [id, broker] : brokers_) out.emplace_back(ToRecord(broker, level));
  for (const auto& [name, topic] : topics()) {
    protocol::TopicRecord r;
    r.name = name;
    r.topic_id = topic->id;
    out.emplace_back(std::move(r));
    for (const auto& [index, partition] : topic->partitions) {
      out.emplace_back(ToRecord({*topic, index}, partition, level));
    }
  }
  for (const auto& [resource, properties] : configs_) {
    for (const auto& [name, value] : properties) {
      protocol::ConfigRecord r;
      r.resource_type = static_cast<int8_t>(resource.type);
      r.resource_name = resource.name;
      r.name = name;
      r.value = value;
      out.emplace_back(std::move(r));
    }
  }
  if (producer_ids_ != ProducerIdState{}) {
    protocol::ProducerIdsRecord r;
    r.broker_id = producer_ids_.broker_id.value();
    r.broker_epoch = producer_ids_.broker_epoch.value();
    r.next_producer_id = producer_ids_.next.value();
    out.emplace_back(r);
  }
  for (const auto& [entity, quotas] : client_quotas_) {
    for (const auto& [key, value] : quotas) {
      protocol::ClientQuotaRecord r;
      for (const auto& [type, name] : entity) r.entity.push_back({type, name});
      r.key = key;
      r.value = value;
      out.emplace_back(std::move(r));
    }
  }
  for (const auto& [key, record] : passive_) out.push_back(record);
  return out;
}

uint64_t Fingerprint(const Image& image) {
  uint64_t hash = base::HashName("metadata image");
  ByteBuffer bytes;
  for (const Record& record : image.ToRecords(kMetadataVersionMax)) {
    bytes.clear();
    EncodeRecord(record, kMetadataVersionMax, bytes);
    hash = base::Mix64(hash ^ base::HashName(AsString(bytes)));
  }
  return hash;
}

std::optional<std::string> StructureProblem(const PartitionState& partition, int32_t min_isr) {
  const std::vector<NodeId>& replicas = partition.replicas;
  const std::vector<NodeId>& isr = partition.isr;
  const std::vector<NodeId>& elr = partition.eligible_leader_replicas;
  if (replicas.empty()) return "no replicas";
  if (!AreDistinct(replicas)) return "a replica is listed twice";
  if (!AreDistinct(isr)) return "an ISR member is listed twice";
  if (!AreDistinct(elr)) return "an ELR member is listed twice";
  for (const NodeId id : isr) {
    if (!Contains(replicas, id)) return fmt::format("ISR member {} is no replica", id.value());
    if (Contains(elr, id)) return fmt::format("{} is both in ISR and ELR", id.value());
  }
  for (const NodeId id : elr) {
    if (!Contains(replicas, id)) return fmt::format("ELR member {} is no replica", id.value());
  }
  if (partition.leader != kNoNode && !Contains(isr, partition.leader)) {
    return fmt::format("leader {} is not in the ISR", partition.leader.value());
  }
  const auto enough = std::min(static_cast<size_t>(std::max(min_isr, 1)), replicas.size());
  if (isr.size() >= enough && !elr.empty()) return "ELR is not empty although the ISR is large enough";
  return std::nullopt;
}

}  // namespace odradek::metadata
