#include "engine/config/broker_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/base/check.h"
#include "engine/config/setting_error.h"
#include "engine/config/tables.h"

namespace odradek::config {
namespace {

class BrokerReader {
 public:
  explicit BrokerReader(const Layers& layers) : layers_(layers) {}

  std::optional<Value> Find(std::string_view name) const {
    const ConfigDef* const def = FindBrokerDef(name);
    INVARIANT(def != nullptr);
    return ResolveBroker(layers_, *def).value;
  }
  Value Get(std::string_view name) const {
    std::optional<Value> value = Find(name);
    INVARIANT(value.has_value());
    return *std::move(value);
  }
  std::string Text(std::string_view name) const {
    const std::optional<Value> value = Find(name);
    return value ? value->text : std::string();
  }
  std::vector<std::string> List(std::string_view name) const {
    const std::optional<Value> value = Find(name);
    return value ? value->list : std::vector<std::string>();
  }
  // Whether its value is not the default.
  bool IsSet(std::string_view name) const {
    const ConfigDef* const def = FindBrokerDef(name);
    INVARIANT(def != nullptr);
    return ResolveBroker(layers_, *def).source != Source::kDefault;
  }
  bool Bool(std::string_view name) const { return Get(name).boolean; }
  int64_t Long(std::string_view name) const { return Get(name).number; }
  int32_t Int(std::string_view name) const {
    const int64_t number = Long(name);
    INVARIANT(number <= std::numeric_limits<int32_t>::max());
    return static_cast<int32_t>(number);
  }
  Duration Millis(std::string_view name) const { return Duration::SaturatingMillis(Long(name)); }
  Duration Seconds(std::string_view name) const {
    constexpr int64_t kMillisMax = std::numeric_limits<int64_t>::max();
    return Duration::SaturatingMillis(std::min(Long(name), kMillisMax / 1000) * 1000);
  }
  // nullopt: below `smallest`, which means "no limit".
  std::optional<int64_t> LimitFrom(std::string_view name, int64_t smallest) const {
    const int64_t number = Long(name);
    return number < smallest ? std::nullopt : std::optional(number);
  }
  std::optional<Duration> MillisFrom(std::string_view name, int64_t smallest) const {
    const std::optional<int64_t> millis = LimitFrom(name, smallest);
    return millis ? std::optional(Duration::SaturatingMillis(*millis)) : std::nullopt;
  }

 private:
  const Layers& layers_;
};

const Endpoint* FindEndpoint(const std::vector<Endpoint>& endpoints, std::string_view listener) {
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.listener == listener) return &endpoint;
  }
  return nullptr;
}

