// The nodes of a run that run the engine: how many there are, what they are, where they are reached, and what each is
// told. Drawn from the seed before the run.
//
// One broker that is its own controller is called by its node's name. In a cluster nothing is what it might be taken
// for: ids are not counted from 1 and have gaps, hosts have other names than nodes, and listeners have other ports.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/broker/options.h"
#include "engine/env/network.h"
#include "sim/clock/node_clock.h"
#include "sim/explore/scenario.h"
#include "sim/nemesis/plan.h"

namespace odradek::explore {

// Roles of nodes, for selectors and whoever looks on.
inline constexpr std::string_view kBrokerRole = "broker";  // and controller, perhaps
inline constexpr std::string_view kControllerRole = "controller";

// Of Topology::controller_roles: this, or kControllerRole.
inline constexpr std::string_view kBothRoles = "broker,controller";
inline constexpr int32_t kServersMax = 7;

struct ServerSetup {
  std::string name;  // of the node
  sim::NodeClock::Options clock;
  int32_t shard_count = 1;
  // Other names by which the node is reached.
  std::vector<std::string> host_names;
  broker::NodeOptions node;

  bool is_broker() const { return node.config.role != config::Role::kController; }
  bool votes() const { return node.config.role != config::Role::kBroker; }
  std::string_view role() const { return is_broker() ? kBrokerRole : kControllerRole; }
  // Where clients reach it. REQUIRES: is_broker().
  env::Address client_address() const;
};

// Brokers first. An error: settings that contradict each other.
absl::StatusOr<std::vector<ServerSetup>> DrawServers(const Scenario& scenario, uint64_t seed);

int32_t BrokerCountOf(const std::vector<ServerSetup>& servers);

// "b1", "k1".
std::string BrokerName(int32_t index);
std::string ControllerName(int32_t index);

// All servers that a run of the scenario may have.
std::vector<sim::Topology::Member> ServersOf(const Topology& topology);

// What was drawn, a line each, for people.
std::string DescribeServers(const std::vector<ServerSetup>& servers);

}  // namespace odradek::explore
