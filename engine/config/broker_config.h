// The resolved settings of one node: typed, in one unit, "no limit" as nullopt, checked against each other. A plain
// value; made anew when a dynamic property changes (only those marked dynamic in the tables can). Source: FEATURES 5.1.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/config/resolve.h"

namespace odradek::config {

// A named address: NAME://host:port. In listeners an empty host is every address; in advertised.listeners it is a host
// that clients can reach. All listeners speak PLAINTEXT.
struct Endpoint {
  std::string listener;
  std::string host;
  int32_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "[::1]:9092" and "host:9092"; nullopt: neither, or a port beyond 65535. An empty host is allowed.
struct HostPort {
  std::string host;
  int32_t port = 0;
  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};
std::optional<HostPort> ParseHostPort(std::string_view text);

// The elements of listeners or advertised.listeners; `name` is the property that the error names.
absl::StatusOr<std::vector<Endpoint>> ParseEndpoints(std::string_view name, const std::vector<std::string>& elements);

// Of the cleaner of compacted topics; all of it may change while the node runs.
struct CleanerConfig {
  Duration backoff;
  int64_t map_bytes = 0;
  int32_t map_load_percent = 0;
  int32_t buffer_bytes = 0;
  int64_t bytes_per_second_max = 0;  // the largest number: no limit

  friend bool operator==(const CleanerConfig&, const CleanerConfig&) = default;
};

// A member of the quorum, as controller.quorum.voters names it.
struct QuorumVoter {
  NodeId id;
  HostPort address;
  friend auto operator<=>(const QuorumVoter&, const QuorumVoter&) = default;
};

// Of the metadata quorum (KIP-595); the names are those of the settings behind controller.quorum.
struct QuorumConfig {
  std::vector<QuorumVoter> voters;  // by id; empty: this node alone, as long as the metadata log names no others
  Duration election_timeout;
  Duration election_backoff_max;
  Duration fetch_timeout;
  Duration request_timeout;
  Duration retry_backoff;
  int32_t fetch_bytes_max = 0;
  int32_t snapshot_fetch_bytes_max = 0;
  friend bool operator==(const QuorumConfig&, const QuorumConfig&) = default;
};

// How brokers replicate from each other.
struct ReplicationConfig {
  int32_t fetcher_count = 1;  // for each leader
  Duration fetch_backoff;
  Duration fetch_wait_max;
  int32_t fetch_bytes_min = 0;
  int32_t fetch_bytes_max = 0;           // of one partition
  int32_t fetch_response_bytes_max = 0;  // of all
  Duration lag_time_max;
  Duration socket_timeout;
  // Consumers are told to read from a replica in their rack (KIP-392).
  bool selects_replica_by_rack = false;
  friend bool operator==(const ReplicationConfig&, const ReplicationConfig&) = default;
};

// What a node is (process.roles).
enum class Role : uint8_t { kBrokerAndController, kBroker, kController };

struct BrokerConfig {
  // Identity and addresses.
  NodeId node_id;
  Role role = Role::kBrokerAndController;
  std::string rack;                            // empty: none
  std::vector<Endpoint> listeners;             // of clients and other brokers
  std::vector<Endpoint> controller_listeners;  // those named by controller.listener.names
  // An empty host takes the node's own name.
  std::vector<Endpoint> advertised_listeners;             // of clients and other brokers
  std::vector<Endpoint> advertised_controller_listeners;  // one for each of controller_listeners
  std::string inter_broker_listener;                      // empty: the node is no broker
  std::string controller_listener;  // by which the quorum's voters are reached; empty: there are no others
  std::optional<HostPort> metrics_listener;

  // Folders.
  std::vector<std::string> log_dirs;
  std::string metadata_log_dir;

  // Topics.
  int32_t num_partitions = 1;
  int16_t default_replication_factor = 1;
  bool auto_create_topics = true;
  bool delete_topics = true;

  // Log upkeep.
  Duration retention_check_interval;
  Duration flush_check_interval;
  Duration recovery_point_checkpoint_interval;
  Duration log_start_offset_checkpoint_interval;
  Duration high_watermark_checkpoint_interval;
  Duration producer_id_expiration;

  bool cleaner_runs = true;
  CleanerConfig cleaner;

  // Limits.
  int32_t request_bytes_max = 0;
  int32_t fetch_bytes_max = 0;
  int32_t fetch_sessions_max = 0;
  Duration log_dir_hang_timeout;
  int32_t describe_partitions_max = 0;
  int32_t connections_max = 0;
  int32_t connections_per_ip_max = 0;
  std::optional<Duration> connection_idle_max;
  int32_t requests_in_flight_max = 0;
  int64_t memory_bytes = 0;

  ReplicationConfig replication;

  // Metadata log and controller.
  QuorumConfig quorum;
  Duration heartbeat_interval;
  Duration session_timeout;
  // nullopt: preferred leaders do not get their partitions back.
  std::optional<Duration> leader_balance_interval;
  Duration unclean_election_interval;
  int64_t snapshot_after_bytes = 0;
  std::optional<Duration> snapshot_after_time;
  int32_t metadata_segment_bytes = 0;
  Duration metadata_segment_time;
  std::optional<Duration> no_op_interval;
  std::optional<int64_t> metadata_retention_bytes;
  std::optional<Duration> metadata_retention_time;

  friend bool operator==(const BrokerConfig&, const BrokerConfig&) = default;
};

// The error names the properties that contradict each other.
// What is dynamic is that of the layers at this moment; a node goes on with what it read at its start, but for what has
// a function of its own below.
absl::StatusOr<BrokerConfig> ResolveBrokerConfig(const Layers& layers);
absl::StatusOr<CleanerConfig> ResolveCleanerConfig(const Layers& layers);
absl::StatusOr<ReplicationConfig> ResolveReplicationConfig(const Layers& layers);

}  // namespace odradek::config
