#include "sim/explore/server_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/uuid.h"
#include "engine/config/broker_config.h"
#include "engine/config/properties.h"
#include "engine/config/topic_config.h"
#include "sim/explore/setup_draws.h"

namespace odradek::explore {
namespace {

constexpr int32_t kClientPort = 9092;
constexpr int32_t kControllerPort = 9093;
// Between two ids; ports stand so far from the usual ones, in steps of ten.
constexpr int32_t kIdGapMax = 3;
constexpr int32_t kPortStepsMax = 5;

// What the nodes of a cluster know of each other.
struct Member {
  std::string name;
  config::Role role = config::Role::kBrokerAndController;
  NodeId id;
  env::Address client_address;
  env::Address controller_address;
};

std::string_view RolesText(config::Role role) {
  if (role == config::Role::kBrokerAndController) return kBothRoles;
  return role == config::Role::kBroker ? kBrokerRole : kControllerRole;
}

using Properties = std::vector<std::pair<std::string, std::string>>;

void DrawLimits(const Limits& limits, const SetupDraws& draws, broker::NodeOptions& options) {
  const auto draw = [&](std::string_view name, const auto& values, auto& limit) {
    const auto drawn = draws.Choose(name, values, std::decay_t<decltype(limit)>{0});
    if (drawn > 0) limit = drawn;
  };
  draw("producer ids", limits.producer_id_block_size(), options.producer_id_block_size);
  draw("segment offsets", limits.segment_offsets_max(), options.segment_offsets_max);
  draw("open files", limits.open_files_max(), options.open_files_max);
  draw("pipelined requests", limits.pipelined_requests_max(), options.pipelined_requests_max);
  draw("metadata snapshots", limits.metadata_snapshot_bytes(), options.config.snapshot_after_bytes);
  draw("metadata segments", limits.metadata_segment_bytes(), options.config.metadata_segment_bytes);
  int64_t retention_bytes = 0;
  draw("metadata retention", limits.metadata_retention_bytes(), retention_bytes);
  if (retention_bytes > 0) options.config.metadata_retention_bytes = retention_bytes;
}

// Whether topics without a value of their own have that of this broker property.
bool IsTopicDefault(std::string_view name) {
  const std::string_view canonical = config::CanonicalBrokerName(name);
  const auto topics = config::TopicDefs();
  return std::any_of(topics.begin(), topics.end(), [&](const config::ConfigDef& topic) {
    return std::any_of(topic.synonyms.begin(), topic.synonyms.end(),
                       [&](const config::Synonym& synonym) { return synonym.name == canonical; });
  });
}

class ServerDraws {
 public:
  ServerDraws(const Scenario& scenario, uint64_t seed)
      : topology_(scenario.topology()), seed_(seed), all_(seed, BrokerName(0)) {}

  absl::StatusOr<std::vector<ServerSetup>> Draw() {
    DrawMembers();
    std::vector<ServerSetup> servers;
    for (const Member& member : members_) {
      absl::StatusOr<ServerSetup> server = DrawServer(member);
      if (!server.ok()) return server.status();
      servers.push_back(std::move(*server));
    }
    return servers;
  }

 private:
  bool is_cluster() const { return members_.size() > 1; }

  void DrawMembers() {
    const SetupDraws draws(seed_, "run");
    const auto brokers = draws.Choose("brokers", topology_.brokers(), int32_t{1});
    const auto controllers = draws.Choose("controllers", topology_.controllers(), brokers);
    const std::string roles = draws.Choose("controller roles", topology_.controller_roles(), std::string(kBothRoles));
    const bool is_combined = roles == kBothRoles;
    for (int32_t i = 0; i < brokers; ++i) {
      const bool votes = is_combined && i < controllers;
      members_.push_back(
          {BrokerName(i), votes ? config::Role::kBrokerAndController : config::Role::kBroker, {}, {}, {}});
    }
    for (int32_t i = 0; !is_combined && i < controllers; ++i) {
      members_.push_back({ControllerName(i), config::Role::kController, {}, {}, {}});
    }
    int32_t id = 0;
    for (size_t i = 0; i < members_.size(); ++i) {
      Member& member = members_[i];
      const SetupDraws own(seed_, member.name);
      id += is_cluster() ? static_cast<int32_t>(own.Between("id", 1, kIdGapMax)) : 1;
      member.id = NodeId(id);
      const auto port = [&](int32_t usual, std::string_view what) {
        return is_cluster() ? usual + 10 * static_cast<int32_t>(own.Between(what, 0, kPortStepsMax)) : usual;
      };
      const std::string host = is_cluster() ? fmt::format("kafka{}.net", i + 1) : member.name;
      member.client_address = {host, port(kClientPort, "client port")};
      member.controller_address = {fmt::format("quorum{}.net", i + 1), port(kControllerPort, "controller port")};
    }
    const uint64_t high = draws.Stream("cluster id, high").Next();
    const uint64_t low = draws.Stream("cluster id, low").Next();
    if (is_cluster()) cluster_id_ = Uuid::FromRandom(high, low).ToString();
  }