bool IsAnyAddress(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

// What a listener says of itself where nothing else is said: its address, if that can be reached.
Endpoint AsAdvertised(Endpoint endpoint) {
  if (IsAnyAddress(endpoint.host)) endpoint.host.clear();
  return endpoint;
}

bool Contains(const std::vector<std::string>& list, std::string_view element) {
  return std::find(list.begin(), list.end(), element) != list.end();
}

absl::Status CheckPlaintext(const BrokerReader& read, const std::vector<Endpoint>& endpoints) {
  const std::vector<std::string> map = SplitList(read.Text("listener.security.protocol.map"));
  for (const std::string& entry : map) {
    if (entry.find(':') == std::string::npos) {
      return WrongSetting({.name = "listener.security.protocol.map", .value = entry, .why = "expected NAME:PROTOCOL"});
    }
  }
  // Only the two together are wrong: the one that somebody has set.
  const std::string_view at_fault = read.IsSet("listeners") ? "listeners" : "listener.security.protocol.map";
  for (const Endpoint& endpoint : endpoints) {
    const std::string prefix = endpoint.listener + ":";
    const auto entry = std::find_if(map.begin(), map.end(), [&](const auto& e) { return e.starts_with(prefix); });
    // A controller's listener without an entry speaks PLAINTEXT, as in Kafka.
    const bool is_controller = Contains(read.List("controller.listener.names"), endpoint.listener);
    if (entry == map.end() && is_controller) continue;
    if (entry == map.end()) {
      return WrongSetting(
          {.name = at_fault,
           .why = fmt::format("listener {} has no entry in listener.security.protocol.map", endpoint.listener)});
    }
    const std::string_view protocol = std::string_view(*entry).substr(prefix.size());
    if (protocol != "PLAINTEXT") {
      return WrongSetting({.name = at_fault,
                           .why = fmt::format("{} asks for security protocol {}: this version supports only PLAINTEXT",
                                              endpoint.listener, protocol)});
    }
  }
  return absl::OkStatus();
}

absl::Status ResolveRole(const BrokerReader& read, BrokerConfig& out) {
  const std::vector<std::string> roles = read.List("process.roles");
  const bool is_broker = Contains(roles, "broker");
  const bool is_controller = Contains(roles, "controller");
  if (!is_broker && !is_controller) return WrongSetting({.name = "process.roles", .why = "it names no role"});
  if (is_broker != is_controller) out.role = is_broker ? Role::kBroker : Role::kController;
  return absl::OkStatus();
}

// Whether the listeners that there are fit to the node's role; the rules are Kafka's.
absl::Status CheckListenersOfRole(const BrokerReader& read, const BrokerConfig& out) {
  if (out.role == Role::kController) {
    if (out.listeners.empty()) return absl::OkStatus();
    return WrongSetting({.name = "listeners",
                         .why = fmt::format("{} is not in controller.listener.names, and process.roles is controller",
                                            out.listeners.front().listener)});
  }
  if (out.role == Role::kBroker && !out.controller_listeners.empty()) {
    return WrongSetting({.name = "listeners",
                         .why = fmt::format("{} is in controller.listener.names, and process.roles is broker",
                                            out.controller_listeners.front().listener)});
  }
  if (out.role == Role::kBroker && out.controller_listener.empty()) {
    return WrongSetting({.name = "process.roles",
                         .value = "broker",
                         .why = "the controllers are reached by one of controller.listener.names, which is not set"});
  }
  if (!out.listeners.empty()) return absl::OkStatus();
  if (!read.IsSet("listeners")) {
    return WrongSetting({.name = "controller.listener.names", .why = "it leaves none of listeners to clients"});
  }
  return WrongSetting({.name = "listeners", .why = "it needs one that is not the controller's"});
}

absl::Status ResolveListeners(const BrokerReader& read, BrokerConfig& out) {
  const absl::StatusOr<std::vector<Endpoint>> all = ParseEndpoints("listeners", read.List("listeners"));
  if (!all.ok()) return all.status();
  const absl::Status plaintext = CheckPlaintext(read, *all);
  if (!plaintext.ok()) return plaintext;
  const std::vector<std::string> controller_names = read.List("controller.listener.names");
  for (size_t i = 0; i < all->size(); ++i) {
    const Endpoint& endpoint = (*all)[i];
    for (size_t j = 0; j < i; ++j) {
      if (endpoint.port != 0 && (*all)[j].port == endpoint.port && (*all)[j].host == endpoint.host) {
        return WrongSetting({.name = "listeners",
                             .why = fmt::format("{} and {} have the same port {}", (*all)[j].listener,
                                                endpoint.listener, endpoint.port)});
      }
    }
    const bool is_controller = Contains(controller_names, endpoint.listener);
    (is_controller ? out.controller_listeners : out.listeners).push_back(endpoint);
  }
  if (!controller_names.empty()) out.controller_listener = controller_names.front();
  if (absl::Status role = CheckListenersOfRole(read, out); !role.ok()) return role;
  if (out.role != Role::kBroker && out.controller_listeners.empty() &&
      (out.role == Role::kController || !controller_names.empty())) {
    return WrongSetting({.name = "controller.listener.names",
                         .value = read.Text("controller.listener.names"),
                         .why = "none of them is in listeners"});
  }
  return absl::OkStatus();
}

absl::Status ResolveAdvertised(const BrokerReader& read, BrokerConfig& out) {
  const std::optional<Value> value = read.Find("advertised.listeners");
  if (!value) {
    for (const Endpoint& endpoint : out.listeners) out.advertised_listeners.push_back(AsAdvertised(endpoint));
    for (const Endpoint& endpoint : out.controller_listeners) {
      out.advertised_controller_listeners.push_back(AsAdvertised(endpoint));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<Endpoint>> all = ParseEndpoints("advertised.listeners", value->list);
  if (!all.ok()) return all.status();
  for (const Endpoint& endpoint : *all) {
    if (IsAnyAddress(endpoint.host)) {
      return WrongSetting({.name = "advertised.listeners",
                           .why = fmt::format("no client can reach {} of {}", endpoint.host, endpoint.listener)});
    }
    if (FindEndpoint(out.controller_listeners, endpoint.listener) != nullptr) {
      out.advertised_controller_listeners.push_back(endpoint);
      continue;
    }
    if (FindEndpoint(out.listeners, endpoint.listener) == nullptr) {
      return WrongSetting(
          {.name = "advertised.listeners", .why = fmt::format("listener {} is not in listeners", endpoint.listener)});
    }
    out.advertised_listeners.push_back(endpoint);
  }
  if (out.advertised_listeners.empty() && !out.listeners.empty()) {
    return WrongSetting({.name = "advertised.listeners", .why = "it names no listener of clients"});
  }
  for (const Endpoint& endpoint : out.controller_listeners) {
    if (FindEndpoint(out.advertised_controller_listeners, endpoint.listener) != nullptr) continue;
    out.advertised_controller_listeners.push_back(AsAdvertised(endpoint));
  }
  return absl::OkStatus();
}

absl::Status ResolveInterBroker(const BrokerReader& read, BrokerConfig& out) {
  if (out.role == Role::kController) return absl::OkStatus();
  out.inter_broker_listener = read.Text("inter.broker.listener.name");
  if (out.inter_broker_listener.empty()) out.inter_broker_listener = out.advertised_listeners.front().listener;
  if (FindEndpoint(out.advertised_listeners, out.inter_broker_listener) != nullptr) return absl::OkStatus();
  return WrongSetting({.name = "inter.broker.listener.name",
                       .value = out.inter_broker_listener,
                       .why = "it is not an advertised listener"});
}

absl::Status WrongVoter(const std::string& voter, std::string why) {
  return WrongSetting({.name = "controller.quorum.voters", .value = voter, .why = std::move(why)});
}

// id@host:port; nullopt: it is not.
std::optional<QuorumVoter> ParseVoter(std::string_view text) {
  const size_t at = text.find('@');
  int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + std::min(at, text.size()), id);
  if (at == std::string_view::npos || error != std::errc() || end != text.data() + at || id < 0) return std::nullopt;
  const std::optional<HostPort> address = ParseHostPort(text.substr(at + 1));
  if (!address) return std::nullopt;
  return QuorumVoter{NodeId(id), *address};
}

// Voters by id. A node alone needs no address of its own.
absl::Status ResolveVoters(const BrokerReader& read, BrokerConfig& out) {
  std::vector<QuorumVoter> voters;
  for (const std::string& text : read.List("controller.quorum.voters")) {
    const std::optional<QuorumVoter> voter = ParseVoter(text);
    if (!voter) return WrongVoter(text, "expected id@host:port");
    const auto is_same = [&](const QuorumVoter& other) { return other.id == voter->id; };
    if (std::any_of(voters.begin(), voters.end(), is_same)) return WrongVoter(text, "its id is there twice");
    voters.push_back(*voter);
  }
  const auto is_self = [&](const QuorumVoter& voter) { return voter.id == out.node_id; };
  const bool votes = std::any_of(voters.begin(), voters.end(), is_self);
  if (out.role == Role::kBroker) {
    if (voters.empty()) {
      return WrongSetting({.name = "process.roles",
                           .value = "broker",
                           .why = "controller.quorum.voters must say where the controllers are, and is not set"});
    }
    if (votes) {
      return WrongVoter(read.Text("controller.quorum.voters"),
                        fmt::format("process.roles is broker, and node.id {} is among them", out.node_id.value()));
    }
  } else {
    if (voters.empty()) return absl::OkStatus();
    if (!votes) {
      return WrongVoter(
          read.Text("controller.quorum.voters"),
          fmt::format("this node is a controller, and its node.id {} is not among them", out.node_id.value()));
    }
    if (voters.size() == 1 && out.role == Role::kBrokerAndController) return absl::OkStatus();
    if (out.controller_listeners.empty()) {
      return WrongSetting({.name = "controller.listener.names", .why = "the other voters reach this node by one"});
    }
  }
  std::sort(voters.begin(), voters.end());
  out.quorum.voters = std::move(voters);
  return absl::OkStatus();
}

absl::Status ResolveQuorum(const BrokerReader& read, BrokerConfig& out) {
  if (absl::Status voters = ResolveVoters(read, out); !voters.ok()) return voters;
  const std::vector<std::string> servers = read.List("controller.quorum.bootstrap.servers");
  for (const std::string& server : servers) {
    if (servers.size() > 1 || !ParseHostPort(server)) {
      return WrongSetting({.name = "controller.quorum.bootstrap.servers",
                           .value = server,
                           .why = "expected one host:port: several voters are named by controller.quorum.voters"});
    }
  }
  return absl::OkStatus();
}

absl::Status ResolveMetricsListener(const BrokerReader& read, BrokerConfig& out) {
  const std::string text = read.Text("odradek.metrics.listener");
  if (text.empty()) return absl::OkStatus();
  out.metrics_listener = ParseHostPort(text);
  if (out.metrics_listener) return absl::OkStatus();
  return WrongSetting({.name = "odradek.metrics.listener", .value = text, .why = "expected host:port"});
}

absl::Status ResolveDirs(const BrokerReader& read, BrokerConfig& out) {
  // An empty log.dirs is a mistake, not a reason to take log.dir.
  const std::string_view name = read.Find("log.dirs") ? "log.dirs" : "log.dir";
  out.log_dirs = read.List(name);
  if (out.log_dirs.empty()) {
    return WrongSetting({.name = name, .why = "it names no folder"});
  }
  out.metadata_log_dir = read.Text("metadata.log.dir");
  if (out.metadata_log_dir.empty()) out.metadata_log_dir = out.log_dirs.front();
  return absl::OkStatus();
}

// A decimal number of bytes, with or without an exponent, as Java writes a double; what is too large is the largest.
std::optional<int64_t> ParseRate(std::string_view text) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const size_t exponent_at = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, exponent_at);
  int64_t exponent = 0;
  if (exponent_at != std::string_view::npos) {
    const std::string_view digits = text.substr(exponent_at + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || end != digits.data() + digits.size() || exponent < 0) return std::nullopt;
  }
  int64_t value = 0;
  bool behind_point = false;
  bool any = false;
  for (const char c : mantissa) {
    if (c == '.' && !behind_point) {
      behind_point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    any = true;
    if (behind_point && exponent-- <= 0) continue;
    value = value > (kMax - 9) / 10 ? kMax - 9 : value * 10 + (c - '0');
  }
  for (; exponent > 0 && value > 0 && value < kMax / 10; --exponent) value *= 10;
  if (!any || value == 0) return std::nullopt;
  return exponent > 0 || value >= kMax - 9 ? kMax : value;
}

absl::Status ResolveCleaner(const BrokerReader& read, CleanerConfig& out) {
  out.backoff = read.Millis("log.cleaner.backoff.ms");
  out.map_bytes = read.Long("log.cleaner.dedupe.buffer.size");
  constexpr int64_t kPercentPpm = 10'000;
  const int64_t load_percent = read.Long("log.cleaner.io.buffer.load.factor") / kPercentPpm;
  out.map_load_percent = static_cast<int32_t>(std::clamp<int64_t>(load_percent, 1, 99));
  out.buffer_bytes = read.Int("log.cleaner.io.buffer.size");
  const std::string rate = read.Text("log.cleaner.io.max.bytes.per.second");
  const std::optional<int64_t> parsed = ParseRate(rate);
  if (!parsed) {
    return WrongSetting(
        {.name = "log.cleaner.io.max.bytes.per.second", .value = rate, .why = "expected a number above 0"});
  }
  out.bytes_per_second_max = *parsed;
  return absl::OkStatus();
}

absl::Status ResolveReplication(const BrokerReader& read, ReplicationConfig& out) {
  out.fetcher_count = read.Int("num.replica.fetchers");
  out.fetch_backoff = read.Millis("replica.fetch.backoff.ms");
  out.fetch_wait_max = read.Millis("replica.fetch.wait.max.ms");
  out.fetch_bytes_min = read.Int("replica.fetch.min.bytes");
  out.fetch_bytes_max = read.Int("replica.fetch.max.bytes");
  out.fetch_response_bytes_max = read.Int("replica.fetch.response.max.bytes");
  out.lag_time_max = read.Millis("replica.lag.time.max.ms");
  out.socket_timeout = read.Millis("replica.socket.timeout.ms");
  out.selects_replica_by_rack = read.Text("replica.selector.class") == kRackAwareReplicaSelector;
  for (const std::string_view limit : {"replica.socket.timeout.ms", "replica.lag.time.max.ms"}) {
    if (out.fetch_wait_max <= read.Millis(limit)) continue;
    return WrongSetting(
        {.name = "replica.fetch.wait.max.ms",
         .value = read.Text("replica.fetch.wait.max.ms"),
         .why = fmt::format("{} is {}: a follower that has everything would count as lost", limit, read.Text(limit))});
  }
  return absl::OkStatus();
}

void ResolveNumbers(const BrokerReader& read, BrokerConfig& out) {
  out.cleaner_runs = read.Bool("log.cleaner.enable");
  out.num_partitions = read.Int("num.partitions");
  out.default_replication_factor = static_cast<int16_t>(read.Int("default.replication.factor"));
  out.auto_create_topics = read.Bool("auto.create.topics.enable");
  out.delete_topics = read.Bool("delete.topic.enable");
  out.retention_check_interval = read.Millis("log.retention.check.interval.ms");
  out.flush_check_interval = read.Millis("log.flush.scheduler.interval.ms");
  out.recovery_point_checkpoint_interval = read.Millis("log.flush.offset.checkpoint.interval.ms");
  out.log_start_offset_checkpoint_interval = read.Millis("log.flush.start.offset.checkpoint.interval.ms");
  out.high_watermark_checkpoint_interval = read.Millis("replica.high.watermark.checkpoint.interval.ms");
  out.producer_id_expiration = read.Millis("producer.id.expiration.ms");
  out.request_bytes_max = read.Int("socket.request.max.bytes");
  out.fetch_bytes_max = read.Int("fetch.max.bytes");
  out.fetch_sessions_max = read.Int("max.incremental.fetch.session.cache.slots");
  out.describe_partitions_max = read.Int("max.request.partition.size.limit");
  out.connections_max = read.Int("max.connections");
  out.connections_per_ip_max = read.Int("max.connections.per.ip");
  out.connection_idle_max = read.MillisFrom("connections.max.idle.ms", 0);
  out.requests_in_flight_max = read.Int("queued.max.requests");
  out.memory_bytes = read.Long("odradek.memory.bytes");
  out.log_dir_hang_timeout = read.Millis("odradek.log.dir.hang.timeout.ms");
  out.snapshot_after_bytes = read.Long("metadata.log.max.record.bytes.between.snapshots");
  out.snapshot_after_time = read.MillisFrom("metadata.log.max.snapshot.interval.ms", 1);
  out.metadata_segment_bytes = read.Int("metadata.log.segment.bytes");
  out.metadata_segment_time = read.Millis("metadata.log.segment.ms");
  out.no_op_interval = read.MillisFrom("metadata.max.idle.interval.ms", 1);
  out.metadata_retention_bytes = read.LimitFrom("metadata.max.retention.bytes", 0);
  out.metadata_retention_time = read.MillisFrom("metadata.max.retention.ms", 0);
}

void ResolveQuorumTimes(const BrokerReader& read, QuorumConfig& out) {
  out.election_timeout = Duration::Millis(read.Int("controller.quorum.election.timeout.ms"));
  out.election_backoff_max = Duration::Millis(read.Int("controller.quorum.election.backoff.max.ms"));
  out.fetch_timeout = Duration::Millis(read.Int("controller.quorum.fetch.timeout.ms"));
  out.request_timeout = Duration::Millis(read.Int("controller.quorum.request.timeout.ms"));
  out.retry_backoff = Duration::Millis(read.Int("controller.quorum.retry.backoff.ms"));
  out.fetch_bytes_max = read.Int("controller.quorum.fetch.max.bytes");
  out.snapshot_fetch_bytes_max = read.Int("controller.quorum.fetch.snapshot.max.bytes");
}

}  // namespace

