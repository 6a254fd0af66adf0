#include "sim/explore/broker_program.h"

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "sim/explore/server_setup.h"

namespace odradek::explore {

BrokerProcess::BrokerProcess(std::span<env::Env* const> shards, const broker::NodeOptions& options)
    : node_(broker::ShardEnvs(shards.begin(), shards.end()), options) {
  env::Env& home = *shards[0];
  home.scheduler.Spawn("node", [this, &home](fiber::Fiber& self) {
    const absl::Status ended = node_.Run(self);
    if (!ended.ok()) home.process.Fatal(self, base::SV(ended.message()));
  });
}

sim::Program BrokerProgram(const broker::NodeOptions& options) {
  return [options](std::span<env::Env* const> shards) { return std::make_unique<BrokerProcess>(shards, options); };
}

bool IsServer(const sim::Node& node) {
  return node.role() == kBrokerRole || node.role() == kControllerRole;
}

BrokerProcess* BrokerOf(sim::Node& node) {
  REQUIRES(IsServer(node));
  return static_cast<BrokerProcess*>(node.instance());
}

}  // namespace odradek::explore
