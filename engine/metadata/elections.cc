#include "engine/metadata/elections.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::metadata {
namespace {

bool IsMember(const std::vector<NodeId>& ids, NodeId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::vector<int32_t> Numbers(const std::vector<NodeId>& ids) {
  std::vector<int32_t> out;
  for (const NodeId id : ids) out.push_back(id.value());
  return out;
}

enum class Unclean : uint8_t { kForbidden, kAllowed };

Unclean UncleanOf(const Image& image, const NodeView& node, const TopicState& topic) {
  const config::ConfigDef* const def = config::FindTopicDef("unclean.leader.election.enable");
  INVARIANT(def != nullptr);
  const auto value = config::ResolveTopic(TopicLayers(image, node, topic.name), *def).value;
  INVARIANT(value.has_value());
  return value->boolean ? Unclean::kAllowed : Unclean::kForbidden;
}

// Who may lead: active brokers, without the one that leaves, with the one that comes.
class Acceptable {
 public:
  Acceptable(const Image& image, NodeId leaving, NodeId coming) : image_(image), leaving_(leaving), coming_(coming) {}
  bool operator()(NodeId id) const {
    if (id == leaving_) return false;
    if (id == coming_) return true;
    const BrokerState* const broker = image_.FindBroker(id);
    return broker != nullptr && broker->is_active();
  }

 private:
  const Image& image_;
  NodeId leaving_;
  NodeId coming_;
};

struct Election {
  NodeId leader = kNoNode;
  bool unclean = false;
};

Election Elect(const PartitionState& partition, const std::vector<NodeId>& isr, const Acceptable& acceptable,
               Unclean unclean) {
  const auto valid = [&](NodeId id) {
    const bool eligible = IsMember(isr, id) || (isr.empty() && IsMember(partition.eligible_leader_replicas, id));
    return eligible && acceptable(id);
  };
  if (valid(partition.leader)) return {partition.leader, false};
  for (const NodeId id : partition.replicas) {
    if (valid(id)) return {id, false};
  }
  if (unclean == Unclean::kForbidden) return {};
  for (const NodeId id : partition.replicas) {
    if (acceptable(id)) return {id, true};
  }
  return {};
}

struct PartitionAddress {
  const TopicState& topic;
  PartitionIndex index;
};

// The change that brings the partition to this ISR and the leader elected from it; nullopt: nothing changes.
std::optional<Record> Change(PartitionAddress at, const PartitionState& partition, std::vector<NodeId> isr,
                             const Election& election) {
  protocol::PartitionChangeRecord change;
  change.topic_id = at.topic.id;
  change.partition_id = at.index.value();
  bool changes = false;
  if (election.leader != kNoNode && !IsMember(isr, election.leader)) {
    // An unclean leader, or one from the ELR of an empty ISR.
    isr = {election.leader};
    if (!partition.eligible_leader_replicas.empty()) change.eligible_leader_replicas.emplace();
  }
  // The last member stays: it is the one that has all acknowledged records.
  if (!isr.empty() && isr != partition.isr) {
    change.isr = Numbers(isr);
    changes = true;
  }
  if (election.leader != partition.leader) {
    change.leader = election.leader.value();
    changes = true;
    const LeaderRecovery recovery = election.unclean ? LeaderRecovery::kRecovering : partition.recovery;
    if (recovery != partition.recovery) change.leader_recovery_state = static_cast<int8_t>(recovery);
  }
  return changes ? std::optional<Record>(std::move(change)) : std::nullopt;
}

}  // namespace

std::vector<Record> ElectAfter(const Image& image, const NodeView& node, Departure departure) {
  std::vector<Record> out;
  const Acceptable acceptable(image, departure.broker, kNoNode);
  for (const auto& [name, topic] : image.topics()) {
    std::optional<Unclean> unclean;
    for (const auto& [index, partition] : topic->partitions) {
      if (!IsMember(partition.isr, departure.broker) && partition.leader != departure.broker) continue;
      if (!unclean) unclean = UncleanOf(image, node, *topic);
      std::vector<NodeId> isr = partition.isr;
      std::erase(isr, departure.broker);
      const Election election = Elect(partition, isr, acceptable, *unclean);
      std::optional<Record> change = Change({*topic, index}, partition, std::move(isr), election);
      if (change) out.push_back(*std::move(change));
    }
  }
  return out;
}

std::vector<Record> ElectAfter(const Image& image, const NodeView& node, Arrival arrival) {
  std::vector<Record> out;
  const Acceptable acceptable(image, kNoNode, arrival.broker);
  for (const auto& [name, topic] : image.topics()) {
    std::optional<Unclean> unclean;
    for (const auto& [index, partition] : topic->partitions) {
      if (partition.leader != kNoNode) continue;
      if (!unclean) unclean = UncleanOf(image, node, *topic);
      const Election election = Elect(partition, partition.isr, acceptable, *unclean);
      std::optional<Record> change = Change({*topic, index}, partition, partition.isr, election);
      if (change) out.push_back(*std::move(change));
    }
  }
  return out;
}

}  // namespace odradek::metadata