absl::StatusOr<BrokerConfig> ResolveBrokerConfig(const Layers& layers) {
  REQUIRES(layers.topic == nullptr);
  const BrokerReader read(layers);
  BrokerConfig out;
  out.node_id = NodeId(read.Int("node.id"));
  out.rack = read.Text("broker.rack");
  ResolveNumbers(read, out);
  ResolveQuorumTimes(read, out.quorum);
  out.heartbeat_interval = Duration::Millis(read.Int("broker.heartbeat.interval.ms"));
  out.session_timeout = Duration::Millis(read.Int("broker.session.timeout.ms"));
  if (read.Bool("auto.leader.rebalance.enable")) {
    out.leader_balance_interval = read.Seconds("leader.imbalance.check.interval.seconds");
  }
  out.unclean_election_interval = read.Millis("unclean.leader.election.interval.ms");
  for (const auto step :
       {ResolveDirs, ResolveRole, ResolveListeners, ResolveAdvertised, ResolveInterBroker, ResolveMetricsListener}) {
    const absl::Status status = step(read, out);
    if (!status.ok()) return status;
  }
  const absl::Status cleaner = ResolveCleaner(read, out.cleaner);
  if (!cleaner.ok()) return cleaner;
  const absl::Status replication = ResolveReplication(read, out.replication);
  if (!replication.ok()) return replication;
  const absl::Status quorum = ResolveQuorum(read, out);
  if (!quorum.ok()) return quorum;
  return out;
}

absl::StatusOr<CleanerConfig> ResolveCleanerConfig(const Layers& layers) {
  REQUIRES(layers.topic == nullptr);
  CleanerConfig out;
  const absl::Status status = ResolveCleaner(BrokerReader(layers), out);
  if (!status.ok()) return status;
  return out;
}

absl::StatusOr<ReplicationConfig> ResolveReplicationConfig(const Layers& layers) {
  REQUIRES(layers.topic == nullptr);
  ReplicationConfig out;
  const absl::Status status = ResolveReplication(BrokerReader(layers), out);
  if (!status.ok()) return status;
  return out;
}

}  // namespace odradek::config
