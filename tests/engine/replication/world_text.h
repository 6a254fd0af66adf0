// What a world looks like, for the message of a failure.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "tests/engine/replication/world.h"

namespace odradek::replication {

inline std::string TextOf(const Replica& machine) {
  std::string text =
      fmt::format(", role {} epoch {} partition epoch {} high watermark {}", static_cast<int>(machine.role()),
                  machine.leader_epoch().value(), machine.partition_epoch().value(), machine.high_watermark().value());
  if (machine.role() == Role::kFollower) text += fmt::format(" of {}", machine.leader().value());
  if (machine.role() != Role::kLeader) return text;
  const auto& leader = std::get<Leader>(machine.state());
  text += ", isr";
  for (const NodeId id : leader.isr.committed()) text += fmt::format(" {}", id.value());
  if (leader.isr.change()) {
    text += fmt::format(", proposed in state {}", static_cast<int>(leader.isr.change()->state));
    for (const NodeId id : leader.isr.change()->isr) text += fmt::format(" {}", id.value());
  }
  for (const auto& [id, progress] : leader.followers.all()) {
    if (progress.end) text += fmt::format(", {} has {}", id.value(), progress.end->value());
  }
  return text;
}

inline std::string TextOf(const World& world) {
  const Registration& partition = world.controller().partition();
  std::string text = fmt::format("\n  controller: leader {} epoch {} partition epoch {}, isr", partition.leader.value(),
                                 partition.leader_epoch.value(), partition.partition_epoch.value());
  for (const NodeId id : partition.isr) text += fmt::format(" {}", id.value());
  text += ", elr";
  for (const NodeId id : world.controller().elr()) text += fmt::format(" {}", id.value());
  text += ", replicas";
  for (const NodeId id : partition.replicas) text += fmt::format(" {}", id.value());
  text += fmt::format(", committed {}", world.checker().committed_end().value());
  for (const BrokerNode& node : world.nodes()) {
    text += fmt::format("\n  broker {}: log [{}, {}) flushed {}, metadata {} of {}", node.id.value(),
                        node.disk.start().value(), node.disk.end().value(), node.disk.flushed_end().value(), node.view,
                        world.controller().log().size() - 1);
    for (Offset at = std::max(node.disk.start(), node.disk.end() - 8); at < node.disk.end(); ++at) {
      text += fmt::format(" {}:{}", node.disk.At(at).epoch.value(), node.disk.At(at).value);
    }
    if (world.controller().brokers().at(node.id).fenced) text += ", fenced";
    if (!node.machine) text += ", down";
    if (node.machine) text += TextOf(*node.machine);
  }
  return text;
}

}  // namespace odradek::replication
