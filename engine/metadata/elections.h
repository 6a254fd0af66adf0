// Which partitions change when a broker comes, goes, or loses directories, and the rules that hold for a topic. Pure;
// part of the controller's inside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/context.h"
#include "engine/metadata/effective.h"
#include "engine/metadata/image.h"
#include "engine/metadata/partition_change.h"

namespace odradek::metadata {

inline constexpr std::string_view kElrFeature = "eligible.leader.replicas.version";

// Whether the cluster keeps eligible leader replicas (KIP-966).
bool IsElrEnabled(const Image& image);

struct TopicRules {
  PartitionRules partition;
  // kUnclean where unclean.leader.election.enable says so, else kOnline.
  Election election = Election::kOnline;
};
TopicRules RulesOf(const Image& image, const NodeView& node, const TopicState& topic);

// What a decision looks at.
struct DecisionView {
  const Image& image;
  NodeView node;
  base::Context& context;
};

// Changes of all partitions that the broker's change concerns: one that leaves goes out of ISRs, one that forgets out
// of ISRs and ELRs too, one that returns may lead what has no leader, and lost directories are like forgetting what was
// in them.
std::vector<Record> ChangesAfter(const DecisionView& view, const BrokerChange& change);

// Whether the broker leads a partition.
bool HasLeaderships(const Image& image, NodeId broker);

}  // namespace odradek::metadata
