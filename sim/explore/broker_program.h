// The broker's process on a simulated node.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/broker/node.h"
#include "sim/cluster/cluster.h"

namespace odradek::explore {

class BrokerProcess final : public sim::ProgramInstance {
 public:
  BrokerProcess(std::span<env::Env* const> shards, const broker::NodeOptions& options);
  void RequestShutdown() override { node_.RequestStop(); }

  broker::Node& node() { return node_; }
  // Requests are served, and the state of every partition may be looked at.
  bool is_serving() const { return node_.is_serving() && !node_.is_stopping(); }

 private:
  broker::Node node_;
};

sim::Program BrokerProgram(const broker::NodeOptions& options);

// Whether the node runs a BrokerProgram when it is up: it is a broker, a controller or both.
bool IsServer(const sim::Node& node);

// nullptr: the node is off. REQUIRES: IsServer(node).
BrokerProcess* BrokerOf(sim::Node& node);

}  // namespace odradek::explore
