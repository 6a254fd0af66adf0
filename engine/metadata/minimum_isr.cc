#include "engine/metadata/minimum_isr.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/node_ids.h"
#include "engine/metadata/partition_change.h"

namespace odradek::metadata {
namespace {

protocol::ConfigRecord MinimumRecord(std::string broker, std::optional<std::string> value) {
  protocol::ConfigRecord record;
  record.resource_type = static_cast<int8_t>(ResourceType::kBroker);
  record.resource_name = std::move(broker);
  record.name = kMinInsyncReplicas;
  record.value = std::move(value);
  return record;
}

bool ChangesMinimum(const Record& record) {
  const auto* const change = std::get_if<protocol::ConfigRecord>(&record);
  return change != nullptr && change->name == kMinInsyncReplicas;
}

// The image after the records.
Image After(const Image& image, const std::vector<Record>& records) {
  Image out = image;
  for (const Record& record : records) {
    const absl::Status applied = out.Apply(record);
    INVARIANT(applied.ok());
  }
  return out;
}

}  // namespace

Record ClusterMinimum(const config::PropertyMap& static_properties) {
  const config::ConfigDef* const def = config::FindBrokerDef(kMinInsyncReplicas);
  INVARIANT(def != nullptr);
  const auto value = config::ResolveBroker({.static_broker = &static_properties}, *def).value;
  INVARIANT(value.has_value());
  return MinimumRecord("", value->text);
}

void AddElrStart(const DecisionView& view, std::vector<Record>& records) {
  REQUIRES(!IsElrEnabled(view.image));
  REQUIRES(view.node.static_properties != nullptr);
  for (const auto& [resource, properties] : view.image.configs()) {
    const bool is_one_broker = resource.type == ResourceType::kBroker && !resource.name.empty();
    if (is_one_broker && properties.contains(kMinInsyncReplicas)) {
      records.emplace_back(MinimumRecord(resource.name, std::nullopt));
    }
  }
  const config::PropertyMap* const cluster = view.image.FindConfigs({ResourceType::kBroker, ""});
  if (cluster == nullptr || !cluster->contains(kMinInsyncReplicas)) {
    records.push_back(ClusterMinimum(*view.node.static_properties));
  }
}

void AddElrEnd(const DecisionView& view, std::vector<Record>& records) {
  const BrokerChange nothing;
  const Candidates candidates(view.image, nothing);
  for (const auto& [name, topic] : view.image.topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      if (!partition.isr.empty()) continue;
      TopicRules rules = RulesOf(view.image, view.node, *topic);
      rules.partition.elr = PartitionRules::Elr::kOff;
      PartitionTarget target(partition);
      target.isr = partition.eligible_leader_replicas;
      if (target.isr.empty()) {
        target.isr = Without(partition.last_known_elr, Without(partition.last_known_elr, partition.replicas));
        if (target.isr.empty()) continue;
        target.recovery = LeaderRecovery::kRecovering;
      }
      auto change = ChangePartition({*topic, index}, partition, target, rules.partition, candidates, view.context);
      INVARIANT(change.has_value());
      records.emplace_back(*std::move(change));
    }
  }
  records.emplace_back(protocol::ClearElrRecord());
}

void AddElrAfterConfigs(const DecisionView& view, std::vector<Record>& records) {
  if (!IsElrEnabled(view.image) || std::none_of(records.begin(), records.end(), ChangesMinimum)) return;
  const Image after = After(view.image, records);
  const BrokerChange nothing;
  const Candidates candidates(after, nothing);
  for (const auto& [name, topic] : after.topics()) {
    for (const auto& [index, partition] : topic->partitions) {
      if (partition.eligible_leader_replicas.empty()) continue;
      const TopicRules rules = RulesOf(after, view.node, *topic);
      const PartitionTarget target(partition);
      auto change = ChangePartition({*topic, index}, partition, target, rules.partition, candidates, view.context);
      if (change) records.emplace_back(*std::move(change));
    }
  }
}

}  // namespace odradek::metadata
