#include "engine/metadata/elections.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/metadata/node_ids.h"

namespace odradek::metadata {
namespace {

config::Value TopicValue(const Image& image, const NodeView& node, const TopicState& topic, std::string_view name) {
  const config::ConfigDef* const def = config::FindTopicDef(name);
  INVARIANT(def != nullptr);
  auto value = config::ResolveTopic(TopicLayers(image, node, topic.name), *def).value;
  INVARIANT(value.has_value());
  return *std::move(value);
}

bool Concerns(const BrokerChange& change, const Candidates& candidates, const PartitionState& partition) {
  const bool is_complete = Contains(partition.isr, change.broker) || partition.leader == change.broker;
  switch (change.kind) {
    case BrokerChange::Kind::kReturns:
      if (partition.leader == kNoNode) return true;
      break;
    case BrokerChange::Kind::kLeaves:
      if (is_complete) return true;
      break;
    case BrokerChange::Kind::kForgets:
    case BrokerChange::Kind::kNone:
      break;
  }
  const bool is_member = is_complete || Contains(partition.eligible_leader_replicas, change.broker);
  return is_member && candidates.IsLost(change.broker, DirectoryOf(partition, change.broker));
}

}  // namespace

bool IsElrEnabled(const Image& image) {
  const auto at = image.features().find(std::string(kElrFeature));
  return at != image.features().end() && at->second > 0 &&
         image.metadata_version().value_or(kMetadataVersionMax) >= kElrFrom;
}

TopicRules RulesOf(const Image& image, const NodeView& node, const TopicState& topic) {
  TopicRules rules;
  rules.partition.level = image.metadata_version().value_or(kMetadataVersionMax);
  rules.partition.elr = IsElrEnabled(image) ? PartitionRules::Elr::kOn : PartitionRules::Elr::kOff;
  rules.partition.min_isr = static_cast<int32_t>(TopicValue(image, node, topic, "min.insync.replicas").number);
  const bool is_unclean_allowed = TopicValue(image, node, topic, "unclean.leader.election.enable").boolean;
  rules.election = is_unclean_allowed ? Election::kUnclean : Election::kOnline;
  return rules;
}

std::vector<Record> ChangesAfter(const DecisionView& view, const BrokerChange& change) {
  REQUIRES(change.broker != kNoNode);
  const Candidates candidates(view.image, change);
  std::vector<Record> out;
  for (const auto& [name, topic] : view.image.topics()) {
    std::optional<TopicRules> rules;
    for (const auto& [index, partition] : topic->partitions) {
      if (!Concerns(change, candidates, partition)) continue;
      if (!rules) rules = RulesOf(view.image, view.node, *topic);
      PartitionTarget target(partition);
      target.election = rules->election;
      const bool is_lost = candidates.IsLost(change.broker, DirectoryOf(partition, change.broker));
      if (is_lost) target.lost = {change.broker};
      if (is_lost || change.kind == BrokerChange::Kind::kLeaves) std::erase(target.isr, change.broker);
      auto changed = ChangePartition({*topic, index}, partition, target, rules->partition, candidates, view.context);
      if (changed) out.emplace_back(*std::move(changed));
    }
  }
  return out;
}

bool HasLeaderships(const Image& image, NodeId broker) {
  for (const auto& [name, topic] : image.topics()) {
    const auto is_led = [&](const auto& entry) { return entry.second.leader == broker; };
    if (std::any_of(topic->partitions.begin(), topic->partitions.end(), is_led)) return true;
  }
  return false;
}

}  // namespace odradek::metadata