  Properties PropertiesOf(const Member& member, const SetupDraws& own, int32_t shard_count) const {
    std::string log_dirs;
    const auto drawn_dirs = own.Choose("log directories", topology_.log_directories(), int32_t{0});
    for (int32_t i = 0; i < std::max(shard_count, drawn_dirs); ++i) {
      log_dirs += fmt::format("{}data-{}", i == 0 ? "" : ",", i);
    }
    const env::Address& clients = member.client_address;
    const env::Address& controllers = member.controller_address;
    std::vector<std::string> listeners;
    std::vector<std::string> advertised;
    if (member.role != config::Role::kController) {
      listeners.push_back(fmt::format("PLAINTEXT://:{}", clients.port));
      advertised.push_back(fmt::format("PLAINTEXT://{}:{}", clients.host, clients.port));
    }
    if (is_cluster() && member.role != config::Role::kBroker) {
      listeners.push_back(fmt::format("CONTROLLER://:{}", controllers.port));
      advertised.push_back(fmt::format("CONTROLLER://{}:{}", controllers.host, controllers.port));
    }
    Properties given = {
        {"node.id", fmt::format("{}", member.id.value())},
        {"listeners", fmt::format("{}", fmt::join(listeners, ","))},
        {"advertised.listeners", fmt::format("{}", fmt::join(advertised, ","))},
        {"log.dirs", log_dirs},
    };
    if (is_cluster()) {
      given.emplace_back("controller.listener.names", "CONTROLLER");
      given.emplace_back("controller.quorum.voters", Voters());
      given.emplace_back("process.roles", RolesText(member.role));
    }
    for (const Setting& setting : topology_.broker_config()) {
      given.emplace_back(setting.name(), DrawSetting(IsTopicDefault(setting.name()) ? all_ : own, setting));
    }
    return given;
  }

  std::string Voters() const {
    std::vector<std::string> voters;
    for (const Member& voter : members_) {
      if (voter.role == config::Role::kBroker) continue;
      const env::Address& address = voter.controller_address;
      voters.push_back(fmt::format("{}@{}:{}", voter.id.value(), address.host, address.port));
    }
    return fmt::format("{}", fmt::join(voters, ","));
  }

  absl::StatusOr<ServerSetup> DrawServer(const Member& member) const {
    const SetupDraws own(seed_, member.name);
    ServerSetup server{.name = member.name, .clock = DrawClock(own)};
    server.shard_count = own.Choose("shards", topology_.shards(), int32_t{1});
    config::StaticConfig properties;
    for (const auto& [name, value] : PropertiesOf(member, own, server.shard_count)) {
      const absl::Status status = config::AddStaticProperty("scenario", name, value, properties);
      if (!status.ok()) return status;
    }
    server.node.static_properties = properties.properties;
    absl::StatusOr<config::BrokerConfig> resolved =
        config::ResolveBrokerConfig({.static_broker = &server.node.static_properties});
    if (!resolved.ok()) return resolved.status();
    server.node.config = std::move(*resolved);
    server.node.log_directories = server.node.config.log_dirs;
    DrawLimits(topology_.limits(), own, server.node);
    if (!is_cluster()) return server;
    server.node.cluster_id = cluster_id_;
    server.host_names = {member.client_address.host, member.controller_address.host};
    return server;
  }

  const Topology& topology_;
  const uint64_t seed_;
  const SetupDraws all_;
  std::vector<Member> members_;
  std::string cluster_id_;
};

template <typename Values>
int32_t Largest(const Values& values, int32_t otherwise) {
  return values.empty() ? otherwise : *std::max_element(values.begin(), values.end());
}

}  // namespace

env::Address ServerSetup::client_address() const {
  REQUIRES(is_broker());
  const config::Endpoint& endpoint = node.config.advertised_listeners.front();
  return {endpoint.host, endpoint.port};
}

absl::StatusOr<std::vector<ServerSetup>> DrawServers(const Scenario& scenario, uint64_t seed) {
  return ServerDraws(scenario, seed).Draw();
}

int32_t BrokerCountOf(const std::vector<ServerSetup>& servers) {
  return static_cast<int32_t>(std::ranges::count_if(servers, &ServerSetup::is_broker));
}

std::string BrokerName(int32_t index) {
  return fmt::format("b{}", index + 1);
}

std::string ControllerName(int32_t index) {
  return fmt::format("k{}", index + 1);
}

std::vector<sim::Topology::Member> ServersOf(const Topology& topology) {
  std::vector<sim::Topology::Member> members;
  const int32_t brokers = Largest(topology.brokers(), 1);
  for (int32_t i = 0; i < brokers; ++i) members.push_back({BrokerName(i), std::string(kBrokerRole)});
  const auto& roles = topology.controller_roles();
  if (std::find(roles.begin(), roles.end(), kControllerRole) == roles.end()) return members;
  const int32_t controllers = Largest(topology.controllers(), brokers);
  for (int32_t i = 0; i < controllers; ++i) members.push_back({ControllerName(i), std::string(kControllerRole)});
  return members;
}

std::string DescribeServers(const std::vector<ServerSetup>& servers) {
  std::string text;
  for (const ServerSetup& server : servers) {
    text += fmt::format("{} {} with {} shard(s), clock {} us off, drift {} ppm\n", server.role(), server.name,
                        server.shard_count, server.clock.wall_offset.micros(), server.clock.drift.ppm);
    for (const auto& [name, value] : server.node.static_properties) text += fmt::format("  {}={}\n", name, value);
  }
  return text;
}

}  // namespace odradek::explore
